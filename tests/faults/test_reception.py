"""Whatever fails while images arrive: what was acknowledged is there, once, and nothing else is.

Each test ends with the same look from outside (``accounting``). Random moments come from CEDAR_FAULT_SEED,
which is printed; CEDAR_FAULT_DATABASE_SECONDS is how long the database stays away.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import psycopg
import pytest

from clinic.postgres import default_url
from tests.faults.accounting import Ledger, differences, is_settled
from tests.faults.mutations import mutated
from tests.faults.pushing import AE_TITLE, Modality, Object, cut_off, small_images
from tests.faults.running import ROOT, Clinic, environment

SEED = int(os.environ.get("CEDAR_FAULT_SEED") or random.randrange(10**6))
DATABASE_SECONDS = float(os.environ.get("CEDAR_FAULT_DATABASE_SECONDS") or 60)
MEGABYTE = 1024 * 1024
ACCEPT = f"""
from dicomserver.models import RemoteAE
RemoteAE.objects.create(ae_title="{AE_TITLE}", state="accepted")
"""


@pytest.fixture
def chance() -> random.Random:
    print("CEDAR_FAULT_SEED =", SEED)
    return random.Random(SEED)


@pytest.fixture(scope="module")
def database(clinic: Clinic) -> str:
    """The modality of these tests is accepted there."""
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", ACCEPT],
        cwd=ROOT,
        env=environment() | {"CEDAR_DATA": str(clinic.data), "CEDAR_BOOTSTRAP": "off"},
        check=True,
    )
    return default_url(clinic.data)


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    """Of all tests here: they share the clinic, and its whole archive is looked at each time."""
    return Ledger()


def reconcile(clinic: Clinic, database: str, ledger: Ledger) -> None:
    clinic.until(lambda: is_settled(clinic.data, database), 120)
    assert differences(clinic.data, database, ledger) == []


def ask(database: str, question: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(question, values).fetchall()


# --- kill -9 ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("number", "word"), [(1, "runscp"), (2, "qcluster"), (3, "postgres")])
def test_kill_9_in_a_push_loses_nothing_and_counts_nothing_twice(
    clinic: Clinic, database: str, ledger: Ledger, chance: random.Random, number: int, word: str
) -> None:
    images = small_images(number, 500)
    moments = set(chance.sample(range(50, 480), 2))
    killed = []

    def kill(count: int) -> None:
        if count in moments and (victim := clinic.child(word)) is not None:
            victim.kill()
            killed.append(victim)

    Modality(clinic.dicom_port, ledger).push(images, after=kill)

    assert killed
    clinic.until(clinic.is_well)
    reconcile(clinic, database, ledger)
    assert {one.key for one in images} <= set(ledger.stored)


# --- the same object many times -----------------------------------------------------------------------
def test_the_same_images_from_twenty_senders_at_once_are_fifty(
    clinic: Clinic, database: str, ledger: Ledger
) -> None:
    images = small_images(4, 50)

    def send_five_times(_sender: int) -> None:
        modality = Modality(clinic.dicom_port, ledger)
        for _ in range(5):
            modality.push(images)

    with ThreadPoolExecutor(20) as senders:
        list(senders.map(send_five_times, range(20)))

    reconcile(clinic, database, ledger)
    question = "SELECT count(*), sum(times_received) FROM imaging_instance WHERE sop_instance_uid = ANY(%s)"
    assert ask(database, question, [one.uid for one in images]) == [(50, 5000)]


def test_other_bytes_under_the_same_uid_are_kept_beside_the_first(
    clinic: Clinic, database: str, ledger: Ledger
) -> None:
    first, second = small_images(5, 3), small_images(5, 3, filler=1)

    Modality(clinic.dicom_port, ledger).push(first + second)

    reconcile(clinic, database, ledger)
    uids = [one.uid for one in first]
    images = ask(
        database,
        "SELECT sop_instance_uid, data_sha256 FROM imaging_instance WHERE sop_instance_uid = ANY(%s)",
        uids,
    )
    aside = ask(
        database,
        "SELECT sop_instance_uid, file FROM imaging_quarantined WHERE sop_instance_uid = ANY(%s)",
        uids,
    )
    kept = {
        (uid, (clinic.data / "quarantine" / str(file)).read_bytes()[-len(second[0].data) :])
        for uid, file in aside
    }
    assert sorted(images) == sorted(one.key for one in first)
    assert kept == {(one.uid, one.data) for one in second}


# --- what no decent modality sends --------------------------------------------------------------------
def test_a_thousand_hostile_objects_cost_their_senders_at_most_a_quarantine(
    clinic: Clinic, database: str, ledger: Ledger
) -> None:
    print("CEDAR_FAULT_SEED =", SEED)
    objects = list(mutated(SEED, 1000))
    scp, worker = clinic.child("runscp"), clinic.child("qcluster")
    good = Modality(clinic.dicom_port, ledger, patience=5.0)  # a known one is served within this
    before = sum(ledger.stored.values()) + sum(ledger.refused.values())

    with Sampler(scp, worker) as sampler, every_second(good, small_images(6, 60)):
        Modality(clinic.dicom_port, ledger).push(objects)
        clinic.until(lambda: is_settled(clinic.data, database), 120)

    reconcile(clinic, database, ledger)
    answered = sum(ledger.stored.values()) + sum(ledger.refused.values()) - before
    assert answered >= 1000
    assert max(sampler.largest.values()) <= 512 * MEGABYTE, sampler.largest
    assert (scp.is_running(), worker.is_running()) == (True, True)
    Modality(clinic.dicom_port, ledger).push(small_images(7, 1))


class Sampler(threading.Thread):
    """The largest resident memory that each process of a family ever had."""

    def __init__(self, *roots: psutil.Process) -> None:
        super().__init__(daemon=True)
        self._roots, self._is_over = roots, threading.Event()
        self.largest: dict[str, int] = {}

    def __enter__(self) -> "Sampler":
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self.join()

    def run(self) -> None:
        while not self._is_over.wait(0.1):
            for root in self._roots:
                for process in [root, *root.children(recursive=True)]:
                    try:
                        name = f"{process.pid} {' '.join(process.cmdline()[-2:])}"
                        self.largest[name] = max(self.largest.get(name, 0), process.memory_info().rss)
                    except psutil.NoSuchProcess:
                        continue


class every_second:
    """Pushes one image a second as long as the block lasts; what went wrong is raised at its end."""

    def __init__(self, modality: Modality, images: list[Object]) -> None:
        self._modality, self._images = modality, images
        self._is_over = threading.Event()
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> None:
        self._pushing = self._pool.submit(self._push)

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._pushing.result()
        self._pool.shutdown()

    def _push(self) -> None:
        for image in self._images:
            self._modality.push([image])
            if self._is_over.wait(1.0):
                return


# --- without the database -----------------------------------------------------------------------------
@pytest.fixture
def stopped_database(clinic: Clinic) -> Iterator[float]:
    """The supervisor looks away, or it would start it again at once. Yields when it will come back."""
    server = clinic.child("postgres")
    clinic.process.send_signal(signal.SIGSTOP)
    try:
        server.send_signal(signal.SIGINT)
        # Its parent stands still, so that it stays as a zombie.
        clinic.until(lambda: server.status() == psutil.STATUS_ZOMBIE)
        yield time.monotonic() + DATABASE_SECONDS
    finally:
        clinic.process.send_signal(signal.SIGCONT)


def test_the_database_is_away_for_a_minute_of_pushing_and_of_pulled_cables(
    clinic: Clinic, database: str, ledger: Ledger, chance: random.Random, stopped_database: float
) -> None:
    images = small_images(8, 300)
    pause = DATABASE_SECONDS / len(images)
    with ThreadPoolExecutor(1) as pool:
        steady = pool.submit(
            Modality(clinic.dicom_port, ledger).push, images, after=lambda _count: time.sleep(pause)
        )

        for number in range(50):
            cut_off(clinic.dicom_port, small_images(100 + number, 3), ledger, chance)

        steady.result()
    time.sleep(max(0.0, stopped_database - time.monotonic()))
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database, connect_timeout=2)
    clinic.process.send_signal(signal.SIGCONT)
    clinic.until(clinic.is_well)

    reconcile(clinic, database, ledger)
    assert {one.key for one in images} <= set(ledger.stored)
