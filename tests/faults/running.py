"""A whole clinic, started as a user starts it, on a data folder and ports of its own."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60


class Clinic:
    """``manage.py up`` as a child of the test."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.output = folder / "up.out"
        self.port, self.dicom_port = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *extra: str) -> list[str]:
        ports = ["--port", str(self.port), "--dicom-port", str(self.dicom_port), "--dicom-tls-port", "0"]
        return [sys.executable, str(ROOT / "manage.py"), "up", "--data", str(self.data), *ports, *extra]

    def start(self, *extra: str) -> None:
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                self.command(*extra), env=environment(), stdout=out, stderr=out, start_new_session=True
            )
        self.until(lambda: "Cedar is ready." in self.said() or self.process.poll() is not None, 120)
        assert self.process.poll() is None, self.said()

    def refuse(self, *extra: str) -> "subprocess.CompletedProcess[str]":
        """Start although it cannot work; returns what was said."""
        return subprocess.run(
            self.command(*extra), env=environment(), capture_output=True, text=True, timeout=60, check=False
        )

    def said(self) -> str:
        return self.output.read_text()

    def health(self) -> tuple[int, dict[str, str]]:
        """Status and content of /healthz; (0, {}) while nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            return 0, {}
        finally:
            connection.close()

    def is_well(self) -> bool:
        return self.health()[0] == 200

    def takes_dicom(self) -> bool:
        """Whether the DICOM server listens at this moment: /healthz remembers for two seconds."""
        server = self.child("runscp")
        with contextlib.suppress(psutil.Error):
            return server is not None and any(
                socket.laddr.port == self.dicom_port for socket in server.net_connections("tcp")
            )
        return False

    def until(self, condition: Callable[[], bool], seconds: int = PATIENCE) -> float:
        """Wait for ``condition``; how long it took."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > seconds:
                pytest.fail(f"waited {seconds} s in vain\n{self.said()}\n{self.logs()}")
            time.sleep(0.05)
        return time.monotonic() - began

    def logs(self) -> str:
        files = sorted((self.data / "logs").glob("*.log"))
        return "\n".join(f"== {file.name}\n{file.read_text()[-3000:]}" for file in files)

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, word: str) -> psutil.Process | None:
        """The direct child whose command line has this word; None between its death and the next start."""
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):
                if any(word in part for part in child.cmdline()):
                    return child
        return None

    def replaced(self, victim: psutil.Process, word: str) -> bool:
        child = self.child(word)
        return child is not None and child.pid != victim.pid

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=90)


def environment() -> dict[str, str]:
    """That of a user: nothing of the tests' own settings reaches the clinic."""
    hidden = ("CEDAR_TEST_DATA", "CEDAR_DATA", "DJANGO_SETTINGS_MODULE", "DATABASE_URL")
    return {name: value for name, value in os.environ.items() if name not in hidden}
