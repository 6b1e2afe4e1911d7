"""One part of Cedar as a running process: started, watched, started again, stopped."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clinic import launch

from . import logs
from .options import ROOT, StartError

PAUSES = (0.0, 0.2, 0.5, *[1.0] * 17)  # seconds before a new start, by quick deaths in a row
LONG_PAUSE = 15.0
STABLE = 30.0  # seconds after which a death counts as the first again


@dataclass(frozen=True)
class Part:
    """What to run and how to end it."""

    name: str
    title: str
    command: list[str]
    stop_signal: int = signal.SIGTERM
    patience: float = 10.0
    death_signal: int = signal.SIGKILL  # sent by the kernel when the supervisor itself is killed


class Child:
    """A part and its process, in a session and process group of its own."""

    def __init__(self, part: Part, folder: Path, environment: dict[str, str]) -> None:
        self.part = part
        self.environment = environment
        self.log = folder / f"{part.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths = 0  # quick ones in a row
        self.log_start = 0
        self.started = 0.0
        self.due = 0.0

    def start(self) -> None:
        handle = logs.open_log(self.log)
        try:
            self.log_start = os.fstat(handle).st_size
            self.process = subprocess.Popen(
                [*launch.words(self.part.death_signal), *self.part.command],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=handle,
                start_new_session=True,
            )
        except OSError as error:
            raise StartError(f"The {self.part.title} cannot be started: {error.strerror}.") from error
        finally:
            os.close(handle)
        self.started = time.monotonic()

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def bury(self) -> str:
        """After a death: end what is left of its group, plan the next start, and say how it ended."""
        if self.process is None or self.process.returncode is None:
            raise RuntimeError(f"{self.part.name} has not ended")
        code = self.process.returncode
        self.end_group()
        self.process = None
        now = time.monotonic()
        self.deaths = self.deaths + 1 if now - self.started < STABLE else 1
        self.due = now + pause(self.deaths)
        return f"killed by signal {-code}" if code < 0 else f"exit code {code}"

    def stop(self, in_a_hurry: Callable[[], bool] = lambda: False) -> None:
        """Ask it to end, wait, and end what does not; then the rest of its group."""
        if self.process is None:
            return
        for number, seconds in (
            (self.part.stop_signal, self.part.patience),
            (self.part.death_signal, 5.0),
            (signal.SIGKILL, 5.0),
        ):
            if self.process.poll() is None:
                self.process.send_signal(number)
            deadline = time.monotonic() + seconds
            while self.process.poll() is None and time.monotonic() < deadline:
                if in_a_hurry() and number == self.part.stop_signal:
                    break
                time.sleep(0.05)
        self.end_group()
        self.process = None

    def end_group(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


def pause(deaths: int) -> float:
    """Seconds to wait after so many quick deaths in a row: nearly none for a kill, long for a lost cause."""
    return PAUSES[deaths - 1] if deaths <= len(PAUSES) else LONG_PAUSE
