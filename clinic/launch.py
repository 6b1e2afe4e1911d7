"""Becomes another program that dies with its parent: ``python launch.py PARENT SIGNAL PROGRAM …``.

A program started this way gets ``SIGNAL`` from the kernel when the process ``PARENT`` is gone, even after a
kill -9 of it (Linux). Standard library only: it must start in a moment.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def words(number: int) -> list[str]:
    """What to put before a command of which this process is to be the parent."""
    return [sys.executable, "-I", "-S", os.path.abspath(__file__), str(os.getpid()), str(int(number))]


def die_with_parent(number: int, parent: int) -> None:
    """Ask the kernel for a signal at the parent's death; leave at once if it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    die_with_parent(signal.Signals(int(sys.argv[2])), int(sys.argv[1]))
    try:
        os.execvp(sys.argv[3], sys.argv[3:])  # noqa: S606
    except OSError as error:
        sys.exit(f"{sys.argv[3]} cannot be started: {error.strerror}")
