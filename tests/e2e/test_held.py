"""Held images decided upon in a real browser: by keyboard, against a list that refreshes itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as configured
from django.test import Client
from playwright.sync_api import Page, expect

from clinic.models import ClinicProfile
from imaging.models import Study
from scheduling.models import Order
from tests.factories import make_everyone, make_order, make_patient
from tests.imaging.sender import identity_for, identity_of, receive, slices

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, settings: Any) -> None:
    for name in ("SPOOL_DIR", "STUDIES_DIR", "QUARANTINE_DIR"):
        folder = tmp_path / name.lower()
        folder.mkdir(mode=0o700)
        setattr(settings, name, folder)


@pytest.fixture
def desk(page: Page, live_server: Any) -> Iterator[Page]:
    """Somebody of every role is signed in; a script error or a broken policy fails the test."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None
    )
    ClinicProfile.get()
    client = Client()
    client.force_login(make_everyone())
    cookie = client.cookies[configured.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": configured.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
    )
    page.set_viewport_size({"width": 1366, "height": 768})
    yield page
    page.wait_for_load_state("networkidle")
    page.goto("about:blank")
    assert errors == []


@pytest.fixture
def order() -> Order:
    return make_order(make_patient(mrn="A-1", family_name="Ahmed", given_name="Sara"), status="scheduled")


@pytest.fixture
def held(order: Order) -> Study:
    """Images under the order's Study UID that name somebody else."""
    other = make_patient(mrn="B-2", family_name="Berg", given_name="Tor", sex="M")
    return receive(*slices(identity_of(other, study_instance_uid=order.study_instance_uid), 1))


def test_somebody_decides_by_keyboard_after_comparing(desk: Page, live_server: Any, held: Study) -> None:
    desk.goto(f"{live_server.url}/held/")
    number = desk.get_by_label("Another order or patient")

    number.fill("nothing")
    number.press("Enter")
    expect(desk.get_by_role("alert").first).to_contain_text(
        "neither an accession number nor a patient number"
    )
    number.fill("b-2")
    number.press("Enter")
    button = desk.get_by_role("button", name="File with Tor Berg (B-2), without an order")
    expect(button).to_be_visible()
    expect(desk.locator("tr.differs")).to_have_count(0)
    button.focus()
    desk.keyboard.press("Enter")

    expect(desk.get_by_text("Filed with Tor Berg (B-2).")).to_be_visible()
    expect(desk.get_by_text("Nothing is held")).to_be_visible()
    held.refresh_from_db()
    assert (held.state, held.patient.mrn) == ("filed", "B-2")


def test_a_list_that_refreshes_itself_keeps_what_is_being_typed(
    desk: Page, live_server: Any, held: Study
) -> None:
    desk.goto(f"{live_server.url}/held/")
    reason = desk.get_by_label("Why they belong together all the same")
    reason.fill("half typed")
    receive(*slices(identity_of(make_patient(), patient_id="UNKNOWN-7"), 1))

    desk.evaluate("document.getElementById('lists').dispatchEvent(new CustomEvent('live'))")

    expect(desk.get_by_text("No patient has the number UNKNOWN-7.")).to_be_visible()
    expect(reason).to_have_value("half typed")
    expect(reason).to_be_focused()


def test_without_a_reason_nothing_is_filed_against_a_difference(
    desk: Page, live_server: Any, held: Study, order: Order
) -> None:
    desk.goto(f"{live_server.url}/held/")

    desk.get_by_role("button", name=f"File with order {order.accession_number} of Sara Ahmed").click()

    assert desk.get_by_label("Why they belong together all the same").evaluate(
        "field => !field.validity.valid"
    )
    held.refresh_from_db()
    assert held.state == "held"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_with_images_are_usable_by_everybody(
    desk: Page, live_server: Any, held: Study, theme: str
) -> None:
    order = make_order(status="scheduled")
    receive(*slices(identity_for(order), 10))
    problems = {}
    for path in ("/held/", f"/orders/{order.pk}/", f"/patients/{order.patient_id}/"):
        desk.goto(live_server.url + path)
        desk.wait_for_load_state("networkidle")
        desk.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        found = Axe().run(desk).response["violations"]
        serious = [
            f"{one['id']}: {one['nodes'][0]['html'][:160]}"
            for one in found
            if one["impact"] in {"serious", "critical"}
        ]
        if serious:
            problems[path] = serious

    assert problems == {}
