"""A DICOM server of its own for each test, on a free port of 127.0.0.1 and in a folder of its own."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from django.conf import settings as django_settings
from pynetdicom import _config

from dicomserver import listeners
from dicomserver.models import RemoteAE, RemoteAEState
from dicomserver.policy import Policy
from dicomserver.server import DicomServer

KNOWN = "MODALITY"
NO_DATABASE = "host=/nowhere user=nobody dbname=nothing connect_timeout=1"
T = TypeVar("T")


@pytest.fixture(autouse=True)
def data_folder(tmp_path, settings, monkeypatch):
    monkeypatch.setattr(listeners, "_POLL_SECONDS", 0.01)  # a server ends so much sooner
    settings.CEDAR_DATA = tmp_path
    settings.SPOOL_DIR = tmp_path / "spool"
    settings.DISK_RESERVE_BYTES = 0
    known = {KNOWN: {"is_accepted": True, "addresses": [], "character_set": "ISO_IR 192"}}
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "dicom-nodes.json").write_text(json.dumps(known))
    settings.SPOOL_DIR.mkdir()
    _config.STORE_SEND_CHUNKED_DATASET = True
    return tmp_path


@pytest.fixture(params=["plain", "fast"])
def way(request, settings):
    """Both ways in which C-STORE is received; what holds for one must hold for the other."""
    settings.DICOM_FAST_RECEIVE = request.param == "fast"
    return request.param


@pytest.fixture
def server(data_folder) -> Iterator[DicomServer]:
    """In this process, without its background thread: what is written to the database is not looked at."""
    server = DicomServer("127.0.0.1", 0)
    server.listeners.start()
    yield server
    server.listeners.shutdown()
    for association in server.listeners.associations:
        association.abort()


@pytest.fixture
def accepted_nodes() -> list[str]:
    """AE titles that ``clinic_server`` knows from its start."""
    return []


@pytest.fixture
def clinic_server(data_folder, transactional_db, accepted_nodes) -> Iterator[DicomServer]:
    """In this process, with its background thread on the test database."""
    for title in accepted_nodes:
        RemoteAE.objects.create(ae_title=title, state=RemoteAEState.ACCEPTED)
    Policy().refresh()
    server = DicomServer("127.0.0.1", 0)
    server.start()
    yield server
    server.stop()


class ServerProcess:
    """``manage.py runscp`` as a process of its own."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.log = data / "runscp.log"
        self._environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "clinic.settings",
            "CEDAR_DATA": str(data),
            "CEDAR_DISK_RESERVE_MB": "0",
            "CEDAR_DICOM_TLS_PORT": "0",
            **environment,
        }
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command(),
            cwd=django_settings.BASE_DIR,
            env=self._environment,
            stdout=self.log.open("wb"),
            stderr=subprocess.STDOUT,
        )
        self.port = int(wait_for(self._announced_port))

    def command(self) -> list[str]:
        return [sys.executable, "-m", "django", "runscp", "--port", "0"]

    def _announced_port(self) -> str | None:
        assert self.process.poll() is None, self.log.read_text()
        found = re.search(r"DICOM server: AE title \S+ at \S+ port (\d+)", self.log.read_text())
        return found and found[1]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=30)


@pytest.fixture
def start_process(data_folder) -> Iterator[Callable[..., ServerProcess]]:
    started = []

    def start(**environment: str) -> ServerProcess:
        process = ServerProcess(data_folder, **environment)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.process.poll() is None:
            process.kill()


def wait_for(condition: Callable[[], T], seconds: float = 30) -> T:
    """The first true value of ``condition``."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return value
