"""Jobs that the tests of the worker queue by path."""

import os
import signal
import time
from pathlib import Path


def write_line(file: str, text: str) -> None:
    with Path(file).open("a") as out:
        out.write(f"{text}\n")


def write_slowly(file: str, text: str) -> None:
    """Tells that it began, then waits until somebody makes ``<file>.go``."""
    write_line(file, f"{text} began")
    while not Path(f"{file}.go").exists():
        time.sleep(0.05)
    write_line(file, f"{text} ended")


def crash(file: str) -> None:
    write_line(file, "crash")
    os.kill(os.getpid(), signal.SIGKILL)


def fail(file: str) -> None:
    write_line(file, "fail")
    raise ValueError("this job always fails")
