"""The processes of one supervisor, told by a mark in their environment, and how to end those it left.

Children of children keep the mark, also when the process between them is gone.
"""

import signal
import time
import uuid
from pathlib import Path

import psutil

MARK = "CEDAR_SUPERVISOR"
PATIENCE = 10.0


def new_mark(data: Path) -> str:
    return f"{uuid.uuid4().hex}:{data}"


def members(mark: str) -> list[psutil.Process]:
    """The living processes with this mark; one that begins with ``:`` means any supervisor of that folder."""
    return [process for process in psutil.process_iter() if _is_member(process, mark)]


def _is_member(process: psutil.Process, mark: str) -> bool:
    try:
        carried = process.environ().get(MARK, "")
        is_ours = carried == mark or (mark.startswith(":") and carried.endswith(mark))
        return is_ours and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def end(mark: str) -> int:
    """End all of them, the database first kindly; how many there were."""
    first = members(mark)
    deadline = time.monotonic() + PATIENCE
    left = first
    while left:
        hard = time.monotonic() > deadline
        for process in left:
            _end_one(process, hard)
        time.sleep(0.1)
        left = members(mark)
    return len(first)


def _end_one(process: psutil.Process, hard: bool) -> None:
    try:
        is_database = process.name() == "postgres"
        process.send_signal(signal.SIGQUIT if is_database and not hard else signal.SIGKILL)
    except psutil.Error:
        return
