"""From the spool to rows: a sweep that loses nothing, counts everything once, and may be killed at any point.

Why it is safe, step by step for one batch:

1.  The transaction begins and takes an advisory lock that ends with it. Whatever happens to this process or
    to its connection, rows can be committed only while the lock was held without a break, so two sweepers
    never file the same spool file.
2.  The spool is listed, under the lock. Names in ``SettledSpoolFile`` have rows already (see 6): they are
    only removed.
3.  Each object that is not here already, byte for byte, is read in the sandbox. Nothing has changed so far;
    dying here costs nothing.
4.  Each file gets a second name in its permanent place (a hard link, or a flushed copy), and the folders are
    flushed. Dying here leaves a second name without a row. Names come from the content (images) or from the
    spool file (quarantine), so the next sweep puts the same file in the same place.
5.  The rows and the spool files' names in ``SettledSpoolFile`` are committed together. Before the commit:
    spool file, no row. After it: row and file, both durable, because 4 came first.
6.  The spool files are removed, the spool folder is flushed, and only then their names are removed from
    ``SettledSpoolFile``. Dying in between leaves a file whose name says that it was counted; a power cut that
    brings a removed file back finds its name still there.

At every moment the spool file is there, or the row and its file are. Nothing is counted twice.

A sweeper that finds the lock taken goes away at once. The one that holds it looks into the spool again after
letting go, so a file that arrived in between is seen by one of the two.
"""

import datetime as dt
import logging
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction

from clinic.jobs import enqueue
from clinic.models import User

from . import spool
from .filing import Received, file_objects
from .models import SettledSpoolFile
from .quarantine import set_aside
from .reasons import quarantine_reason
from .repeats import count_repeats
from .sandbox import Refused, Sandbox, sandbox
from .stored_files import make_folder

BATCH = 50
# A batch ends early so that what is read is seen soon, and a run of slow objects holds up nothing for long.
BATCH_SECONDS = 30.0
BATCH_METADATA = 64 * 1024 * 1024
SWEEP_SECONDS = 600.0
LOCK = 0x43454441
# Then everything stays in the spool for the next sweep.
DATABASE_AWAY = (OperationalError, InterfaceError)
log = logging.getLogger(__name__)


def ingest_spool() -> None:
    """File everything in the spool. Returns at once when somebody else is doing so."""
    until = time.monotonic() + SWEEP_SECONDS
    passed: set[str] = set()
    while _ingest_batch(passed):
        if time.monotonic() > until:
            enqueue("imaging.tasks.ingest_spool")
            return


def _ingest_batch(passed: set[str]) -> bool:
    """File the oldest objects of the spool; False when there is nothing (more) to do here.

    ``passed`` are files that this sweep leaves alone because the machine could not read or place them.
    """
    with transaction.atomic(durable=True):
        if not _take_lock():
            return False
        waiting = _waiting(passed)
        names = [path.name for path in waiting]
        settled = set(SettledSpoolFile.objects.filter(name__in=names).values_list("name", flat=True))
        new = [path for path in waiting if path.name not in settled]
        repeats = count_repeats(new)
        examined = _examine([path for path in new if path not in repeats], passed)
        filed = [*repeats, *_file(examined, passed)]
        SettledSpoolFile.objects.bulk_create(SettledSpoolFile(name=path.name) for path in filed)
        if not waiting:
            _forget_removed()
    if not waiting:
        # The lock is free now: what came while it was held and found it taken has to be seen.
        return bool(_waiting(passed))
    _remove([*filed, *(path for path in waiting if path.name in settled)])
    return True


def _waiting(passed: set[str]) -> list[Path]:
    return [path for path in spool.waiting() if path.name not in passed][:BATCH]


def wait_for_lock(seconds: float) -> None:
    """Hold the lock of the sweepers until the transaction ends. Raises ``OperationalError`` if it is late."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{seconds:.0f}s"])
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute("SELECT set_config('lock_timeout', '0', true)")


def _take_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def work_folder() -> Path:
    """Where frames are written on their way; for who holds the lock, and empty."""
    work = Path(settings.STUDIES_DIR) / ".work"
    make_folder(work)
    for leftover in work.iterdir():
        leftover.unlink()
    return work


def _examine(paths: Sequence[Path], passed: set[str]) -> list[Received]:
    """Read the objects in the sandbox, as many as fit into this batch's time and memory."""
    work = work_folder()
    until, metadata, received = time.monotonic() + BATCH_SECONDS, 0, []
    with sandbox() as child:
        for path in paths:
            try:
                one, size = examine_one(child, path, work / f"{path.stem}.frames")
            except FileNotFoundError:
                continue  # another sweeper removed it
            except OSError:
                log.exception("a received file could not be read, it stays in the spool")
                passed.add(path.name)
                continue
            received.append(one)
            metadata += size
            if time.monotonic() > until or metadata > BATCH_METADATA:
                break
    return received


def examine_one(child: Sandbox, path: Path, side_file: Path) -> tuple[Received, int]:
    """What is in the file, and how many bytes of metadata that is."""
    try:
        envelope = spool.read_envelope(path)
    except spool.BadSpoolFile as error:
        return Received(_bare_envelope(path), refused=Refused("no_file_meta", str(error))), 0
    try:
        answer = child.ask(
            "examine",
            path=str(path),
            data_offset=envelope.data_offset,
            transfer_syntax=envelope.transfer_syntax_uid,
            sop_class_uid=envelope.sop_class_uid,
            sop_instance_uid=envelope.sop_instance_uid,
            side_file=str(side_file),
        )
    except Refused as refused:
        if refused.code == "system":
            raise OSError(refused.detail) from None
        return Received(envelope, refused=refused), 0
    is_beside = answer.values["in_side_file"]
    metadata = answer.attachment.decode()
    received = Received(envelope, answer.values, metadata, side_file if is_beside else None)
    return received, len(answer.attachment)


def _bare_envelope(path: Path) -> spool.Envelope:
    """For a file whose file meta cannot be read: nothing but its size and time is known."""
    status = path.stat()
    return spool.Envelope(
        path=path,
        sop_class_uid="",
        sop_instance_uid="",
        transfer_syntax_uid="",
        calling_ae_title="",
        called_ae_title="",
        address="",
        received_at=dt.datetime.fromtimestamp(status.st_mtime, dt.UTC),
        data_offset=0,
        size=status.st_size,
    )


def _file(received: Sequence[Received], passed: set[str]) -> list[Path]:
    """File the batch; if that fails, one by one, so that one object cannot keep the others out."""
    if not received:
        return []
    machine = User.objects.machine("dicom")
    try:
        file_objects(received, by=machine)
        return [one.envelope.path for one in received]
    except DATABASE_AWAY:
        raise
    except Exception:
        log.exception("a batch of %d objects could not be filed, trying one by one", len(received))
    filed = []
    for one in received:
        try:
            _file_one(one, by=machine)
        except OSError:
            log.exception("a received file could not be placed, it stays in the spool")
            passed.add(one.envelope.path.name)
        else:
            filed.append(one.envelope.path)
    return filed


def _file_one(one: Received, *, by: User) -> None:
    try:
        file_objects([one], by=by)
    except (*DATABASE_AWAY, OSError):
        raise
    except Exception as error:
        log.exception("an object could not be filed and goes to quarantine")
        refused = Refused("not_recorded", type(error).__name__)
        with transaction.atomic():
            set_aside(one.envelope, quarantine_reason(refused), by=by)


def _remove(paths: Iterable[Path]) -> None:
    """Take settled files out of the spool, durably, before their names are forgotten."""
    names = [path.name for path in paths]
    for path in paths:
        path.unlink(missing_ok=True)
    spool.flush_folder(Path(settings.SPOOL_DIR))
    SettledSpoolFile.objects.filter(name__in=names).delete()


def _forget_removed() -> None:
    """Names that a killed sweeper left behind after it had removed their files."""
    gone = [
        name
        for name in SettledSpoolFile.objects.values_list("name", flat=True)
        if not (Path(settings.SPOOL_DIR) / name).exists()
    ]
    if gone:
        spool.flush_folder(Path(settings.SPOOL_DIR))
        SettledSpoolFile.objects.filter(name__in=gone).delete()
