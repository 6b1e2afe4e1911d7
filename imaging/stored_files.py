"""Where received bytes stay: places whose names are made here, never from what a peer sent.

A study's files are together in ``studies/<2 hex>/<16 hex>/``, a hash of its UID; a file is named by the
SHA-256 of its data set, so that doing the same work again ends in the same place.
"""

import errno
import hashlib
import os
import secrets
import shutil
from pathlib import Path

from django.conf import settings

from .spool import flush_folder


def study_folder(study_instance_uid: str) -> str:
    """Relative to ``settings.STUDIES_DIR``."""
    digest = hashlib.sha256(study_instance_uid.encode()).hexdigest()
    return f"{digest[:2]}/{digest[2:18]}"


def make_folder(folder: Path) -> None:
    """Make ``folder`` and what leads to it, durably, for the owner's eyes only."""
    missing = [place for place in [folder, *folder.parents] if not place.exists()]
    for place in reversed(missing):
        place.mkdir(mode=0o700, exist_ok=True)
        flush_folder(place.parent)


def link_file(source: Path, target: Path) -> None:
    """Let ``target`` be the bytes of ``source``, whatever was there; ``source`` stays.

    A hard link, or a copy where the spool is on another file system. The folder is not flushed here.
    The draft's name is always the same: what a killed process left is taken away by the next try.
    """
    draft = target.with_name(f".{target.name}.draft")
    draft.unlink(missing_ok=True)
    try:
        os.link(source, draft)
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}:
            raise
        _copy_file(source, draft)
    try:
        # Renaming one link of a file onto another one of the same file would do nothing and keep both.
        os.rename(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _copy_file(source: Path, draft: Path) -> None:
    with (
        source.open("rb") as read,
        os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
    ):
        shutil.copyfileobj(read, out, 1024 * 1024)
        out.flush()
        os.fsync(out.fileno())


def write_file(target: Path, data: bytes, *, durable: bool) -> None:
    """Write ``data`` under a temporary name, then rename. What can be made again need not be durable."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(data)
            if durable:
                out.flush()
                os.fsync(out.fileno())
        os.rename(draft, target)
    finally:
        draft.unlink(missing_ok=True)
    if durable:
        flush_folder(target.parent)


def studies_path(relative: str) -> Path:
    return Path(settings.STUDIES_DIR) / relative
