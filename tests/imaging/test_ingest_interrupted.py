"""Sweeps of the spool that are killed at any point, and more than one of them at the same time."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from django.db import connection, connections

from imaging import filing, ingest, spool
from imaging.ingest import LOCK, ingest_spool
from imaging.models import Instance
from tests.factories import make_patient

from .sender import identity_of, send, slices
from .test_ingest import everything, send_mixture

# --- killed at any point ------------------------------------------------------------------------------


class Killed(BaseException):
    """The process ends here; nothing catches it."""


def die(*_args, **_kwargs):
    raise Killed


def die_after(function):
    def wrapped(*args, **kwargs):
        function(*args, **kwargs)
        raise Killed

    return wrapped


def die_at_second(function):
    calls = []

    def wrapped(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise Killed
        return function(*args, **kwargs)

    return wrapped


STEPS = {
    "while reading": (ingest, "examine_one", die_at_second),
    "before the first file is placed": (filing, "link_file", lambda _f: die),
    "between two files": (filing, "link_file", die_at_second),
    "after a file was placed": (filing, "link_file", die_after),
    "when all files are placed": (filing, "flush_folder", die_after),
    "after quarantine": (filing, "set_aside", die_after),
    "with all rows written": (filing, "_count_in", die_after),
    "before the commit": (ingest, "_file", die_after),
    "after the commit": (ingest, "_remove", lambda _f: die),
    "between two removals": (Path, "unlink", die_at_second),
    "after the removals": (spool, "flush_folder", die_after),
    "after everything": (ingest, "_remove", die_after),
}


@pytest.fixture
def undisturbed(folders):
    """What a sweep of the mixture makes that nobody disturbs."""
    return {
        "instances": 3,
        "times": [1, 1, 2],
        "quarantine": 2,
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_nothing_is_lost_and_nothing_counted_twice(step, undisturbed, monkeypatch):
    place, name, spoil = STEPS[step]
    send_mixture()
    with monkeypatch.context() as patch:
        patch.setattr(place, name, spoil(getattr(place, name)))
        with pytest.raises(Killed):
            ingest_spool()

    ingest_spool()

    after = everything()
    assert [times for _uid, times in after["instances"]].count(2) == 1
    assert sorted(times for _uid, times in after["instances"]) == undisturbed["times"]
    assert len(after["quarantine"]) == undisturbed["quarantine"]
    assert after["studies"] == [("filed", 1, 3)]
    assert after["series"] == [3]
    assert after["stored for"] == 3
    assert after["files are there"]
    assert after["bytes are kept"]
    assert after["spool"] == []
    assert after["settled"] == []


KILLER = """
import os, signal, sys
import django
django.setup()
from django.conf import settings
from pathlib import Path
for name, folder in {"SPOOL_DIR": "spool", "STUDIES_DIR": "studies", "QUARANTINE_DIR": "quarantine"}.items():
    setattr(settings, name, Path(sys.argv[1]) / folder)
from imaging import filing, ingest, spool
place, name = {"filing": filing, "ingest": ingest, "spool": spool}[sys.argv[2]], sys.argv[3]
original = getattr(place, name)
def kill_after(*args, **kwargs):
    original(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(place, name, kill_after)
ingest.ingest_spool()
"""


def wait_until_unlocked() -> None:
    """Until PostgreSQL has noticed that the killed process is gone; otherwise a later sweep helps."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
            if cursor.fetchone() == (0,):
                return
        time.sleep(0.05)
    raise AssertionError("the killed process still holds its lock")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("place", "name"),
    [("filing", "link_file"), ("filing", "_count_in"), ("ingest", "_remove"), ("spool", "flush_folder")],
)
def test_a_killed_process_leaves_work_for_the_next_one(place, name, folders):
    send_mixture()
    known = connection.settings_dict
    url = f"host={known['HOST']} user={known['USER']} dbname={known['NAME']} port={known['PORT'] or 5432}"

    killed = subprocess.run(
        [sys.executable, "-c", KILLER, str(folders), place, name],
        env={
            **os.environ,
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "clinic.settings",
            "CEDAR_DATA": str(folders),
        },
        cwd=Path(ingest.__file__).parent.parent,
        capture_output=True,
    )
    wait_until_unlocked()
    ingest_spool()

    after = everything()
    assert killed.returncode == -signal.SIGKILL
    assert sorted(times for _uid, times in after["instances"]) == [1, 1, 2]
    assert (len(after["quarantine"]), after["spool"], after["settled"]) == (2, [], [])
    assert after["files are there"]


# --- more than one sweeper ----------------------------------------------------------------------------


@pytest.fixture
def other_sweeper():
    """Another process that holds the lock, until the block ends."""
    known = connection.settings_dict
    with psycopg.connect(
        host=known["HOST"], user=known["USER"], dbname=known["NAME"], port=known["PORT"] or 5432
    ) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield other


@pytest.mark.django_db(transaction=True)
def test_a_second_sweeper_goes_away_at_once(other_sweeper):
    send(*slices(identity_of(make_patient()), 2))

    ingest_spool()

    assert Instance.objects.count() == 0
    assert len(spool.waiting()) == 2
    other_sweeper.rollback()
    ingest_spool()
    assert Instance.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_what_comes_while_the_last_batch_holds_the_lock_is_not_left_behind(monkeypatch):
    made = slices(identity_of(make_patient()), 2)
    send(made[0])
    late = [made[1]]

    def arrive():
        """Comes in after the spool was found empty; its own sweeper finds the lock taken."""
        if late:
            send(late.pop())

    monkeypatch.setattr(ingest, "_forget_removed", arrive)

    ingest_spool()

    assert spool.waiting() == []
    assert Instance.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_sweepers_at_the_same_time_file_each_object_once(monkeypatch):
    monkeypatch.setattr(ingest, "BATCH", 3)
    made = slices(identity_of(make_patient()), 20)
    send(*made, *made[:5])

    def sweep():
        ingest_spool()
        connections.close_all()

    sweepers = [threading.Thread(target=sweep) for _ in range(4)]
    for sweeper in sweepers:
        sweeper.start()
    for sweeper in sweepers:
        sweeper.join()
    ingest_spool()

    after = everything()
    assert sum(times for _uid, times in after["instances"]) == 25
    assert after["studies"] == [("filed", 1, 20)]
    assert (after["spool"], after["settled"], after["quarantine"]) == ([], [], [])
