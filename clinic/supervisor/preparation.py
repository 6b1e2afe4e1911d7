"""Between the database and the first page: migrations, static files, demo data.

The work is done by ``manage.py prepare``, which needs Django. What it writes goes to its log; lines with one
of the signs below are for the supervisor.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from . import logs
from .child import Child
from .options import Options, StartError

DEMO_MARK = "demo"  # a file in the data folder: holds "loading" or "loaded"
PROGRESS, REFUSAL, RESULT = "» ", "! ", "= "


@dataclass(frozen=True)
class Prepared:
    has_administrator: bool


def is_demo(options: Options) -> bool:
    """A folder once filled with demo data stays a demo folder."""
    return options.demo or (options.data / DEMO_MARK).exists()


def run(child: Child, wait: Callable[[Callable[[], bool]], None], say: Callable[[str], None]) -> Prepared:
    """Run it to its end; ``wait`` looks after the other parts meanwhile."""
    reader = _Reader(child, say)
    child.start()
    try:
        wait(lambda: reader.read() and not child.is_running)
        reader.read()
        code = child.process.returncode if child.process else 1
    finally:
        child.stop()
    if reader.refusal:
        raise StartError(reader.refusal)
    if code != 0 or reader.result is None:
        said = logs.tail(child.log, child.log_start)
        raise StartError(
            f"The preparation failed (exit code {code}). It said:\n{said}\nAll of it: {child.log}"
        )
    return Prepared(**json.loads(reader.result))


class _Reader:
    """Follows the log and passes the progress on."""

    def __init__(self, child: Child, say: Callable[[str], None]) -> None:
        self.child = child
        self.say = say
        self.place: int | None = None
        self.rest = ""
        self.refusal = ""
        self.result: str | None = None

    def read(self) -> bool:
        """Pass on what is new; always true, to stand in a condition."""
        with self.child.log.open("rb") as log:
            log.seek(self.child.log_start if self.place is None else self.place)
            text = self.rest + log.read().decode(errors="replace")
            self.place = log.tell()
        *lines, self.rest = text.split("\n")
        for line in lines:
            if line.startswith(PROGRESS):
                self.say(line.removeprefix(PROGRESS))
            elif line.startswith(REFUSAL):
                self.refusal = line.removeprefix(REFUSAL)
            elif line.startswith(RESULT):
                self.result = line.removeprefix(RESULT)
        return True
