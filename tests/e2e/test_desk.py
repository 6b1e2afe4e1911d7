"""The front desk in a real browser, by keyboard alone; and a session that ends while somebody types."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from audit.models import Entry
from clinic.models import ClinicProfile, User
from clinic.permissions import Role
from patients.models import Patient
from tests.factories import make_order, make_patient

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "correct-horse-7"


@pytest.fixture
def rosa() -> User:
    ClinicProfile.get()
    ClinicProfile.objects.update(country="KE", mrn_pattern="CVC-0001")
    return User.objects.create_user("rosa", PASSWORD, full_name="Rosa Delgado", roles=[Role.RECEPTIONIST])


@pytest.fixture
def desk(page: Page, live_server: Any, rosa: User) -> Page:
    """A receptionist's browser, signed in through the sign-in page; any script error fails the test."""
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
    page.goto(f"{live_server.url}/patients/")
    yield page
    assert errors == []


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['help']}" for one in found if one["impact"] in {"serious", "critical"}]


def type_in(page: Page, *texts: str) -> None:
    for text in texts:
        page.keyboard.type(text)
        page.keyboard.press("Tab")


def test_a_patient_is_registered_by_keyboard_alone(desk, live_server):
    desk.goto(f"{live_server.url}/patients/new/")
    type_in(desk, "Silva", "Ana", "25 Feb 1985", "Fem", "0712 345678")
    expect(desk.locator("#birth-reading")).to_contain_text("25 Feb 1985 ·")
    desk.keyboard.press("Enter")

    expect(desk.get_by_role("heading", name="Ana Silva")).to_be_visible()
    expect(desk.get_by_role("link", name="Place an order")).to_be_visible()
    patient = Patient.objects.get()
    assert (patient.sex, patient.phone) == ("F", "+254712345678")
    assert serious(desk) == []


def test_one_of_two_readings_is_taken_with_a_key(desk, live_server):
    desk.goto(f"{live_server.url}/patients/new/")
    type_in(desk, "Silva", "Ana")
    desk.keyboard.type("03/04/1985")
    expect(desk.get_by_role("button", name="3 Apr 1985")).to_be_visible()
    desk.keyboard.press("Tab")
    desk.keyboard.press("Tab")
    desk.keyboard.press("Space")

    expect(desk.get_by_label("Birth date or age")).to_have_value("1985-03-04")
    expect(desk.get_by_label("Sex")).to_be_focused()


def test_who_is_here_already_appears_while_typing_and_saving_needs_a_reason(desk, live_server):
    make_patient(family_name="Silva", given_name="Ana", birth_date="1985-02-25", mrn="CVC-0042")
    desk.goto(f"{live_server.url}/patients/new/")
    type_in(desk, "silvá", "ana", "25/02/1985", "Fem")

    candidate = desk.locator(".candidate")
    expect(candidate).to_contain_text("surely the same")
    expect(candidate).to_contain_text("same name, same birth date")
    expect(candidate.get_by_role("button", name="Use this patient")).to_be_visible()
    desk.get_by_role("button", name="Save patient").click()
    expect(desk.get_by_text("This person is registered already")).to_be_visible()
    assert serious(desk) == []

    desk.get_by_label("Why this is another person").fill("Her cousin, both were at the desk")
    desk.get_by_role("button", name="Save patient").click()
    expect(desk.get_by_role("heading", name="ana silvá")).to_be_visible()
    assert Entry.objects.get(action="patient.registered").reason == "Her cousin, both were at the desk"


def test_whoever_is_here_already_is_used_with_what_was_typed(desk, live_server):
    """By keyboard alone: Alt+U takes the first candidate, Space ticks what is taken along."""
    known = make_patient(
        family_name="Silva", given_name="Ana", birth_date="1985-02-25", phone="+254712345678", mrn="CVC-0042"
    )
    desk.goto(f"{live_server.url}/patients/new/")
    type_in(desk, "Silva", "Ana", "25 Feb 1985", "Fem", "0722 000111", "", "Hill Road 3")
    expect(desk.locator(".candidate")).to_contain_text("surely the same")

    desk.keyboard.press("Alt+u")
    expect(desk.get_by_role("heading", name="What is new about Ana Silva (CVC-0042)?")).to_be_visible()
    assert serious(desk) == []
    expect(desk.get_by_label("address")).to_be_checked()
    expect(desk.get_by_label("phone")).to_be_focused()
    desk.keyboard.press("Space")
    desk.keyboard.press("Enter")

    expect(desk.get_by_role("heading", name="Ana Silva", exact=True)).to_be_visible()
    known.refresh_from_db()
    assert (known.phone, known.address, Patient.objects.count()) == ("+254722000111", "Hill Road 3", 1)


def test_the_search_finds_while_typing(desk, live_server):
    make_patient(family_name="Müller-Lüdenscheidt", given_name="Jürgen")
    make_patient(family_name="Silva")

    desk.keyboard.type("jur mull")

    expect(desk.locator("#results tbody tr")).to_have_count(1)
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", name="Jürgen Müller-Lüdenscheidt")).to_be_visible()


def test_arrow_keys_walk_through_the_hits(desk, live_server):
    for given_name in ("Ada", "Bea", "Cleo"):
        make_patient(family_name="Silva", given_name=given_name)

    desk.keyboard.type("silva")
    expect(desk.get_by_role("heading", name="3 patients found")).to_be_visible()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp"):
        desk.keyboard.press(key)
    expect(desk.get_by_role("link", name="Silva, Bea")).to_be_focused()
    desk.keyboard.press("Escape")
    expect(desk.get_by_label("Find a patient")).to_be_focused()
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("Enter")

    expect(desk.get_by_role("heading", name="Ada Silva")).to_be_visible()


def test_every_page_finds_patients_and_orders_from_its_head(desk, live_server):
    order = make_order(make_patient(family_name="Silva", given_name="Ana"))
    desk.goto(f"{live_server.url}/account/")

    desk.keyboard.press("/")
    expect(desk.locator("#find-panel")).to_contain_text("Last patients")
    desk.keyboard.type(order.accession_number)
    expect(desk.locator("#find-panel")).to_contain_text(f"order {order.accession_number}")
    assert serious(desk) == []
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("Enter")

    desk.wait_for_url(f"{live_server.url}/orders/{order.pk}/")


def test_a_session_that_ends_asks_for_the_password_in_place(desk, live_server, settings):
    """What was typed is still there afterwards and can be saved."""
    settings.IDLE_TIMEOUT_SECONDS = 6
    desk.goto(f"{live_server.url}/patients/new/")
    type_in(desk, "Silva", "Ana", "25 Feb 1985", "Fem")

    expect(desk.get_by_role("heading", name="Are you still there?")).to_be_visible(timeout=20_000)
    expect(desk.get_by_role("heading", name="You are signed out")).to_be_visible(timeout=20_000)
    settings.IDLE_TIMEOUT_SECONDS = 600
    desk.keyboard.press("Escape")
    desk.get_by_label("Password").fill("wrong")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("alert").filter(has_text="do not fit together")).to_be_visible()
    desk.get_by_label("Password").fill(PASSWORD)
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", name="You are signed out")).not_to_be_visible()
    desk.get_by_role("button", name="Save patient").click()

    expect(desk.get_by_role("heading", name="Ana Silva")).to_be_visible()
    assert Entry.objects.filter(action="logout").count() == 1


def test_staying_signed_in(desk, live_server, settings):
    settings.IDLE_TIMEOUT_SECONDS = 6
    desk.goto(f"{live_server.url}/patients/new/")
    expect(desk.get_by_role("heading", name="Are you still there?")).to_be_visible(timeout=20_000)
    assert serious(desk) == []

    settings.IDLE_TIMEOUT_SECONDS = 600
    desk.keyboard.press("Enter")

    expect(desk.get_by_role("heading", name="Are you still there?")).not_to_be_visible()
    assert not Entry.objects.filter(action="logout").exists()


@pytest.mark.parametrize(
    "path", ["/patients/", "/patients/new/", "/account/", "/account/password/", "/login/"]
)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_can_be_used_by_everybody(desk, live_server, path, theme):
    make_patient(family_name="Silva", alerts="Penicillin")
    desk.evaluate("theme => localStorage.setItem('cedar-theme', theme)", theme)
    desk.goto(live_server.url + path)

    assert serious(desk) == []
