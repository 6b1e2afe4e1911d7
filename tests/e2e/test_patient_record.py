"""A patient's record in a real browser, by keyboard: merge and undo, documents, timeline, summary."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from clinic.models import ClinicProfile, User
from clinic.permissions import Role
from patients.models import Patient, PatientMerge
from tests.e2e.test_desk import PASSWORD, serious
from tests.factories import make_order, make_patient
from tests.patients.test_documents import pdf

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rosa() -> User:
    ClinicProfile.get()
    ClinicProfile.objects.update(country="KE", mrn_pattern="CVC-0001")
    return User.objects.create_user("rosa", PASSWORD, full_name="Rosa Delgado", roles=[Role.RECEPTIONIST])


@pytest.fixture
def desk(page: Page, live_server: Any, rosa: User) -> Page:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None
    )
    page.set_viewport_size({"width": 1366, "height": 768})
    page.goto(f"{live_server.url}/login/")
    page.get_by_label("User name").fill("rosa")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/board/")
    yield page
    assert errors == []


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def press_on(page: Page, link: Any) -> None:
    """By keyboard: the thing is reached and Enter is pressed."""
    link.focus()
    page.keyboard.press("Enter")


def test_two_records_become_one_and_two_again_by_keyboard(desk, live_server):
    survivor = make_patient(mrn="CVC-0003", family_name="Silva", given_name="Ana", phone="+254712345678")
    alias = make_patient(mrn="CVC-0007", family_name="Silva", given_name="Anna", note="Deaf")
    order = make_order(alias)
    desk.goto(f"{live_server.url}/patients/{survivor.pk}/")

    press_on(desk, desk.get_by_role("link", name="Registered twice? Merge"))
    press_on(desk, desk.get_by_role("link", name="Compare Anna Silva (CVC-0007)"))
    expect(desk.get_by_role("heading", name="Merge two records of one person")).to_be_visible()
    expect(desk.get_by_role("radio", name="given name: Ana", exact=True)).to_be_focused()
    assert serious(desk) == []
    press(desk, "ArrowRight")
    expect(desk.get_by_role("radio", name="given name: Anna", exact=True)).to_be_checked()
    expect(desk.get_by_text("From CVC-0007 to CVC-0003: 1 order.")).to_be_visible()
    desk.get_by_label("Why is this one person?").focus()
    desk.keyboard.type("She said so herself")
    press(desk, "Enter")

    expect(desk.get_by_role("heading", name="Anna Silva")).to_be_visible()
    expect(desk.get_by_text("Anna Silva (CVC-0007) was merged into this record")).to_be_visible()
    assert Patient.objects.get(pk=survivor.pk).note == "Deaf"
    assert serious(desk) == []
    desk.goto(f"{live_server.url}/patients/{alias.pk}/")
    desk.wait_for_url(f"{live_server.url}/patients/{survivor.pk}/")

    press_on(desk, desk.get_by_role("link", name="Undo the merge CVC-0007"))
    expect(desk.get_by_text("Back to CVC-0007 go: 1 order.")).to_be_visible()
    assert serious(desk) == []
    expect(desk.get_by_label("Why are these two persons?")).to_be_focused()
    desk.keyboard.type("Two sisters")
    press(desk, "Enter")

    expect(desk.get_by_text("The merge is undone")).to_be_visible()
    order.refresh_from_db()
    assert order.patient == alias
    assert Patient.objects.get(pk=survivor.pk).given_name == "Ana"
    assert PatientMerge.objects.standing().count() == 0


def test_a_document_is_added_looked_at_and_removed(desk, live_server):
    patient = make_patient(family_name="Silva")
    desk.goto(f"{live_server.url}/patients/{patient.pk}/")
    press_on(desk, desk.get_by_role("link", name="Add a document"))
    expect(desk.get_by_role("radio", name="Referral letter")).to_be_focused()
    assert serious(desk) == []
    press(desk, "Tab")
    desk.keyboard.type("Letter of Dr Otieno")
    files = desk.get_by_label("Files: choose them, or drop them here")
    files.set_input_files({"name": "a.gif", "mimeType": "image/gif", "buffer": b"GIF89a"})
    press_on(desk, desk.get_by_role("button", name="Add", exact=True))
    expect(desk.get_by_role("alert")).to_contain_text("was read as GIF; accepted are PDF, JPEG and PNG")
    expect(desk.get_by_label("Title")).to_have_value("Letter of Dr Otieno")

    files.set_input_files({"name": "a.pdf", "mimeType": "application/pdf", "buffer": pdf().read()})
    press_on(desk, desk.get_by_role("button", name="Add", exact=True))

    expect(desk.get_by_role("link", name="Letter of Dr Otieno", exact=True)).to_be_visible()
    with desk.expect_download() as saved:
        press_on(desk, desk.get_by_role("link", name="Save as a file"))
    assert saved.value.suggested_filename.endswith(".pdf")
    press_on(desk, desk.get_by_role("link", name="Remove Letter of Dr Otieno"))
    expect(desk.get_by_label("Why")).to_be_focused()
    desk.keyboard.type("Of another patient")
    press(desk, "Enter")
    expect(desk.get_by_text("“Letter of Dr Otieno” is removed.")).to_be_visible()
    assert patient.documents.kept().count() == 0


def test_the_timeline_is_filtered_and_the_filter_stays_in_the_address(desk, live_server):
    patient = make_patient(family_name="Silva")
    order = make_order(patient)
    desk.goto(f"{live_server.url}/patients/{patient.pk}/")
    expect(desk.locator(".moment")).to_have_count(1)
    press_on(desk, desk.get_by_role("link", name="Visits"))
    expect(desk.get_by_text("Nothing of this kind yet.")).to_be_visible()
    desk.wait_for_url(f"**/patients/{patient.pk}/?kind=visits")

    press_on(desk, desk.get_by_role("link", name="Orders"))
    expect(desk.locator("#part")).to_contain_text(order.accession_number)
    desk.reload()
    expect(desk.get_by_role("link", name="Orders")).to_have_attribute("aria-current", "true")
    expect(desk.locator("#part")).to_contain_text(order.accession_number)
    assert serious(desk) == []
    desk.go_back()
    expect(desk.get_by_text("Nothing of this kind yet.")).to_be_visible()


def test_a_further_number_is_added_and_told_in_the_changes(desk, live_server):
    patient = make_patient(family_name="Silva")
    desk.goto(f"{live_server.url}/patients/{patient.pk}/")
    press_on(desk, desk.get_by_role("link", name="Further numbers and names"))
    expect(desk.get_by_role("heading", name="Further numbers and names")).to_be_visible()
    assert serious(desk) == []
    desk.get_by_label("Number", exact=True).focus()
    desk.keyboard.type("77")
    press(desk, "Tab")
    desk.keyboard.type("Valley Hospital")
    press(desk, "Enter")
    expect(desk.get_by_text("It is noted.")).to_be_visible()

    desk.goto(f"{live_server.url}/patients/{patient.pk}/?kind=changes")

    expect(desk.locator("#timeline")).to_contain_text("77 (Valley Hospital)")


def test_the_summary_prints_on_one_page(desk, live_server, tmp_path):
    from pypdf import PdfReader

    patient = make_patient(family_name="Silva", alerts="Penicillin", note="Deaf")
    for _number in range(40):
        make_order(patient, status="scheduled")
    desk.goto(f"{live_server.url}/patients/{patient.pk}/summary/")
    expect(desk.get_by_role("button", name="Print")).to_be_focused()
    assert serious(desk) == []

    desk.pdf(path=str(tmp_path / "summary.pdf"), prefer_css_page_size=True)

    printed = PdfReader(tmp_path / "summary.pdf")
    text = printed.pages[0].extract_text()
    assert len(printed.pages) == 1
    assert all(word in text for word in ("Silva", "Penicillin", patient.mrn))
    assert "Back to the patient" not in text
