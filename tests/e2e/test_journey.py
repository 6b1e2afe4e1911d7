"""One exam from the front desk to the signed PDF, by four people in four browsers and a real modality.

Nothing is reloaded by hand: each page is opened once and has to follow what the others do. With
CEDAR_SCREENSHOTS=1 the pictures of the README are made anew.
"""

import io
import os
import re
import subprocess
from pathlib import Path

import pydicom
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from clinic.demo.images import StudyIdentity, chest_xray, write_part10
from tests.e2e.running import LARGE, PASSWORD, REPOSITORY, Clinic, sign_in

pytestmark = [
    pytest.mark.needs_tool("chromium", package="chromium"),
    pytest.mark.needs_tool("findscu", package="dcmtk"),
    pytest.mark.needs_tool("pdftotext", package="poppler-utils"),
]
PICTURES = REPOSITORY / "docs" / "screenshots" if os.environ.get("CEDAR_SCREENSHOTS") == "1" else None
WORKLIST_KEYS = [
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyInstanceUID",
    "RequestedProcedureDescription", "ReferringPhysicianName",
]  # fmt: skip
FAMILY, GIVEN = "Žižková", "Jana Marie"
STEP = "ScheduledProcedureStepSequence[0]"


def picture(page: Page, name: str) -> None:
    if PICTURES is not None:
        PICTURES.mkdir(exist_ok=True)
        shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        shot.quantize(128).save(PICTURES / f"{name}.png", optimize=True)


def expect_accessible(page: Page) -> None:
    """No serious or critical violation of WCAG on the page as it is shown (axe-core)."""
    violations = Axe().run(page).response["violations"]
    serious = [each for each in violations if each["impact"] in {"serious", "critical"}]
    assert [(each["id"], [node["target"] for node in each["nodes"]][:3]) for each in serious] == []


def ask_worklist(clinic: Clinic, folder: Path, accession: str) -> pydicom.Dataset:
    """What the X-ray machine is told by a Modality Worklist query for its own station."""
    folder.mkdir(exist_ok=True)
    keys = [argument for key in WORKLIST_KEYS for argument in ("-k", key)]
    keys += ["-k", f"{STEP}.ScheduledStationAETitle=CEDAR_XR", "-k", f"{STEP}.Modality"]
    keys += ["-k", f"{STEP}.ScheduledProcedureStepStartDate", "-k", f"{STEP}.ScheduledProcedureStepStartTime"]
    command = ["findscu", "-W", "-X", "-od", str(folder), "-aet", "CEDAR_XR", "-aec", "CEDAR", *keys]
    subprocess.run([*command, "127.0.0.1", str(clinic.dicom_port)], check=True, timeout=30)
    answers = [pydicom.dcmread(path, force=True) for path in sorted(folder.glob("rsp*.dcm"))]
    mine = [answer for answer in answers if answer.AccessionNumber == accession]
    assert len(mine) == 1
    return mine[0]


def make_film(item: pydicom.Dataset, folder: Path) -> list[Path]:
    """Two films made from what the worklist said, as a modality does."""
    folder.mkdir(exist_ok=True)
    identity = StudyIdentity.from_worklist(item)
    files = []
    for number in (1, 2):
        film = chest_xray(identity, seed=number, rows=2100, columns=2000)[0]
        film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = (
            f"{film.SOPInstanceUID[:50]}.{number}"
        )
        film.SeriesInstanceUID = f"{item.StudyInstanceUID[:50]}.1"
        film.InstanceNumber = number
        files.append(folder / f"{number}.dcm")
        write_part10(film, files[-1])
    return files


def store(clinic: Clinic, *files: Path) -> None:
    command = ["storescu", "-aet", "CEDAR_XR", "-aec", "CEDAR", "127.0.0.1", str(clinic.dicom_port)]
    subprocess.run([*command, *map(str, files)], check=True, timeout=60)


def echo(clinic: Clinic) -> None:
    command = ["echoscu", "-aet", "CEDAR_XR", "-aec", "CEDAR", "127.0.0.1", str(clinic.dicom_port)]
    subprocess.run(command, check=True, timeout=30)


def register(page: Page, family: str, given: str, born: str, sex: str) -> None:
    page.goto("/patients/new/")
    page.get_by_label("Family name").fill(family)
    page.get_by_label("Given name").fill(given)
    page.get_by_label("Birth date or age").fill(born)
    page.get_by_label("Sex").select_option(label=sex)


def place_order(page: Page, procedure: str, indication: str) -> str:
    """From the patient's page; the accession number of the new order."""
    page.get_by_role("link", name="Place an order").click()
    page.get_by_label("Examination", exact=True).fill(procedure)
    page.get_by_label("Reason for the examination").fill(indication)
    page.get_by_label("Referred by").fill("Dr Émile Rousseau")
    page.get_by_text("Urgent").click()
    expect_accessible(page)
    page.get_by_role("button", name="Place the order").click()
    page.wait_for_url(re.compile(r"/orders/\d+/book/"))
    return page.locator("aside").get_by_text(re.compile(r"^A\d+$")).inner_text()


def pdf_of(page: Page, folder: Path) -> tuple[str, int]:
    """Text and number of pictures of the PDF that the download button of the report's page gives."""
    with page.expect_download() as download:
        page.locator("#download-pdf").click()
    path = folder / "report.pdf"
    download.value.save_as(path)
    text = subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, check=True
    ).stdout.decode()
    images = subprocess.run(["pdfimages", "-list", path], capture_output=True, check=True).stdout.decode()
    return text, len(images.splitlines()) - 2


def test_one_exam_from_the_front_desk_to_the_signed_pdf(clinic: Clinic, browser: Browser, tmp_path: Path):
    reception = sign_in(browser, clinic, "reception")
    technician = sign_in(browser, clinic, "technician")
    radiologist = sign_in(browser, clinic, "radiologist")

    # Reception: register, with a warning about a likely duplicate; order, book, check in.
    expect(reception.get_by_role("heading", name=re.compile("Today"))).to_be_visible()
    expect_accessible(reception)
    picture(reception, "board")
    register(reception, "Thompson", "Margret", "", "Female")
    expect(reception.get_by_text(re.compile("Thompson, Margaret|Margaret Thompson")).first).to_be_visible()
    picture(reception, "register")
    expect_accessible(reception)
    register(reception, FAMILY, GIVEN, "3 Mar 1977", "Female")
    reception.get_by_role("button", name="Save patient").click()
    expect(reception.get_by_role("heading", name=f"{GIVEN} {FAMILY}")).to_be_visible()
    accession = place_order(reception, "Chest X-ray PA", "Cough for three weeks")
    expect_accessible(reception)
    picture(reception, "booking")
    reception.locator("button.slot").first.click()
    expect(reception.get_by_text(f"{GIVEN} {FAMILY} is booked.")).to_be_visible()
    reception.get_by_role("link", name="Patient", exact=True).click()
    reception.locator(".moment[data-kind=orders]").filter(has_text=accession).get_by_role("link").click()
    reception.get_by_role("button", name="Check in").click()
    expect(reception.locator("#order")).to_contain_text("Waiting")
    order_page = reception.url

    # The modality: echo, worklist; its image is made from the answer.
    echo(clinic)
    item = ask_worklist(clinic, tmp_path / "worklist", accession)
    again = ask_worklist(clinic, tmp_path / "again", accession)
    assert item.PatientName == f"{FAMILY}^{GIVEN}"
    assert again.StudyInstanceUID == item.StudyInstanceUID
    films = make_film(item, tmp_path / "films")

    # The technician's page follows by itself: images arrive, one after the other.
    technician.goto("/")
    technician.goto(exam_address(technician, order_page))
    expect(technician.get_by_text("No images yet")).to_be_visible()
    expect_accessible(technician)
    store(clinic, films[0])
    expect(technician.get_by_text("1 image", exact=True)).to_be_visible(timeout=15_000)
    expect(technician.locator(".thumb img")).to_have_count(1)
    store(clinic, films[1])
    expect(technician.get_by_text("2 images", exact=True)).to_be_visible(timeout=15_000)
    expect(technician.locator(".thumb img")).to_have_count(2)
    expect(reception.locator("#order")).to_contain_text("Being examined")
    picture(technician, "exam")

    # Ready for review: the reading list that is open already gets the study.
    expect(radiologist.get_by_text(accession)).to_have_count(0)
    technician.get_by_role("button", name="Ready for review").click()
    row = radiologist.get_by_role("row").filter(has_text=accession)
    expect(row).to_be_visible()
    expect(reception.locator("#order")).to_contain_text("Images taken")
    picture(radiologist, "reading-list")
    expect_accessible(radiologist)

    # The radiologist: claim, look, key image, write, sign.
    row.get_by_role("button", name="Claim and open").click()
    expect(reception.locator("#order")).to_contain_text("Being read")
    expect(radiologist.get_by_text("Image 1 of 2")).to_be_visible(timeout=30_000)
    radiologist.locator("#viewer canvas").first.hover()
    radiologist.mouse.wheel(0, 120)
    expect(radiologist.get_by_text("Image 2 of 2")).to_be_visible()
    radiologist.keyboard.press("k")
    expect(radiologist.locator("#report-images img")).to_have_count(1, timeout=15_000)
    write(radiologist, "findings", "Small nodule in the right upper lobe, 8 mm.")
    write(radiologist, "impression", "Solitary pulmonary nodule.")
    expect(radiologist.locator("#save-state")).to_contain_text("Saved", timeout=15_000)
    expect_accessible(radiologist)
    radiologist.set_viewport_size(LARGE)
    picture(radiologist, "reading")
    radiologist.locator("#sign").click()
    radiologist.get_by_label(re.compile("Your password")).fill("not my password")
    radiologist.locator("#sign-form").get_by_role("button", name=re.compile("^Sign$|^Sign anyway$")).click()
    expect(radiologist.locator("#sign-form [role=alert]")).to_be_visible()
    radiologist.get_by_label(re.compile("Your password")).fill(PASSWORD)
    radiologist.locator("#sign-form").get_by_role("button", name=re.compile("^Sign$|^Sign anyway$")).click()
    expect(radiologist.locator("#download-pdf")).to_be_visible(timeout=30_000)
    expect(reception.locator("#order")).to_contain_text("Reported")
    picture(radiologist, "report")

    # The PDF.
    text, pictures = pdf_of(radiologist, tmp_path)
    identity = [FAMILY, GIVEN, item.PatientID, accession]
    expected = [*identity, "8 mm", "Solitary pulmonary nodule", "Dr Ama Mensah"]
    assert [words for words in expected if words not in text] == []
    assert re.search(r"(?i)page\s+1\s+(of|/)\s+1", text)
    assert pictures >= 1

    # Reception hands it out; everybody sees it.
    desk = reception.context.new_page()
    desk.goto("/results/")
    result = desk.locator(".result").filter(has_text=accession)
    with desk.expect_download():
        result.get_by_role("button", name="Download").click()
    expect(reception.locator("#order")).to_contain_text("Released")

    # The administrator sees who did what.
    admin = sign_in(browser, clinic, "admin")
    admin.goto(f"/audit/?patient={item.PatientID}")
    trail = admin.locator("main").inner_text()
    expected = ["registered", "Rosa Delgado", "Tomasz Wójcik", "Dr Ama Mensah", "signed", accession]
    assert [words for words in expected if words not in trail] == []
    picture(admin, "audit")
    expect_accessible(admin)


def exam_address(page: Page, order_page: str) -> str:
    """The technician's page of the visit, found as she does: by the card of her worklist, or by the order."""
    page.goto(order_page)
    sheet = page.get_by_role("link", name="Appointment sheet").get_attribute("href") or ""
    number = sheet.split("/appointments/")[1].split("/")[0]
    return f"/examinations/{number}/"


def write(page: Page, section: str, words: str) -> None:
    editor = page.locator(f'[data-section="{section}"] [contenteditable=true]')
    editor.click()
    page.keyboard.press("Control+A")
    page.keyboard.type(words)
