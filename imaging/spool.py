"""The spool: the folder where a received object becomes durable before anybody is told that it was stored.

One file per received object: preamble, file meta of ours (PS3.10 7.1), and behind it the data set exactly as
the sender encoded it. A file is written as ``<name>.part``, flushed to disk, renamed to ``<name>.dcm``, and
the folder is flushed; only then may success be answered. The folder is the truth: whatever ``waiting()``
lists has been acknowledged and must end as an image or in quarantine. No database is touched here, and no
name is made from what a peer sent.
"""

import contextlib
import datetime
import fcntl
import itertools
import os
import secrets
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from django.conf import settings

# Of our own making (PS3.7 D.3.3.2); it names the software, not the installation.
IMPLEMENTATION_CLASS_UID = "2.25.186519966465282149776712917529003361701"
IMPLEMENTATION_VERSION = "CEDAR_0_1"

_PREAMBLE = bytes(128) + b"DICM"
_META_LIMIT = 64 * 1024
_LONG_VRS = {b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"}
_serial = itertools.count()


class BadSpoolFile(Exception):
    """A file in the spool has no file meta that Cedar wrote; its text says what was read."""


@dataclass(frozen=True)
class Envelope:
    """What the file meta of a spool file says: how the object came, not what it is."""

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    calling_ae_title: str
    called_ae_title: str
    address: str
    received_at: datetime.datetime
    data_offset: int
    size: int


class SpoolFile:
    """A file on its way into the spool; nobody sees it before ``commit``.

    >>> with SpoolFile(file_meta(...)) as file:
    ...     file.write(fragment)
    ...     path = file.commit()

    Leaving the block without a commit removes what was written.
    """

    def __init__(self, header: bytes) -> None:
        self._folder = Path(settings.SPOOL_DIR)
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(_serial)}-{secrets.token_hex(3)}"
        self._part = self._folder / f"{name}.part"
        self._final = self._folder / f"{name}.dcm"
        self._fd = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            # Tells ``remove_leftovers`` that somebody is writing; the lock ends with the process.
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            self.write(header)
        except BaseException:
            self.discard()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.discard()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]

    def write_all(self, pieces: Sequence[bytes | bytearray | memoryview]) -> None:
        """Write ``pieces`` one behind the other, in one call to the system where it takes them."""
        written = os.writev(self._fd, pieces)
        for piece in pieces:
            if written < len(piece):
                self.write(memoryview(piece)[written:])
                written = 0
            else:
                written -= len(piece)

    def fileno(self) -> int:
        return self._fd

    def commit(self) -> Path:
        """Make it durable under its final name. After this returns a power cut cannot lose it."""
        os.fsync(self._fd)
        os.rename(self._part, self._final)
        flush_folder(self._folder)
        os.close(self._fd)
        self._fd = -1
        return self._final

    def discard(self) -> None:
        """Forget what was written, unless it was committed."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self._part.unlink(missing_ok=True)


def file_meta(
    *,
    sop_class_uid: str,
    sop_instance_uid: str,
    transfer_syntax_uid: str,
    calling_ae_title: str,
    called_ae_title: str,
    address: str,
) -> bytes:
    """Preamble and file meta information for an object received over the network (PS3.10 Table 7.1-1)."""
    elements = b"".join(
        [
            struct.pack("<HH2sHIH", 2, 0x0001, b"OB", 0, 2, 0x0100),
            _element(0x0002, b"UI", sop_class_uid),
            _element(0x0003, b"UI", sop_instance_uid),
            _element(0x0010, b"UI", transfer_syntax_uid),
            _element(0x0012, b"UI", IMPLEMENTATION_CLASS_UID),
            _element(0x0013, b"SH", IMPLEMENTATION_VERSION),
            _element(0x0016, b"AE", calling_ae_title),
            _element(0x0018, b"AE", called_ae_title),
            _element(0x0026, b"UR", f"dicom://{address}"),
        ]
    )
    return _PREAMBLE + struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(elements)) + elements


def waiting() -> list[Path]:
    """Everything acknowledged and not yet ingested, oldest first."""
    with os.scandir(settings.SPOOL_DIR) as entries:
        names = sorted(entry.name for entry in entries if entry.name.endswith(".dcm"))
    return [Path(settings.SPOOL_DIR) / name for name in names]


def is_empty() -> bool:
    with os.scandir(settings.SPOOL_DIR) as entries:
        return not any(entry.name.endswith(".dcm") for entry in entries)


def read_envelope(path: Path) -> Envelope:
    """Read the file meta of ``path``. Raises ``BadSpoolFile`` if it is not as ``file_meta`` writes it."""
    with path.open("rb") as file:
        head = file.read(_META_LIMIT)
        size = os.fstat(file.fileno()).st_size
    if head[:132] != _PREAMBLE:
        raise BadSpoolFile("it does not begin with a preamble of 128 zero bytes and DICM")
    try:
        tag, vr, length, group_length = struct.unpack_from("<4s2sHI", head, 132)
    except struct.error:
        raise BadSpoolFile("it ends within its file meta") from None
    if (tag, vr, length) != (b"\x02\x00\x00\x00", b"UL", 4):
        raise BadSpoolFile("its file meta does not begin with (0002,0000)")
    end = 144 + group_length
    if end > len(head):
        raise BadSpoolFile("its file meta is longer than the file or than 64 KB")
    values = dict(_elements(head, 144, end))
    address = values.get(0x0026, "").removeprefix("dicom://")
    return Envelope(
        path=path,
        sop_class_uid=values.get(0x0002, ""),
        sop_instance_uid=values.get(0x0003, ""),
        transfer_syntax_uid=values.get(0x0010, ""),
        calling_ae_title=values.get(0x0016, ""),
        called_ae_title=values.get(0x0018, ""),
        address=address,
        received_at=_received_at(path),
        data_offset=end,
        size=size,
    )


def free_bytes() -> int:
    """Room for data on the spool's file system."""
    room = os.statvfs(settings.SPOOL_DIR)
    return room.f_bavail * room.f_frsize


def remove_leftovers() -> int:
    """Remove what a killed process left half written. It was never acknowledged. Returns how many."""
    removed = 0
    for part in Path(settings.SPOOL_DIR).glob("*.part"):
        with contextlib.suppress(FileNotFoundError), part.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            part.unlink()
            removed += 1
    return removed


def flush_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _element(element: int, vr: bytes, text: str) -> bytes:
    value = text.encode("ascii", "replace")
    if len(value) % 2:
        value += b"\0" if vr == b"UI" else b" "
    if vr in _LONG_VRS:
        return struct.pack("<HH2sHI", 2, element, vr, 0, len(value)) + value
    return struct.pack("<HH2sH", 2, element, vr, len(value)) + value


def _elements(head: bytes, start: int, end: int) -> Iterator[tuple[int, str]]:
    """The text elements of group 0002 between ``start`` and ``end``."""
    while start < end:
        try:
            group, element, vr, length = struct.unpack_from("<HH2sH", head, start)
            start += 8
            if vr in _LONG_VRS:
                (length,) = struct.unpack_from("<I", head, start)
                start += 4
        except struct.error:
            raise BadSpoolFile("its file meta ends within an element") from None
        if group != 2 or start + length > end:
            raise BadSpoolFile(f"its file meta holds a broken element ({group:04X},{element:04X})")
        yield element, head[start : start + length].decode("ascii", "replace").strip(" \0")
        start += length


def _received_at(path: Path) -> datetime.datetime:
    """The name begins with the nanoseconds at which the first byte was written."""
    digits = path.name.partition("-")[0]
    seconds = int(digits) / 1e9 if digits.isdigit() and len(digits) == 20 else path.stat().st_mtime
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
