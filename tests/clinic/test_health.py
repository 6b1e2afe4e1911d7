import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification

from clinic import health
from clinic.pulse import FRESH, Pulse

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forgotten_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer of an earlier test is remembered."""
    monkeypatch.setattr(health, "_echo", (float("-inf"), False))


@pytest.fixture
def worker() -> Iterator[Pulse]:
    pulse = Pulse(settings.CEDAR_DATA)
    pulse.reset()
    pulse.beat()
    yield pulse
    pulse.reset()


class EchoServer:
    """A real Verification SCP that remembers who called."""

    def __init__(self, status: int = 0x0000) -> None:
        self.callers: list[str] = []
        self.status = status
        entity = AE(ae_title=settings.DICOM_AE_TITLE)
        entity.add_supported_context(Verification)
        self.server = entity.start_server(
            ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_ECHO, self._answer)]
        )

    def _answer(self, event: evt.Event) -> int:
        self.callers.append(event.assoc.requestor.ae_title)
        return self.status


@pytest.fixture
def scp(monkeypatch: pytest.MonkeyPatch) -> Iterator[EchoServer]:
    made = EchoServer()
    monkeypatch.setattr(settings, "DICOM_PORT", made.server.server_address[1])
    yield made
    made.server.shutdown()


def test_all_is_well(client: Client, worker: Pulse, scp: EchoServer) -> None:
    response = client.get("/healthz")

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": "ok", "worker": "ok", "scp": "ok"}
    assert scp.callers == ["CEDAR-HEALTH"]


def test_a_worker_without_heartbeat_is_down(client: Client, worker: Pulse, scp: EchoServer) -> None:
    worker.reset()

    response = client.get("/healthz")

    assert response.status_code == 503
    assert response.json() == {"status": "down", "database": "ok", "worker": "down", "scp": "ok"}


def test_a_dicom_server_that_is_away_is_down(
    client: Client, worker: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        monkeypatch.setattr(settings, "DICOM_PORT", taken.getsockname()[1])

        response = client.get("/healthz")

    assert response.status_code == 503
    assert response.json() == {"status": "down", "database": "ok", "worker": "ok", "scp": "down"}


def test_a_dicom_server_that_refuses_the_echo_is_down(client: Client, worker: Pulse, scp: EchoServer) -> None:
    scp.status = 0x0122

    response = client.get("/healthz")

    assert response.json()["scp"] == "down"


def test_a_database_that_is_away_is_down(
    client: Client, worker: Pulse, scp: EchoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OperationalError("the database system is shutting down")

    monkeypatch.setattr(connection, "cursor", away)

    response = client.get("/healthz")

    assert response.status_code == 503
    assert response.json() == {"status": "down", "database": "down", "worker": "ok", "scp": "ok"}


def test_many_who_ask_cause_one_echo(client: Client, worker: Pulse, scp: EchoServer) -> None:
    for _time in range(5):
        client.get("/healthz")

    assert scp.callers == ["CEDAR-HEALTH"]


def test_only_get_is_answered(client: Client) -> None:
    response = client.post("/healthz")

    assert response.status_code == 405


# --- the worker's pulse ------------------------------------------------------------------------------


@pytest.fixture
def pulse(tmp_path: Path) -> Pulse:
    made = Pulse(tmp_path)
    made.reset()
    return made


def test_an_old_heartbeat_is_none(pulse: Pulse) -> None:
    pulse.beat()
    old = time.time() - FRESH - 1
    os.utime(pulse.folder / "beat", (old, old))

    assert not pulse.is_alive()


def test_hands_full_is_alive_without_a_heartbeat(pulse: Pulse) -> None:
    pulse.start_job(7)

    assert pulse.is_alive()

    pulse.end_job()

    assert not pulse.is_alive()


def test_a_dead_process_is_not_busy(pulse: Pulse) -> None:
    (pulse.folder / "busy-999999999").write_text("7")

    assert not pulse.is_busy()


def test_the_job_of_a_dead_process_is_told_once(pulse: Pulse) -> None:
    (pulse.folder / "busy-999999999").write_text("7")

    told = [pulse.take_job_of(999999999), pulse.take_job_of(999999999)]

    assert told == [7, None]


def test_a_worker_without_a_folder_yet_is_not_alive(tmp_path: Path) -> None:
    assert not Pulse(tmp_path / "new").is_alive()
