"""Ends what a killed supervisor leaves: waits for the end of a pipe that only the supervisor holds open.

The kernel tells direct children of their parent's death (``clinic/launch.py``); this reaches their children
too, and works where the kernel does not tell.
"""

import signal
import sys

from . import family


def main(mark: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    family.end(mark)


if __name__ == "__main__":
    main(sys.argv[1])
