"""What was sent, and whether it is all there: checked from the outside.

Nothing here uses Cedar's code: the sender's own list of answers, the files of the data folder, and SQL.
Every object that was answered with success has to be an image (filed or held) or in quarantine, with the
bytes that were sent; nothing else may be there, no file without a row and no row without its file.
"""

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

_IMAGES = """
    SELECT i.sop_instance_uid, i.data_sha256, i.sha256, i.size, i.times_received,
           i.file, i.frames_file, i.thumbnail
    FROM imaging_instance i
    JOIN imaging_series s ON s.id = i.series_id
    JOIN imaging_study t ON t.id = s.study_id
"""
_QUARANTINE = """
    SELECT sop_instance_uid, sha256, size, file, reason, source_ae_title, source_address, received_at
    FROM imaging_quarantined
"""
_MISCOUNTED = """
    SELECT s.series_instance_uid, s.instance_count, count(i.id) FROM imaging_series s
    LEFT JOIN imaging_instance i ON i.series_id = s.id
    GROUP BY s.id HAVING s.instance_count <> count(i.id)
"""
Key = tuple[str, str]  # SOP Instance UID, SHA-256 of the data set


class Ledger:
    """The sender's list, kept by any number of threads."""

    def __init__(self) -> None:
        self.stored: Counter[Key] = Counter()  # answered with success
        self.open: Counter[Key] = Counter()  # sent to its last byte, no answer came: it may be there or not
        self.refused: Counter[int] = Counter()  # by status
        self._lock = threading.Lock()

    def note(self, key: Key, status: int | None) -> None:
        with self._lock:
            if status is None:
                self.open[key] += 1
            elif status == 0:
                self.stored[key] += 1
            else:
                self.refused[status] += 1


def differences(data: Path, database: str, ledger: Ledger) -> list[str]:
    """Everything that is not as the sender was told; empty when all is well."""
    with psycopg.connect(database) as connection:
        images = connection.execute(_IMAGES).fetchall()
        quarantined = connection.execute(_QUARANTINE).fetchall()
        miscounted = connection.execute(_MISCOUNTED).fetchall()
    found = [f"still in the spool: {path.name}" for path in (data / "spool").iterdir()]
    kept: Counter[Key] = Counter()
    known: dict[str, set[str]] = {"studies": set(), "quarantine": set()}
    for uid, data_sha256, sha256, size, times, file, frames, thumbnail in images:
        known["studies"] |= {name for name in (file, frames, thumbnail) if name}
        content = _read(data / "studies" / file)
        if content is None:
            found.append(f"an image without its file: {uid}")
            continue
        kept[uid, _data_sha256(content)] += times
        if (_sha256(content), _data_sha256(content), len(content)) != (sha256, data_sha256, size):
            found.append(f"an image whose file is another one: {uid}")
    for uid, sha256, size, file, reason, title, address, received_at in quarantined:
        known["quarantine"].add(file)
        content = _read(data / "quarantine" / file)
        if content is None:
            found.append(f"quarantined without its file: {uid}")
            continue
        kept[uid, _data_sha256(content)] += 1
        if (_sha256(content), len(content)) != (sha256, size):
            found.append(f"quarantined with another file: {uid}")
        if not (reason and title and address and received_at):
            found.append(f"quarantined without saying why, whose or when: {uid}")
    found += _miscounted(kept, ledger)
    for folder, names in known.items():
        there = set(_files(data / folder))
        found += [f"a file without a row: {folder}/{name}" for name in sorted(there - names)]
        found += [f"a row without a file: {folder}/{name}" for name in sorted(names - there)]
    found += [f"a series of {said} images has {has}: {uid}" for uid, said, has in miscounted]
    return found


def is_settled(data: Path, database: str) -> bool:
    """Nothing is on its way any more."""
    if any((data / "spool").iterdir()):
        return False
    try:
        with psycopg.connect(database, connect_timeout=2) as connection:
            row: Any = connection.execute("SELECT count(*) FROM imaging_settledspoolfile").fetchone()
    except psycopg.OperationalError:
        return False
    return bool(row[0] == 0)


def _miscounted(kept: Counter[Key], ledger: Ledger) -> Iterator[str]:
    for key in sorted(set(kept) | set(ledger.stored)):
        least, most = ledger.stored[key], ledger.stored[key] + ledger.open[key]
        if not least <= kept[key] <= most:
            told = f"{least}" if least == most else f"{least} to {most}"
            yield f"{key[0]} ({key[1][:8]}…): answered {told} times, kept {kept[key]} times"


def _files(folder: Path) -> Iterator[str]:
    """Relative names. Left out is the reading process's own folder, and a picture half drawn by a process
    that was killed: those can be made again."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        is_draft = path.name.startswith(".") and ".jpg." in path.name
        if path.is_file() and not name.startswith(".work/") and not is_draft:
            yield name


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _data_sha256(content: bytes) -> str:
    """Of what is behind the file meta: 128 bytes, DICM, and (0002,0000) with the length of the rest of it."""
    return _sha256(content[144 + int.from_bytes(content[140:144], "little") :])
