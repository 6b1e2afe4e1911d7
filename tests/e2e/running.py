"""A whole clinic for browser tests: ``manage.py up --demo``, its parts and its signed-in pages."""

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page

from tests.ports import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
PASSWORD = "cedar-demo"
SMALL = {"width": 1366, "height": 768}
LARGE = {"width": 1920, "height": 1080}
START_SECONDS = 600


@dataclass
class Clinic:
    """A running clinic and how to reach it."""

    data: Path
    port: int
    dicom_port: int
    process: subprocess.Popen
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def wait_until_healthy(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not self.healthy():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the clinic is not well:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.2)

    def part(self, name: str) -> psutil.Process:
        """The process of one part, by words of its command line."""
        words = {"database": "postgres", "web": "daphne", "worker": "qcluster", "scp": "runscp"}[name]
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                line = " ".join(process.cmdline())
                parent = " ".join(process.parent().cmdline()) if process.parent() else ""
            except psutil.NoSuchProcess:
                continue
            if words in line and words not in parent:
                return process
        raise LookupError(f"no process of {name}")

    def wait_until_other(self, name: str, old: int, seconds: float = 60) -> None:
        """Until the part runs again, as another process than ``old``."""
        end = time.monotonic() + seconds
        while True:
            try:
                if self.part(name).pid != old:
                    return
            except LookupError:
                pass
            assert time.monotonic() < end, f"{name} did not come back"
            time.sleep(0.1)


@contextmanager
def demo_clinic(folder: Path) -> Iterator[Clinic]:
    """The demonstration clinic on ports and a data folder of its own, started as a user would."""
    port, dicom_port = free_port(), free_port()
    log = folder / "up.log"
    command = [sys.executable, "manage.py", "up", "--demo", "--data", str(folder / "var")]
    command += ["--port", str(port), "--dicom-port", str(dicom_port), "--dicom-tls-port", "0"]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("CEDAR_", "DJANGO_"))
    }
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=output, stderr=output, env=environment)
    running = Clinic(folder / "var", port, dicom_port, process, log)
    try:
        running.wait_until_healthy(START_SECONDS)
        yield running
    finally:
        process.terminate()
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def sign_in(browser: Browser, clinic: Clinic, username: str, **options: object) -> Page:
    """A page of its own (own cookies) on which ``username`` is signed in."""
    options.setdefault("viewport", SMALL)
    page = browser.new_context(base_url=clinic.url, **options).new_page()
    page.goto("/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "login" not in url)
    return page
