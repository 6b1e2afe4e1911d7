"""Starts the parts in order, starts again what dies, and stops all in reverse order."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import psycopg

from clinic.postgres import Cluster, PostgresError

from . import family, logs, parts, preparation, ready
from .child import Child, Part
from .options import ROOT, Options, StartError

TICK = 0.2
QUICK_DEATHS = 3  # of one part, before Cedar was ever ready
READY_WITHIN = 300.0
RECOVERED_WITHIN = 1800.0  # a large database after a power cut


class Stopped(Exception):
    """Somebody asked for an end."""


def say(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone
        print(text, flush=True)


class Supervisor:
    """All processes of one data folder."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.children: list[Child] = []
        self.mark = family.new_mark(options.data)
        self.undertaker: subprocess.Popen[bytes] | None = None
        self.asked_to_stop = 0
        self.is_ready = False
        self.cluster: Cluster | None = None

    def run(self) -> None:
        """From nothing to ready, then on until somebody asks for an end."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
                signal.signal(number, self._on_signal)
        try:
            demo = preparation.is_demo(self.options)
            os.environ.update(parts.environment(self.options, demo))
            self._keep_undertaker()
            self._start_database()
            prepared = preparation.run(self._child(parts.preparation()), self.wait, say)
            say("Starting the web server, the worker and the DICOM server …")
            for part in (parts.web(self.options), parts.worker(), parts.dicom()):
                self._add(part)
            self.wait(self._answers, READY_WITHIN)
            self.is_ready = True
            say(ready.announcement(self.options, demo, prepared.has_administrator))
            self.wait(lambda: False)
        except Stopped:
            say("\nStopping …")
        finally:
            self._stop_all()

    def wait(self, condition: Callable[[], bool], seconds: float | None = None) -> None:
        """Look after everything until ``condition`` holds; every wait of the supervisor goes through here."""
        deadline = time.monotonic() + seconds if seconds else None
        while not condition():
            if self.asked_to_stop:
                raise Stopped
            self._look_after()
            if deadline and time.monotonic() > deadline:
                raise StartError(self._not_ready())
            time.sleep(TICK)

    def _child(self, part: Part) -> Child:
        return Child(part, self.options.data / "logs", {family.MARK: self.mark})

    def _add(self, part: Part) -> None:
        """Start a part that is to run from now on."""
        child = self._child(part)
        child.start()
        self.children.append(child)

    def _start_database(self) -> None:
        url = os.environ.get("DATABASE_URL")
        if url:
            self._check_own_database(url)
            return
        self.cluster = Cluster(self.options.data)
        if not (self.cluster.folder / "PG_VERSION").exists():
            say("Creating the database …")
        self.cluster.create()
        self.cluster.clear_leftovers()
        say("Starting the database …")
        self._add(parts.database(self.cluster))
        self.wait(self.cluster.is_ready, RECOVERED_WITHIN)
        self.cluster.make_database()

    @staticmethod
    def _check_own_database(url: str) -> None:
        try:
            psycopg.connect(url, connect_timeout=10).close()
        except psycopg.Error as error:
            reason = str(error).strip().splitlines()[-1]
            raise StartError(f"The database of DATABASE_URL cannot be reached: {reason}") from error

    def _look_after(self) -> None:
        """Start again what has died."""
        self._keep_undertaker()
        for child in self.children:
            if child.process is not None and not child.is_running:
                self._judge(child, child.bury())
            if child.process is None and time.monotonic() >= child.due:
                self._start_again(child)
            logs.rotate(child.log)

    def _judge(self, child: Child, how: str) -> None:
        said = logs.tail(child.log, child.log_start)
        if not self.is_ready and child.deaths >= QUICK_DEATHS:
            raise StartError(
                f"The {child.part.title} does not run ({how}). It said:\n{said}\nAll of it: {child.log}"
            )
        if child.deaths <= QUICK_DEATHS:
            say(f"{time.strftime('%H:%M:%S')}  The {child.part.title} stopped ({how}); starting it again.")
        if child.deaths == QUICK_DEATHS:
            say(f"It keeps stopping. It said:\n{said}\nAll of it: {child.log}")

    def _start_again(self, child: Child) -> None:
        try:
            if self.cluster is not None and child.part.name == "postgres":
                self.cluster.clear_leftovers(wait=2.0)
            child.start()
        except (PostgresError, StartError, OSError) as error:
            child.due = time.monotonic() + 3.0
            say(f"{time.strftime('%H:%M:%S')}  The {child.part.title} cannot be started yet: {error}")

    def _answers(self) -> bool:
        return ready.health(self.options).get("status") == "ok"

    def _not_ready(self) -> str:
        found = ready.health(self.options)
        down = [name for name, state in found.items() if state != "ok" and name != "status"]
        words = f"these parts are down: {', '.join(down)}" if down else "the web server does not answer"
        said = [f"{child.log}:\n{logs.tail(child.log, child.log_start, lines=5)}" for child in self.children]
        return "\n".join([f"Cedar did not get ready in time; {words}.", *said])

    def _keep_undertaker(self) -> None:
        if self.undertaker is not None and self.undertaker.poll() is None:
            return
        if self.undertaker is not None and self.undertaker.stdin:
            self.undertaker.stdin.close()
        with contextlib.suppress(OSError):  # no memory just now: tried again at the next tick
            self.undertaker = subprocess.Popen(
                [sys.executable, "-m", "clinic.supervisor.undertaker", self.mark],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _stop_all(self) -> None:
        for child in reversed(self.children):
            if child.is_running:
                say(f"  {child.part.title}")
            child.stop(in_a_hurry=lambda: self.asked_to_stop > 1)
        family.end(self.mark)
        if self.undertaker is not None and self.undertaker.stdin:
            self.undertaker.stdin.close()
            self.undertaker.wait()
        if self.asked_to_stop:
            say("Cedar has stopped.")

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.asked_to_stop += 1
