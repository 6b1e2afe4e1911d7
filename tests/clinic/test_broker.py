import threading
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, transaction
from django.utils import timezone
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from clinic import worker
from clinic.broker import PostgresBroker, persist
from clinic.jobs import enqueue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker() -> Iterator[PostgresBroker]:
    made = PostgresBroker("cedar")
    made.dequeue()  # the first answer is a heartbeat
    yield made
    made._forget_connections()


def names(packages: list | None) -> list[str]:
    return [SignedPackage.loads(payload)["func"] for _job, payload in packages or []]


def take(broker: PostgresBroker) -> list[str]:
    """What the broker gives within its first few looks."""
    for _look in range(10):
        packages = broker.dequeue()
        if packages:
            return names(packages)
    return []


def test_an_idle_queue_gives_a_heartbeat_that_is_in_no_table() -> None:
    packages = PostgresBroker("cedar").dequeue()

    assert [job for job, _payload in packages] == [None]
    assert names(packages) == ["clinic.worker.heartbeat"]
    assert OrmQ.objects.count() == 0


def test_jobs_come_in_the_order_they_were_queued_and_only_once(broker: PostgresBroker) -> None:
    enqueue("rooms.first")
    enqueue("rooms.second")

    taken = [take(broker), take(broker)]

    assert taken == [["rooms.first"], ["rooms.second"]]
    assert broker._claim() == []


def test_a_job_of_a_rolled_back_transaction_does_not_exist(broker: PostgresBroker) -> None:
    with transaction.atomic():
        enqueue("rooms.never")
        transaction.set_rollback(True)

    assert broker._claim() == []


def test_a_job_that_another_worker_is_just_taking_is_passed_over(broker: PostgresBroker) -> None:
    enqueue("rooms.held")
    enqueue("rooms.free")
    with psycopg.connect(settings.DATABASE_CONNINFO) as other:
        other.execute("SELECT id FROM django_q_ormq ORDER BY id LIMIT 1 FOR UPDATE")

        taken = take(broker)

    assert taken == ["rooms.free"]


def test_a_waiting_broker_is_woken_by_the_commit(broker: PostgresBroker) -> None:
    broker._claim()
    broker._wait()  # begins to listen
    woken = []

    def wait() -> None:
        woken.extend(broker._listener.notifies(timeout=30, stop_after=1))

    waiting = threading.Thread(target=wait)
    waiting.start()
    enqueue("rooms.urgent")
    waiting.join()

    assert [notification.channel for notification in woken] == ["cedar_jobs"]
    assert take(broker) == ["rooms.urgent"]


def test_the_queue_survives_a_lost_database(broker: PostgresBroker) -> None:
    broker._wait()
    with psycopg.connect(settings.DATABASE_CONNINFO, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    lost = broker.dequeue()
    enqueue("rooms.after")

    assert names(lost) == []
    assert take(broker) == ["rooms.after"]


def test_an_acknowledged_job_is_gone(broker: PostgresBroker) -> None:
    enqueue("rooms.done")
    [(job, _payload)] = broker._claim()

    broker.acknowledge(job)

    assert OrmQ.objects.count() == 0


def test_a_write_waits_for_a_database_that_starts_again() -> None:
    attempts = iter([OperationalError("starting up"), psycopg.OperationalError("no socket"), None])
    written = []

    def write() -> None:
        error = next(attempts)
        if error:
            raise error
        written.append("done")

    persist(write)

    assert written == ["done"]


def test_a_write_is_given_up_when_the_database_stays_away() -> None:
    def write() -> None:
        raise OperationalError("gone for good")

    with pytest.raises(OperationalError, match="gone for good"):
        persist(write, seconds=0)


def test_jobs_of_a_dead_cluster_are_handed_back() -> None:
    enqueue("rooms.started")
    PostgresBroker("cedar")._claim()

    freed = worker.hand_back_jobs()

    assert freed == 1
    assert OrmQ.objects.filter(lock__lte=timezone.now()).count() == 1


def test_jobs_of_a_living_cluster_stay_with_it() -> None:
    enqueue("rooms.started")
    PostgresBroker("cedar")._claim()
    alive = worker.Presence()
    alive.renew()

    freed = worker.hand_back_jobs()

    assert freed == 0
    assert OrmQ.objects.filter(lock__gt=timezone.now()).count() == 1
    alive._connection.close()
