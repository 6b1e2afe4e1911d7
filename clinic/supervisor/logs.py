"""The parts' log files: written by the parts themselves, kept from growing without end."""

import contextlib
import os
import shutil
from pathlib import Path

LARGEST = 10 * 1024 * 1024
KEPT = 5


def open_log(file: Path) -> int:
    """A handle for a child to append to, readable by nobody else."""
    return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def rotate(file: Path) -> None:
    """When the file is too large, move its content to ``.1`` and older ones along.

    The writer keeps its handle, so the content is copied and the file emptied. On a full disk there is no
    copy, and the file is emptied all the same.
    """
    with contextlib.suppress(OSError):
        if file.stat().st_size <= LARGEST:
            return
        for number in range(KEPT - 1, 0, -1):
            older = Path(f"{file}.{number}")
            if older.exists():
                older.replace(f"{file}.{number + 1}")
        with contextlib.suppress(OSError):
            shutil.copy2(file, f"{file}.1")
        os.truncate(file, 0)


def tail(file: Path, start: int = 0, lines: int = 12) -> str:
    """The last lines written since byte ``start``, indented for the console."""
    try:
        with file.open("rb") as log:
            log.seek(0, os.SEEK_END)
            size = log.tell()
            log.seek(max(start if start <= size else 0, size - 16384))
            text = log.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
