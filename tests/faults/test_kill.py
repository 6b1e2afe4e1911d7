"""kill -9 of every part in a running clinic, and of the supervisor itself."""

import psutil
import pytest

from tests.faults.running import Clinic


def report(text: str, seconds: float) -> None:
    """Shown by ``pytest -s`` and in the report of a failure; times are measured, never judged."""
    print(f"\n{text}: well again after {seconds:.1f} s")


@pytest.mark.parametrize(
    ("title", "word"),
    [("database", "postgres"), ("web server", "daphne"), ("worker", "qcluster"), ("DICOM server", "runscp")],
)
def test_a_killed_part_comes_back_by_itself(clinic: Clinic, title: str, word: str) -> None:
    clinic.until(clinic.is_well)
    victim = clinic.child(word)

    victim.kill()
    if title == "worker":  # an old heartbeat does not count
        (clinic.data / "run" / "worker" / "beat").unlink(missing_ok=True)
    took = clinic.until(lambda: clinic.replaced(victim, word) and clinic.takes_dicom() and clinic.is_well())

    report(f"kill -9 of the {title}", took)
    assert f"The {title} stopped (killed by signal 9); starting it again." in clinic.said()
    assert clinic.process.poll() is None


def test_a_killed_undertaker_is_replaced(clinic: Clinic) -> None:
    victim = clinic.child("undertaker")

    victim.kill()

    clinic.until(lambda: clinic.replaced(victim, "undertaker"))


@pytest.mark.parametrize("place", range(5))
def test_every_process_under_the_worker_may_be_killed(clinic: Clinic, place: int) -> None:
    clinic.until(clinic.is_well)
    clinic.until(lambda: len(worker_processes(clinic)) == 5)
    victim = worker_processes(clinic)[place]

    victim.kill()
    clinic.until(lambda: victim not in worker_processes(clinic))
    (clinic.data / "run" / "worker" / "beat").unlink(missing_ok=True)
    took = clinic.until(lambda: clinic.is_well() and len(worker_processes(clinic)) == 5)

    report(f"kill -9 of worker process {place}", took)


def worker_processes(clinic: Clinic) -> list[psutil.Process]:
    """Guard, workers, pusher and monitor; none while it starts again."""
    main = clinic.child("qcluster")
    try:
        return main.children(recursive=True) if main else []
    except psutil.NoSuchProcess:
        return []


def test_after_kill_9_of_the_supervisor_nothing_is_left_and_the_next_start_works(
    stopped_clinic: Clinic,
) -> None:
    stopped_clinic.start()
    family = stopped_clinic.family()

    stopped_clinic.process.kill()
    stopped_clinic.process.wait()
    _gone, left = psutil.wait_procs(family, timeout=30)
    stopped_clinic.start()

    assert left == []
    stopped_clinic.until(stopped_clinic.is_well)
    assert stopped_clinic.health() == (200, {"status": "ok", "database": "ok", "worker": "ok", "scp": "ok"})


def test_a_start_right_after_kill_9_of_the_supervisor_works(stopped_clinic: Clinic) -> None:
    stopped_clinic.start()

    stopped_clinic.process.kill()
    stopped_clinic.process.wait()
    stopped_clinic.start()

    assert stopped_clinic.is_well()


def test_kill_9_of_supervisor_and_all_direct_children_at_once_leaves_nothing(stopped_clinic: Clinic) -> None:
    stopped_clinic.start()
    family = stopped_clinic.family()
    direct = psutil.Process(stopped_clinic.process.pid).children()

    for process in [psutil.Process(stopped_clinic.process.pid), *direct]:
        process.kill()
    stopped_clinic.process.wait()
    _gone, left = psutil.wait_procs(family, timeout=30)

    assert left == []


def test_term_stops_everything_and_says_so(stopped_clinic: Clinic) -> None:
    stopped_clinic.start()
    family = stopped_clinic.family()

    code = stopped_clinic.stop()

    assert code == 0
    assert [process for process in family if process.is_running()] == []
    assert stopped_clinic.said().splitlines()[-6:] == [
        "Stopping …",
        "  DICOM server",
        "  worker",
        "  web server",
        "  database",
        "Cedar has stopped.",
    ]
    assert not (stopped_clinic.data / "postgres" / "postmaster.pid").exists()
