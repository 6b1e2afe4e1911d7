"""The worker is told of what is in the spool: in time, once, and in spite of a database that is away."""

import time

import pytest
from django.db import OperationalError
from django_q.models import OrmQ

from clinic.jobs import enqueue_once
from dicomserver import waking
from dicomserver.background import Background
from dicomserver.waking import INGEST, IngestWaker
from imaging import spool
from tests.dicomserver.conftest import wait_for
from tests.dicomserver.peers import sample, send


@pytest.fixture
def queued(monkeypatch):
    """Calls to the queue, instead of the queue."""
    calls = []
    monkeypatch.setattr(waking, "enqueue_once", calls.append)
    return calls


@pytest.fixture
def waker(data_folder):
    """One whose sweep of the start is done."""
    waker = IngestWaker()
    waker.wake_if_due()
    return waker


def put_into_spool() -> None:
    with spool.SpoolFile(b"anything") as file:
        file.commit()


def queue() -> list[str]:
    return [job.task["func"] for job in OrmQ.objects.all()]


# --- when -------------------------------------------------------------------------------------------
def test_nothing_new_nothing_queued(waker, queued):
    waker.wake_if_due()

    assert queued == []


def test_at_the_end_of_an_association(waker, queued):
    waker.note_stored()
    waker.note_ended()

    waker.wake_if_due()
    waker.wake_if_due()

    assert queued == [INGEST]


def test_after_fifty_objects(waker, queued):
    due = [waker.note_stored() for _ in range(49)]
    waker.wake_if_due()
    before = list(queued)

    due.append(waker.note_stored())
    waker.wake_if_due()

    assert (before, queued, due.index(True)) == ([], [INGEST], 49)


def test_after_two_seconds(waker, queued, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(waking.time, "monotonic", lambda: now[0])
    waker.note_stored()
    seen = []
    for now[0] in (101.0, 101.9, 102.1):
        waker.wake_if_due()
        seen.append(len(queued))

    assert seen == [0, 0, 1]


def test_at_the_start_if_the_spool_is_not_empty(data_folder, queued):
    put_into_spool()

    IngestWaker().wake_if_due()

    assert queued == [INGEST]


def test_every_minute_as_long_as_the_spool_is_not_empty(waker, queued, monkeypatch):
    start = time.monotonic()
    now = [start]
    monkeypatch.setattr(waking.time, "monotonic", lambda: now[0])
    put_into_spool()
    seen = []
    for seconds in (30, 61, 90, 125):
        now[0] = start + seconds
        waker.wake_if_due()
        seen.append(len(queued))

    assert seen == [0, 1, 1, 2]


def test_it_stays_due_while_the_database_is_away(waker, queued, monkeypatch):
    with monkeypatch.context() as away:
        away.setattr(waking, "enqueue_once", lambda _path: (_ for _ in ()).throw(OperationalError()))
        waker.note_stored()
        waker.note_ended()
        with pytest.raises(OperationalError):
            waker.wake_if_due()

    waker.wake_if_due()

    assert queued == [INGEST]


# --- the queue --------------------------------------------------------------------------------------
def test_a_sweep_that_waits_is_not_queued_again(db):
    enqueue_once(INGEST)
    enqueue_once(INGEST)
    enqueue_once("imaging.tasks.other")

    assert queue() == [INGEST, "imaging.tasks.other"]


def test_a_sweep_that_has_begun_does_not_count(db):
    enqueue_once(INGEST)
    OrmQ.objects.update(lock="2999-01-01T00:00Z")

    enqueue_once(INGEST)

    assert queue() == [INGEST, INGEST]


# --- the background thread --------------------------------------------------------------------------
def test_while_the_database_is_away_the_other_chores_wait_and_it_says_so_once(caplog, monkeypatch):
    monkeypatch.setattr("dicomserver.background._SECONDS", 0.005)
    done = []

    def fails_at_first():
        done.append("first")
        if len(done) < 4:
            raise OperationalError("away")

    background = Background(fails_at_first, lambda: done.append("second"))
    background._pause = 0.005
    with caplog.at_level("INFO", logger="dicomserver.background"):
        background.start()
        wait_for(lambda: "second" in done)
        background.stop(5)

    assert done[:5] == ["first", "first", "first", "first", "second"]
    assert [record.message for record in caplog.records] == [
        "DICOM server: the database is away (OperationalError); receiving goes on",
        "DICOM server: the database is back",
    ]


def test_a_chore_with_a_fault_does_not_stop_the_others(caplog):
    done = []
    background = Background(lambda: 1 / 0, lambda: done.append("second"))

    background._do_chores()

    assert (done, [record.message for record in caplog.records]) == (
        ["second"],
        ["DICOM server: a chore failed"],
    )


# --- all together -----------------------------------------------------------------------------------
@pytest.fixture
def accepted_nodes():
    return ["MODALITY"]


def test_the_job_is_queued_soon_after_the_association(clinic_server):
    send(clinic_server.port, sample("CT_small.dcm"))

    assert wait_for(queue, seconds=5) == [INGEST]
