"""The real worker as a process of its own, and what happens when parts of it are killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django_q.models import OrmQ, Schedule, Task

from clinic.jobs import enqueue
from clinic.pulse import Pulse

pytestmark = pytest.mark.django_db(transaction=True)


class Worker:
    """``manage.py qcluster``, started again whenever it ends, as ``up`` and systemd do."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.starts = 0
        self.start()

    def start(self) -> None:
        self.starts += 1
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "django", "qcluster"],
                cwd=settings.BASE_DIR,
                env={**os.environ, "DJANGO_SETTINGS_MODULE": "clinic.settings_test"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def until(self, condition: Callable[[], bool], seconds: int = 60) -> None:
        """Keep the worker running until ``condition`` holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None:
                self.start()
            if time.monotonic() > deadline:
                pytest.fail(f"waited {seconds} s in vain; the worker said:\n{self.log.read_text()}")
            time.sleep(0.05)

    def members(self) -> dict[str, list[psutil.Process]]:
        """Its processes by what they are, as its log tells."""
        text = self.log.read_text()
        tree = psutil.Process(self.process.pid).children(recursive=True)
        found: dict[str, list[psutil.Process]] = {
            "guard": tree[:1],
            "worker": [],
            "monitor": [],
            "pusher": [],
        }
        for process in tree[1:]:
            for kind, words in (
                ("worker", "ready for work at"),
                ("monitor", "monitoring at"),
                ("pusher", "pushing tasks at"),
            ):
                if f"{words} {process.pid}\n" in text:
                    found[kind].append(process)
        return found

    def is_complete(self) -> bool:
        return self.process.poll() is None and [len(part) for part in self.members().values()] == [1, 2, 1, 1]


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    Schedule.objects.all().delete()  # only the jobs of the test
    started = Worker(tmp_path / "worker.log")
    started.until(started.is_complete)
    yield started
    family = psutil.Process(started.process.pid).children(recursive=True) if is_running(started) else []
    started.process.kill()
    started.process.wait()
    psutil.wait_procs(family, timeout=10)


def is_running(worker: Worker) -> bool:
    return worker.process.poll() is None


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_a_job_is_done_and_leaves_the_queue(worker: Worker, out: Path) -> None:
    enqueue("tests.clinic.worker_jobs.write_line", str(out), "hello")

    worker.until(lambda: lines(out) == ["hello"] and OrmQ.objects.count() == 0)

    assert Task.objects.get().success


def test_heartbeats_come_through_and_leave_no_trace(worker: Worker) -> None:
    pulse = Pulse(settings.CEDAR_DATA)

    worker.until(lambda: pulse.last_beat() is not None)

    assert pulse.is_alive()
    assert Task.objects.count() == 0
    assert "heartbeat" not in worker.log.read_text()


@pytest.mark.parametrize("kind", ["guard", "worker", "monitor", "pusher"])
def test_after_kill_9_of_any_idle_process_jobs_are_done(worker: Worker, out: Path, kind: str) -> None:
    for victim in worker.members()[kind]:
        victim.kill()

    enqueue("tests.clinic.worker_jobs.write_line", str(out), "still there")

    worker.until(lambda: set(lines(out)) == {"still there"} and OrmQ.objects.count() == 0)


@pytest.mark.parametrize("place", [0, 1])
def test_after_kill_9_of_one_idle_worker_jobs_are_done(worker: Worker, out: Path, place: int) -> None:
    worker.members()["worker"][place].kill()

    for number in range(4):
        enqueue("tests.clinic.worker_jobs.write_line", str(out), str(number))

    worker.until(lambda: sorted(lines(out)) == ["0", "1", "2", "3"] and OrmQ.objects.count() == 0)


def test_a_guard_that_stands_still_is_noticed(worker: Worker, out: Path) -> None:
    [guard] = worker.members()["guard"]

    guard.suspend()
    worker.until(lambda: worker.starts == 2)
    enqueue("tests.clinic.worker_jobs.write_line", str(out), "still there")

    worker.until(lambda: lines(out) == ["still there"])
    assert not guard.is_running()


def test_after_kill_9_of_the_main_process_nothing_is_left_and_the_job_in_work_is_done_again(
    worker: Worker, out: Path
) -> None:
    enqueue("tests.clinic.worker_jobs.write_slowly", str(out), "slow")
    worker.until(lambda: lines(out) == ["slow began"])
    family = psutil.Process(worker.process.pid).children(recursive=True)

    worker.process.kill()
    _gone, left = psutil.wait_procs(family, timeout=30)
    Path(f"{out}.go").touch()
    worker.until(lambda: lines(out)[-1] == "slow ended" and OrmQ.objects.count() == 0)

    assert left == []
    assert lines(out) == ["slow began", "slow began", "slow ended"]


def test_kill_9_of_a_busy_worker_counts_one_attempt_and_the_others_go_on(worker: Worker, out: Path) -> None:
    enqueue("tests.clinic.worker_jobs.write_slowly", str(out), "slow")
    worker.until(lambda: lines(out) == ["slow began"])
    [mark] = (settings.CEDAR_DATA / "run" / "worker").glob("busy-*")

    os.kill(int(mark.name.removeprefix("busy-")), signal.SIGKILL)
    Path(f"{out}.go").touch()
    worker.until(lambda: lines(out)[-1] == "slow ended" and OrmQ.objects.count() == 0)

    assert lines(out) == ["slow began", "slow began", "slow ended"]
    assert Task.objects.get().success
    assert Task.objects.get().attempt_count == 2
    assert worker.starts == 1


def test_a_job_that_kills_its_worker_is_given_up_after_three_attempts(
    worker: Worker, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue("tests.clinic.worker_jobs.crash", str(out))

    for attempts in (1, 2, 3):
        worker.until(lambda wanted=attempts: Task.objects.filter(attempt_count=wanted).exists())
        OrmQ.objects.update(lock="2000-01-01T00:00Z")  # the wait between attempts is over
    worker.until(lambda: OrmQ.objects.count() == 0)

    assert lines(out) == ["crash", "crash", "crash"]
    assert not Task.objects.get().success
    assert "ended its process (exit code -9)" in Task.objects.get().result
    assert worker.starts == 1


def test_a_failed_job_is_tried_again_soon(worker: Worker, out: Path) -> None:
    enqueue("tests.clinic.worker_jobs.fail", str(out))

    worker.until(lambda: lines(out) == ["fail", "fail"])

    assert worker.starts == 1


def test_term_ends_it_in_order(worker: Worker, out: Path) -> None:
    enqueue("tests.clinic.worker_jobs.write_slowly", str(out), "slow")
    worker.until(lambda: lines(out) == ["slow began"])

    worker.process.terminate()
    Path(f"{out}.go").touch()
    code = worker.process.wait(timeout=60)

    assert code == 0
    assert lines(out) == ["slow began", "slow ended"]
    assert OrmQ.objects.count() == 0
