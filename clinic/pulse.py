"""Signs of life of the worker, as small files in ``run/worker/`` of the data folder.

``beat`` is touched each time a heartbeat has gone the whole way of a job: pusher, worker, monitor.
``busy-<pid>`` exists while that worker process runs a job and holds the job's number in the queue: with all
workers busy no heartbeat can pass, and after a kill it tells which job was running. Files, because they
must also tell while the database is away.
"""

import os
import time
from pathlib import Path

INTERVAL = 5.0  # seconds between heartbeats
FRESH = 15.0


class Pulse:
    """The worker's signs of life in one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "run" / "worker"

    def reset(self) -> None:
        """Forget an earlier worker."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in self.folder.iterdir():
            file.unlink(missing_ok=True)

    def beat(self) -> None:
        (self.folder / "beat").touch()

    def last_beat(self) -> float | None:
        """When the last heartbeat came through, in seconds since 1970."""
        try:
            return (self.folder / "beat").stat().st_mtime
        except FileNotFoundError:
            return None

    def start_job(self, job: int) -> None:
        (self.folder / f"busy-{os.getpid()}").write_text(str(job))

    def end_job(self) -> None:
        (self.folder / f"busy-{os.getpid()}").unlink(missing_ok=True)

    def take_job_of(self, pid: int) -> int | None:
        """The job a dead process was running, told once; None when it was idle."""
        mark = self.folder / f"busy-{pid}"
        try:
            job = mark.read_text()
        except FileNotFoundError:
            return None
        mark.unlink(missing_ok=True)
        return int(job) if job.isdigit() else None

    def is_busy(self) -> bool:
        """Whether some living worker process runs a job."""
        return any(_is_alive(int(mark.name[5:])) for mark in self.folder.glob("busy-*"))

    def is_alive(self) -> bool:
        """Whether jobs get through: a fresh heartbeat, or hands full."""
        beat = self.last_beat()
        return (beat is not None and abs(time.time() - beat) <= FRESH) or self.is_busy()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
