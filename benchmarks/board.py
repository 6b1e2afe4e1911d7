"""The board on a full day: how soon a change is on every open workstation, and how long a page takes.

``python benchmarks/board.py [--quick]``, in the project's environment. Cedar runs whole. Fifty signed-in
browsers hold a socket and fetch their page again upon each change, as static/clinic/live.js does; four
modalities store CT images meanwhile (DCMTK's ``storescu``). All of it shares the cores of this machine.
"""

import argparse
import asyncio
import http.client
import json
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from websockets.asyncio.client import ClientConnection, connect

from benchmarks import dicom_peers
from benchmarks.report import last_line, table
from clinic.demo.images import StudyIdentity, ct_series
from clinic.demo.images.identity import write_part10

VISITS = 400
READING = "/reading/"
# Who looks at what; fifty in all.
BROWSERS = [
    ("receptionist", "/board/", 15),
    ("receptionist", "/board/?view=columns", 5),
    ("technician", "/examinations/?station=", 10),
    ("technician", "/board/", 5),
    ("radiologist", "/board/", 5),
    ("radiologist", READING, 5),
    ("administrator", "/board/", 5),
]
MODALITIES = 4
SLICES = 50
PAUSE = 0.4  # live.js waits so long between two fetches, or twice as long as one takes
ROOT = "1.2.826.0.1.3680043.10.1388"
PART = re.compile(r'id="([\w-]+)" data-version="(\w+)"')
WAITING = re.compile(r'id="visit-(\d+)" data-status="waiting"')


@dataclass
class Browser:
    """One open page: what it shows, and when it heard of a change and had it on the screen."""

    port: int
    session: str
    address: str
    topic: str = "board"
    have: dict[str, str] = field(default_factory=dict)
    heard: float = 0  # of the first change since it was reset
    waiting: dict[int, float] = field(default_factory=dict)  # when a visit was first shown as waiting
    fetched: int = 0
    bytes: int = 0

    def fetch(self, *, whole: bool = False) -> float:
        """Get the page, or what differs of it; the seconds that took."""
        headers = {"Cookie": f"cedar_session={self.session}"}
        if not whole:
            have = " ".join(f"{name}:{version}" for name, version in self.have.items())
            headers |= {"HX-Request": "true", "X-Cedar-Background": "1", "X-Cedar-Have": have}
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", self.address, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status not in {200, 204}:
            raise RuntimeError(f"{self.address}: {answer.status}")
        text = body.decode()
        for visit in WAITING.findall(text):
            self.waiting.setdefault(int(visit), time.perf_counter())
        found = dict(PART.findall(text))
        self.have = self.have | found if answer.getheader("HX-Reswap") == "none" else found or self.have
        self.fetched += 1
        self.bytes += len(body)
        return time.perf_counter() - began


async def follow(browser: Browser, socket: ClientConnection, pool: ThreadPoolExecutor) -> None:
    """Fetch again after each change, and never while the last fetch is not done."""
    loop, due, ready_at = asyncio.get_running_loop(), asyncio.Event(), 0.0

    async def listen() -> None:
        async for message in socket:
            if json.loads(message)["topic"] == browser.topic:
                browser.heard = browser.heard or time.perf_counter()
                due.set()

    listener = asyncio.create_task(listen())
    try:
        while True:
            await due.wait()
            await asyncio.sleep(max(0.02 + random.random() * 0.06, ready_at - time.perf_counter()))
            due.clear()
            began = time.perf_counter()
            took = await loop.run_in_executor(pool, browser.fetch)
            ready_at = began + max(PAUSE, 2 * took)
    finally:
        listener.cancel()


class Desk:
    """Somebody who checks patients in."""

    def __init__(self, port: int, session: str) -> None:
        self.port, self.session = port, session
        page = self._ask("GET", "/board/", {})
        token = re.search(r'name="csrf-token" content="(\w+)"', page)
        cookies = f"{self.cookie}; csrftoken={self.csrf}"
        self.headers = {"X-CSRFToken": token[1] if token else "", "Cookie": cookies}

    def check_in(self, visit: int) -> None:
        self._ask("POST", f"/appointments/{visit}/check-in/", {**self.headers, "HX-Request": "true"})

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self.cookie = f"cedar_session={self.session}"
        connection.request(method, path, headers={"Cookie": self.cookie, **headers})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]}")
        found = re.search(r"csrftoken=(\w+)", answer.getheader("Set-Cookie") or "")
        self.csrf = found[1] if found else getattr(self, "csrf", "")
        return body


@contextmanager
def storing(port: int, identities: list[dict[str, str]], folder: Path, is_on: bool):
    """Modalities that send images one after the other, each of its own patient, until the end."""
    stop, sent = threading.Event(), [0]

    def modality(number: int, identity: dict[str, str]) -> None:
        dataset = ct_series(StudyIdentity(**identity), slices=1)[0]
        for run in range(10_000):
            here = folder / f"{number}-{run}"
            here.mkdir(parents=True)
            for place in range(SLICES):
                dataset.SeriesInstanceUID = f"{ROOT}.{number}"
                uid = f"{ROOT}.{number}.{run}.{place}"
                dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
                dataset.InstanceNumber = run * SLICES + place + 1
                write_part10(dataset, here / f"{place}.dcm")
            command = ["storescu", "-aet", f"BENCH{number}", "-aec", "CEDAR", "+sd", "127.0.0.1", str(port)]
            subprocess.run([*command, str(here)], check=True, capture_output=True)
            sent[0] += SLICES
            shutil.rmtree(here)
            if stop.wait(0.5):
                return

    threads = [
        threading.Thread(target=modality, args=pair, daemon=True)
        for pair in (enumerate(identities) if is_on else [])
    ]
    for thread in threads:
        thread.start()
    try:
        yield sent
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


async def measure(browsers: list[Browser], desk: Desk, visits: list[int]) -> dict[str, list[float]]:
    """Check ``visits`` in, one a second; the seconds until every browser heard of it, and showed it."""
    pool = ThreadPoolExecutor(len(browsers) + 2)
    loop = asyncio.get_running_loop()
    heard: list[float] = []
    shown: list[float] = []
    boards = [browser for browser in browsers if browser.address != READING]
    async with asyncio.TaskGroup() as group:
        tasks = []
        for browser in browsers:
            await loop.run_in_executor(pool, browser.fetch)
            socket = await connect(
                f"ws://127.0.0.1:{browser.port}/ws/live/?topics={browser.topic}",
                additional_headers={"Cookie": f"cedar_session={browser.session}"},
                origin=f"http://127.0.0.1:{browser.port}",  # type: ignore[arg-type]
            )
            tasks.append(group.create_task(follow(browser, socket, pool)))
        await asyncio.sleep(2)
        for visit in visits:
            for browser in browsers:
                browser.heard = 0
            began = time.perf_counter()
            await loop.run_in_executor(pool, desk.check_in, visit)
            while any(visit not in browser.waiting for browser in boards):
                if time.perf_counter() - began > 20:
                    raise RuntimeError("a browser never showed who was checked in")
                await asyncio.sleep(0.005)
            heard += [browser.heard - began for browser in browsers if browser.heard]
            shown += [browser.waiting[visit] - began for browser in boards]
            await asyncio.sleep(max(0, 1 - (time.perf_counter() - began)))
        for task in tasks:
            task.cancel()
    return {"heard": heard, "shown": shown}


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


@contextmanager
def clinic(folder: Path):
    """Cedar with its pages; yields their port, the DICOM port and what ``board_rows.fill`` says."""
    data = folder / "cedar"
    with ExitStack() as stack:
        _title, dicom_port = stack.enter_context(dicom_peers.cedar(data))
        environment = dicom_peers.cedar_environment(data, dicom_port)
        people: dict[str, int] = {}
        for role, _address, count in BROWSERS:
            people[role] = people.get(role, 0) + count
        words = f"from benchmarks.board_rows import fill; fill({VISITS}, {MODALITIES}, {people})"
        filled = subprocess.run(
            [sys.executable, "manage.py", "shell", "-v0", "-c", words],
            cwd=dicom_peers.REPOSITORY,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        port = dicom_peers.free_port()
        command = [
            sys.executable,
            "-m",
            "daphne",
            "-b",
            "127.0.0.1",
            "-p",
            str(port),
            "clinic.asgi:application",
        ]
        stack.enter_context(
            dicom_peers.running(command, folder / "web.log", cwd=dicom_peers.REPOSITORY, env=environment)
        )
        end = time.monotonic() + 60
        while True:
            try:
                http.client.HTTPConnection("127.0.0.1", port, timeout=5).connect()
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
        yield port, dicom_port, json.loads(filled.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="8 changes instead of 60")
    options = parser.parse_args()
    changes = 8 if options.quick else 60
    figures: dict[str, float] = {}
    rows = []
    with tempfile.TemporaryDirectory(prefix="cedar-board-") as place, ExitStack() as stack:
        folder = Path(place)
        port, dicom_port, known = stack.enter_context(clinic(folder))
        sessions = {role: iter(keys) for role, keys in known["sessions"].items()}
        browsers = [
            Browser(port, next(sessions[role]), address, "reading" if address == READING else "board")
            for role, address, count in BROWSERS
            for _ in range(count)
        ]
        desk = Desk(port, known["sessions"]["receptionist"][0])
        booked = iter(known["booked"])
        for name, is_on in (("quiet", False), ("storing", True)):
            for browser in browsers:
                browser.fetched = browser.bytes = 0
            with storing(dicom_port, known["imaged"], folder / name, is_on) as sent:
                visits = [next(booked) for _ in range(changes)]
                seconds = asyncio.run(measure(browsers, desk, visits))
                pages = [browsers[0].fetch(whole=True) for _ in range(changes * 2)]
            kilobytes = sum(browser.bytes for browser in browsers) / sum(b.fetched for b in browsers) / 1024
            figures |= {
                f"{name}_heard_p95_ms": p95(seconds["heard"]) * 1000,
                f"{name}_shown_p95_ms": p95(seconds["shown"]) * 1000,
                f"{name}_page_p95_ms": p95(pages) * 1000,
                f"{name}_kilobytes_a_fetch": kilobytes,
            }
            rows.append(
                [
                    f"4 modalities, {sent[0]} images" if is_on else "nobody stores",
                    *(f"{statistics.median(seconds[what]) * 1000:.0f}" for what in ("heard", "shown")),
                    *(f"{figures[f'{name}_{what}_p95_ms']:.0f}" for what in ("heard", "shown", "page")),
                    f"{kilobytes:.0f}",
                ]
            )
    print(f"{VISITS} visits, {len(browsers)} open browsers, {changes} changes.\n")
    table(
        [
            "meanwhile",
            "heard, median ms",
            "on the screen, median ms",
            "heard, p95 ms",
            "on the screen, p95 ms",
            "whole page, p95 ms",
            "KB a fetch",
        ],
        rows,
    )
    last_line(figures, {})


if __name__ == "__main__":
    main()
