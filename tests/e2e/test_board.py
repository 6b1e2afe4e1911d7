"""Board, walk-in, booking and examination in a real browser: by keyboard, and usable by everybody."""

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinic.models import ClinicProfile
from scheduling import services
from scheduling.models import Appointment, Order
from tests.factories import (
    make_appointment,
    make_everyone,
    make_order,
    make_patient,
    make_procedure,
    make_station,
)

pytestmark = pytest.mark.django_db(transaction=True)


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
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
    )
    page.set_viewport_size({"width": 1366, "height": 768})
    yield page
    # The server must be at rest before the tables are emptied.
    page.wait_for_load_state("networkidle")
    page.goto("about:blank")
    page.wait_for_timeout(300)
    assert errors == []


def card(page: Page, visit: Appointment, column: str) -> Any:
    return page.locator(f".column[data-status={column}] #visit-{visit.pk}")


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.id")


def wait_for_focus(page: Page, element: str) -> None:
    """Until ``element`` has the focus and htmx has taken care of what it put into the page."""
    settled = "!document.querySelector('.htmx-request, .htmx-added, .htmx-settling')"
    page.wait_for_function(f"id => document.activeElement.id === id && {settled}", arg=element, timeout=5000)


def test_a_patient_goes_through_the_board_by_keyboard(desk, live_server):
    visit = make_appointment()
    desk.goto(f"{live_server.url}/board/")

    desk.locator(f"#visit-{visit.pk}-main").focus()
    for column in ("waiting", "in_room", "in_scan"):
        desk.keyboard.press("Enter")
        expect(card(desk, visit, column)).to_be_visible()
        wait_for_focus(desk, f"visit-{visit.pk}-main")
    desk.keyboard.press("Enter")

    expect(card(desk, visit, "review")).to_be_visible()
    expect(desk.locator("#messages")).to_contain_text("is ready for review")
    wait_for_focus(desk, f"visit-{visit.pk}-link")


def test_a_step_is_undone_from_its_message(desk, live_server):
    visit = make_appointment()
    desk.goto(f"{live_server.url}/board/")
    desk.locator(f"#visit-{visit.pk}-main").click()

    desk.get_by_role("button", name="Undo").click()

    expect(card(desk, visit, "booked")).to_be_visible()


def test_an_open_menu_stays_open_while_others_work(desk, live_server):
    station = make_station()
    visit = make_appointment(station=station)
    other = make_appointment(station=station, starts_at=visit.starts_at + dt.timedelta(minutes=20))
    desk.goto(f"{live_server.url}/board/")
    desk.locator(f"#visit-{visit.pk}-more").click()

    services.check_in_appointment(other, by=make_everyone())
    desk.evaluate("document.body.dispatchEvent(new Event('moved'))")

    expect(card(desk, other, "waiting")).to_be_visible()
    expect(desk.locator(f"#visit-{visit.pk}-menu")).to_have_attribute("open", "")
    desk.keyboard.press("Escape")
    expect(desk.locator(f"#visit-{visit.pk}-menu")).not_to_have_attribute("open", "")


def test_a_stale_board_says_what_is_true_and_shows_it(desk, live_server):
    visit = make_appointment()
    desk.goto(f"{live_server.url}/board/")
    services.mark_no_show(Appointment.objects.get(pk=visit.pk), by=make_everyone())

    desk.locator(f"#visit-{visit.pk}-main").click()

    expect(desk.locator("#messages")).to_contain_text("is now “Did not come”")
    assert Appointment.objects.get(pk=visit.pk).status == "no_show"


def test_the_arrow_keys_walk_over_the_cards(desk, live_server):
    station = make_station()
    start = timezone.now()
    booked = [
        make_appointment(station=station, starts_at=start + dt.timedelta(minutes=20 * n)) for n in (0, 1)
    ]
    waiting = make_appointment(station=station, starts_at=start + dt.timedelta(minutes=40), status="waiting")
    desk.goto(f"{live_server.url}/board/")
    desk.locator(f"#visit-{booked[0].pk}-link").focus()

    way = []
    for key in ("ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft"):
        desk.keyboard.press(key)
        way.append(focused(desk))

    assert way == [f"visit-{visit.pk}-link" for visit in (booked[1], booked[0], waiting, booked[0])]


def test_a_walk_in_by_keyboard(desk, live_server):
    make_station(name="X-ray 1")
    make_procedure(code="XR-C", name="Chest X-ray")
    desk.goto(f"{live_server.url}/walk-in/")

    desk.get_by_label("Family name").fill("Okafor")
    desk.get_by_label("Given name").fill("Chidi")
    desk.get_by_label("Birth date or age").fill("12 Mar 1971")
    desk.get_by_label("Sex").select_option("M")
    desk.get_by_label("Examination", exact=True).fill("chest")
    desk.get_by_label("Reason for the examination").fill("Cough")
    desk.keyboard.press("Enter")

    desk.wait_for_url(re.compile("/board/$"))
    expect(desk.locator("#messages")).to_contain_text("Chidi Okafor")
    expect(desk.locator(".column[data-status=waiting] .visit")).to_contain_text("Okafor, Chidi")


def test_a_mistake_in_a_walk_in_keeps_what_was_typed(desk, live_server):
    make_station()
    make_procedure(name="Chest X-ray")
    desk.goto(f"{live_server.url}/walk-in/")
    desk.get_by_label("Family name").fill("Okafor")
    desk.get_by_label("Examination", exact=True).fill("knee")

    desk.get_by_role("button", name="Check in now").click()

    expect(desk.get_by_text("Nothing in the list is called “knee”.")).to_be_visible()
    expect(desk.get_by_label("Family name")).to_have_value("Okafor")


def test_a_time_is_chosen_on_another_day(desk, live_server):
    make_station(opens_at=dt.time(0), closes_at=dt.time(23, 59))
    order = make_order()
    desk.goto(f"{live_server.url}/orders/{order.pk}/book/")

    other = desk.locator(".days__day:not([aria-current])").first
    day = desk.locator(f"#{other.get_attribute('id')}")
    day.click()
    expect(day).to_have_attribute("aria-current", "date")
    desk.locator(".slot").first.click()

    expect(desk.get_by_text(f"{order.patient.display_name} is booked.")).to_be_visible()
    order.refresh_from_db()
    assert order.appointment.starts_at.date() == timezone.localdate() + dt.timedelta(days=1)


def test_a_time_that_was_taken_meanwhile_names_who_has_it(desk, live_server):
    station = make_station(opens_at=dt.time(0), closes_at=dt.time(23, 59))
    order, quicker = make_order(), make_order()
    desk.goto(f"{live_server.url}/orders/{order.pk}/book/")
    slot = desk.locator(".slot").first
    starts_at = dt.datetime.fromisoformat(slot.get_attribute("value"))
    services.book_appointment(
        quicker.patient, by=make_everyone(), station=station, starts_at=starts_at, orders=[quicker]
    )

    slot.click()

    expect(desk.locator("#messages")).to_contain_text(f"That time is taken: {quicker.patient}")
    assert Order.objects.get(pk=order.pk).status == "ordered"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_can_be_used_by_everybody(desk, live_server, theme):
    patient = make_patient(alerts="Penicillin", family_name="Silva")
    procedure = make_procedure(safety_questions=["Pregnant?"], protocol_notes="Two views")
    station = make_station()
    start = timezone.now()
    statuses = ["in_scan", "booked", "waiting", "in_room", "review", "completed", "no_show", "cancelled"]
    visits = [
        make_appointment(
            make_order(patient, procedure=procedure, priority=["stat", "urgent", "routine"][number % 3]),
            station=station,
            starts_at=start + dt.timedelta(minutes=20 * number),
            status=status,
        )
        for number, status in enumerate(statuses)
    ]
    order = visits[0].orders.get()
    waiting = make_order(patient)
    pages = [
        "/board/",
        "/walk-in/",
        f"/walk-in/?patient={patient.pk}",
        "/calendar/",
        "/calendar/?view=week",
        "/examinations/",
        f"/examinations/{visits[0].pk}/",
        f"/orders/new/{patient.pk}/",
        f"/orders/{order.pk}/",
        f"/orders/{order.pk}/cancel/",
        f"/orders/{visits[4].orders.get().pk}/repeat/",
        f"/orders/{waiting.pk}/book/",
        f"/appointments/{visits[1].pk}/other-time/",
        f"/appointments/{visits[1].pk}/sheet/",
    ]
    desk.goto(f"{live_server.url}/board/")
    desk.evaluate("theme => localStorage.setItem('cedar-theme', theme)", theme)

    problems = {}
    for path in pages:
        desk.goto(live_server.url + path)
        for details in desk.locator("details").all():
            details.evaluate("element => { element.open = true }")
        found = Axe().run(desk).response["violations"]
        serious = [
            f"{one['id']}: {one['nodes'][0]['html'][:160]}"
            for one in found
            if one["impact"] in {"serious", "critical"}
        ]
        if serious:
            problems[path] = serious

    assert problems == {}
