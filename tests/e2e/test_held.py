"""Held images decided upon in a real browser: by keyboard, against a page that follows what happens."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client
from playwright.sync_api import Page, expect

from clinic.models import ClinicProfile
from imaging.decisions import resolve_held_study
from imaging.ingest import ingest_spool
from imaging.models import Quarantined, Study
from scheduling.models import Order, Procedure
from tests.e2e.desk import problems_of
from tests.factories import make_everyone, make_order, make_patient, make_procedure
from tests.imaging.sender import identity_for, identity_of, receive, send_bytes, slices

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
def procedure() -> Procedure:
    return make_procedure(name="CT head", code="CTH", modality="CT")


@pytest.fixture
def order(procedure: Procedure) -> Order:
    patient = make_patient(mrn="A-1", family_name="Ahmed", given_name="Sara")
    return make_order(patient, status="scheduled", procedure=procedure)


@pytest.fixture
def held(order: Order) -> Study:
    """Images under the order's Study UID that name somebody else."""
    other = make_patient(mrn="B-2", family_name="Berg", given_name="Tor", sex="M")
    return receive(*slices(identity_of(other, study_instance_uid=order.study_instance_uid), 1))


def decide(page: Page) -> None:
    """The button of the panel, found and pressed by keyboard alone."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "decide":
            page.keyboard.press("Enter")
            return
    raise AssertionError("the button cannot be reached by keyboard")


def state_of(study: Study) -> str:
    study.refresh_from_db()
    return study.state


# --- by keyboard alone --------------------------------------------------------------------------------


def test_this_order_with_the_reason(desk: Page, live_server: Any, held: Study, order: Order) -> None:
    desk.goto(f"{live_server.url}/held/")
    desk.locator(f"#decide-{held.pk}").focus()
    desk.keyboard.press("Enter")

    expect(desk.locator("tr.differs")).to_have_count(3)
    expect(desk.get_by_label("Why they belong together all the same")).to_be_focused()
    desk.keyboard.type("Wrong entry chosen")
    desk.keyboard.press("Enter")

    expect(desk.get_by_text(f"Filed with Sara Ahmed (A-1), order {order.accession_number}.")).to_be_visible()
    assert state_of(held) == "linked"


def test_another_patient_found_by_name(desk: Page, live_server: Any, held: Study) -> None:
    desk.goto(f"{live_server.url}/held/{held.pk}/?as=discard")
    desk.keyboard.press("Escape")
    desk.keyboard.press("2")

    expect(desk.get_by_role("main").get_by_role("searchbox")).to_be_focused()
    desk.keyboard.type("nobody at all")
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("Nobody and no order was found")).to_be_visible()
    desk.get_by_role("main").get_by_role("searchbox").fill("berg")
    desk.keyboard.press("Enter")
    link = desk.get_by_role("link", name="Compare Tor Berg (B-2)")
    expect(link).to_be_visible()
    link.focus()
    desk.keyboard.press("Enter")
    expect(desk.locator("tr.differs")).to_have_count(0)
    expect(desk.locator("#decide")).to_be_focused()
    desk.keyboard.press("Enter")

    expect(desk.get_by_text("Nothing is held")).to_be_visible()
    assert state_of(held) == "filed"


def test_a_new_order_is_one_choice_and_one_button(desk: Page, live_server: Any, held: Study) -> None:
    desk.goto(f"{live_server.url}/held/{held.pk}/?as=new_order")

    desk.keyboard.press("Enter")

    expect(desk.get_by_text("Filed with Tor Berg (B-2)")).to_be_visible()
    made = Order.objects.latest("pk")
    assert (made.procedure.code, made.patient.mrn) == ("CTH", "B-2")


def test_a_new_patient_is_filled_in_already(desk: Page, live_server: Any, procedure: Procedure) -> None:
    identity = identity_of(make_patient(), patient_id="X-9", patient_name="Novak^Jan", sex="M")
    study = receive(*slices(identity, 1))
    desk.goto(f"{live_server.url}/held/{study.pk}/?as=new_patient")

    expect(desk.get_by_label("Family name")).to_have_value("Novak")
    decide(desk)

    expect(desk.get_by_text("Filed with Jan Novak")).to_be_visible()
    assert state_of(study) == "linked"


def test_unknown_for_now_and_then_known(
    desk: Page, live_server: Any, held: Study, procedure: Procedure
) -> None:
    desk.goto(f"{live_server.url}/held/{held.pk}/?as=unknown")
    decide(desk)
    expect(desk.get_by_text("Patient not known yet").first).to_be_visible()
    assert state_of(held) == "unknown"

    desk.goto(f"{live_server.url}/held/{held.pk}/?as=other&text=berg")
    desk.get_by_role("link", name="Compare Tor Berg (B-2)").press("Enter")
    expect(desk.get_by_text("go from the placeholder to Tor Berg (B-2)")).to_be_visible()
    desk.keyboard.press("Enter")

    expect(desk.get_by_text("Nothing is held")).to_be_visible()
    held.refresh_from_db()
    assert held.order is not None
    assert (held.patient, held.order.patient) == (held.order.patient, held.patient)


def test_discard_and_take_it_back(desk: Page, live_server: Any, held: Study) -> None:
    desk.goto(f"{live_server.url}/held/{held.pk}/?as=discard")
    desk.keyboard.type("Phantom")
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("Nothing is held")).to_be_visible()
    assert state_of(held) == "discarded"

    undo = desk.get_by_role("button", name="Undo")
    undo.focus()
    desk.keyboard.press("Enter")

    expect(desk.get_by_role("heading", name="Whose images are these?")).to_be_visible()
    assert state_of(held) == "held"


# --- what happens meanwhile ---------------------------------------------------------------------------


def test_what_others_decide_is_said_and_what_is_typed_stays(
    desk: Page, live_server: Any, held: Study, order: Order
) -> None:
    desk.goto(f"{live_server.url}/held/{held.pk}/")
    reason = desk.get_by_label("Why they belong together all the same")
    reason.fill("half typed")
    resolve_held_study(held, by=make_everyone(), order=order, reason="Seen")

    desk.evaluate("document.getElementById('state').dispatchEvent(new CustomEvent('live'))")

    expect(desk.get_by_role("alert")).to_contain_text("Somebody was quicker")
    expect(reason).to_have_value("half typed")


def test_without_a_reason_nothing_is_filed_against_a_difference(
    desk: Page, live_server: Any, held: Study, order: Order
) -> None:
    desk.goto(f"{live_server.url}/held/{held.pk}/")

    desk.get_by_role("button", name=f"File with order {order.accession_number} of Sara Ahmed").click()

    assert desk.get_by_label("Why they belong together all the same").evaluate(
        "field => !field.validity.valid"
    )
    assert state_of(held) == "held"


# --- quarantine ---------------------------------------------------------------------------------------


@pytest.fixture
def rubbish() -> Quarantined:
    (dataset,) = slices(identity_of(make_patient()), 1)
    send_bytes(b"rubbish!", dataset)
    ingest_spool()
    return Quarantined.objects.get()


def test_quarantine_try_again_and_discard(desk: Page, live_server: Any, rubbish: Quarantined) -> None:
    desk.goto(f"{live_server.url}/held/quarantine/")
    desk.locator(f"#open-{rubbish.pk}").press("Enter")
    expect(desk.locator("#retry")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("it stays.")).to_be_visible()

    desk.get_by_text("Discard…").press("Enter")
    desk.get_by_label("Why").fill("Broken sender")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("button", name="Bring it back")).to_be_visible()
    rubbish.refresh_from_db()
    assert rubbish.settled_as == "discarded"

    desk.get_by_role("button", name="Bring it back").press("Enter")
    expect(desk.get_by_text("It is on the list again.")).to_be_visible()


def test_all_on_the_page_are_chosen_with_one_box(desk: Page, live_server: Any, rubbish: Quarantined) -> None:
    desk.goto(f"{live_server.url}/held/quarantine/")

    desk.get_by_label("Choose all on this page").press("Space")
    desk.get_by_text("Discard the chosen ones…").press("Enter")
    desk.get_by_label("Why").fill("Broken sender")
    desk.locator("#discard-chosen").press("Enter")

    expect(desk.get_by_text("Nothing is in quarantine.")).to_be_visible()


# --- for everybody ------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_with_images_are_usable_by_everybody(
    desk: Page, live_server: Any, held: Study, rubbish: Quarantined, theme: str
) -> None:
    order = make_order(status="scheduled")
    receive(*slices(identity_for(order), 10))
    paths = ["/held/", f"/orders/{order.pk}/", f"/patients/{order.patient_id}/"]
    paths += [f"/held/{held.pk}/?as={choice}" for choice in ("this", "other", "new_order", "new_patient")]
    paths += [f"/held/{held.pk}/?as=unknown", f"/held/{held.pk}/?as=discard"]
    paths += ["/held/quarantine/", f"/held/quarantine/{rubbish.pk}/"]

    problems = {path: found for path in paths if (found := problems_of(desk, live_server.url + path, theme))}

    assert problems == {}
