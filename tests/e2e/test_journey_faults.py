"""The same journey while every part is killed once: it goes on, and no acknowledged image is lost."""

import re
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from clinic.demo.images import StudyIdentity, chest_xray, write_part10
from tests.e2e.running import PASSWORD, Clinic, sign_in
from tests.e2e.test_journey import ask_worklist, write

pytestmark = [
    pytest.mark.needs_tool("chromium", package="chromium"),
    pytest.mark.needs_tool("findscu", package="dcmtk"),
]
FAMILY = "Ouedraogo"
FILMS = 40


def kill(clinic: Clinic, part: str) -> psutil.Process:
    """kill -9, and wait until the supervisor has made everything well again."""
    process = clinic.part(part)
    process.send_signal(signal.SIGKILL)
    clinic.wait_until_other(part, process.pid)
    clinic.wait_until_healthy(60)
    return process


def walk_in(page: Page) -> str:
    """Register, order, book now and check in; the accession number."""
    page.goto("/walk-in/")
    page.get_by_label("Family name").fill(FAMILY)
    page.get_by_label("Birth date or age").fill("about 60")
    page.get_by_label("Sex").select_option(label="Male")
    page.get_by_label("Examination", exact=True).fill("Chest X-ray PA")
    page.get_by_label("Reason for the examination").fill("Fall")
    page.get_by_role("button", name="Check in now").click()
    page.wait_for_url(re.compile("/(board|orders|patients|appointments)/"))
    page.goto("/patients/")
    page.get_by_role("main").get_by_role("searchbox").fill(FAMILY)
    page.get_by_role("link", name=re.compile(FAMILY)).first.click()
    order = page.locator(".moment[data-kind=orders]").filter(has_text="Chest X-ray PA").first
    found = re.search(r"\bA\d+\b", order.inner_text())
    assert found is not None
    order.get_by_role("link").first.click()
    return found[0]


def send(clinic: Clinic, folder: Path) -> subprocess.Popen[str]:
    command = ["storescu", "-v", "-aet", "CEDAR_XR", "-aec", "CEDAR", "+sd"]
    command += ["-to", "5", "-ta", "10", "-td", "10"]
    return subprocess.Popen(
        [*command, "127.0.0.1", str(clinic.dicom_port), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def acknowledged(lines: list[str]) -> int:
    return sum("Received Store Response (Success)" in line for line in lines)


def make_films(item, folder: Path) -> None:
    folder.mkdir()
    film = chest_xray(StudyIdentity.from_worklist(item), rows=500, columns=400)[0]
    for number in range(1, FILMS + 1):
        uid = f"{item.StudyInstanceUID[:50]}.{number}"
        film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = uid
        film.InstanceNumber = number
        write_part10(film, folder / f"{number:03d}.dcm")


def images_on(page: Page) -> int:
    words = page.get_by_role("status").filter(has_text="image").first.inner_text()
    found = re.search(r"(\d+) images?", words)
    return int(found[1]) if found else 0


def test_journey_goes_on_while_every_part_is_killed(clinic: Clinic, browser: Browser, tmp_path: Path):
    reception = sign_in(browser, clinic, "reception")
    accession = walk_in(reception)
    order_page = reception.url

    kill(clinic, "database")
    # The open page found the database again by itself.
    technician = sign_in(browser, clinic, "technician")
    technician.goto(order_page)
    technician.get_by_role("button", name="Call in").click()
    expect(reception.locator("#order")).to_contain_text("In the room", timeout=15_000)

    # The server is killed in the middle of a push: what it acknowledged is there, the rest can be sent again.
    make_films(ask_worklist(clinic, tmp_path / "worklist", accession), tmp_path / "films")
    sender = send(clinic, tmp_path / "films")
    lines = []
    for line in sender.stdout:
        lines.append(line)
        if acknowledged(lines) == FILMS // 3:
            scp = clinic.part("scp")
            scp.send_signal(signal.SIGKILL)
            break
    lines += sender.stdout.readlines()
    sender.wait(timeout=60)
    safe = acknowledged(lines)
    assert FILMS // 3 <= safe < FILMS
    clinic.wait_until_other("scp", scp.pid)
    clinic.wait_until_healthy(60)
    technician.goto(order_page)
    until(lambda: images_on(technician) >= safe)

    # The worker is killed while the rest arrives.
    sender = send(clinic, tmp_path / "films")
    worker = clinic.part("worker")
    worker.send_signal(signal.SIGKILL)
    sender.communicate(timeout=60)
    assert sender.returncode == 0
    clinic.wait_until_other("worker", worker.pid)
    clinic.wait_until_healthy(60)
    expect(technician.get_by_text(f"{FILMS} images", exact=True)).to_be_visible(timeout=30_000)

    # The web server is killed: open pages say so, come back by themselves and go on.
    web = clinic.part("web")
    web.send_signal(signal.SIGKILL)
    expect(technician.locator("#connection")).to_be_visible(timeout=10_000)
    clinic.wait_until_other("web", web.pid)
    clinic.wait_until_healthy(60)
    expect(technician.locator("#connection")).to_be_hidden(timeout=15_000)
    technician.get_by_role("button", name="Ready for review").click()
    expect(reception.locator("#order")).to_contain_text("Images taken", timeout=15_000)

    # Signing while the worker dies: the PDF comes all the same.
    radiologist = sign_in(browser, clinic, "radiologist")
    row = radiologist.get_by_role("row").filter(has_text=accession)
    row.get_by_role("button", name="Claim and open").click()
    write(radiologist, "findings", "No fracture.")
    write(radiologist, "impression", "Normal.")
    radiologist.locator("#sign").click()
    radiologist.get_by_label(re.compile("Your password")).fill(PASSWORD)
    clinic.part("worker").send_signal(signal.SIGKILL)
    radiologist.locator("#sign-form").get_by_role("button", name=re.compile("^Sign$|^Sign anyway$")).click()
    expect(radiologist.locator("#download-pdf")).to_be_visible(timeout=90_000)
    expect(reception.locator("#order")).to_contain_text("Reported")


def until(condition, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.2)
