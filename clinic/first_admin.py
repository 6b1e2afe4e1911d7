"""The one-time address on which the first administrator of a new clinic is made.

``up`` issues a token at each start as long as there is no administrator, and prints the address. Only the
token's hash is kept, in ``secrets/`` of the data folder; a new token replaces the old one.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path


def issue_token(data_dir: Path) -> str:
    """A new token for this data folder; the earlier one is void."""
    token = secrets.token_urlsafe(24)
    file = _file(data_dir)
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(_hash(token))
    draft.replace(file)
    return token


def check_token(token: str, data_dir: Path | None = None) -> bool:
    """Whether the token is the one that was issued last and has not been used."""
    try:
        kept = _file(data_dir).read_text()
    except FileNotFoundError:
        return False
    return hmac.compare_digest(kept, _hash(token))


def consume_token(token: str, data_dir: Path | None = None) -> bool:
    """Use the token up: True for exactly one caller who has the right one."""
    if not check_token(token, data_dir):
        return False
    try:
        _file(data_dir).unlink()
    except FileNotFoundError:
        return False
    return True


def _file(data_dir: Path | None) -> Path:
    if data_dir is None:
        from django.conf import settings

        data_dir = settings.CEDAR_DATA
    return Path(data_dir) / "secrets" / "first-administrator"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
