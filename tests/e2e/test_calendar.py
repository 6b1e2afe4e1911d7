"""Calendar, calls and safety questions in a real browser: by keyboard, by mouse, and usable by everybody."""

import datetime as dt
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
from scheduling.models import Appointment, Consultant, Message, Order, SafetyAnswer, SafetyQuestion
from tests.factories import (
    book,
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


def tomorrow(hour: int, minute: int = 0) -> dt.datetime:
    day = timezone.now() + dt.timedelta(days=1)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)


def open_calendar(page: Page, live_server: Any) -> None:
    page.goto(f"{live_server.url}/calendar/?day={tomorrow(8):%Y-%m-%d}")
    expect(page.locator(".slot-free[tabindex='0'], .slot-visit[tabindex='0']")).to_have_count(1)


def free(page: Page, at: dt.datetime, lane: int = 0) -> Any:
    return page.locator(f"#free-{lane}-{at.hour * 4 + at.minute // 15}")


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']} {one['nodes'][0]['html'][:150]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def test_a_free_time_is_found_and_booked_by_keyboard_alone(desk, live_server):
    station = make_station(name="X-ray 1")
    make_station(name="X-ray 2")
    patient = make_patient(family_name="Okafor", given_name="Chidi")
    make_procedure(name="Chest X-ray", code="XC")
    open_calendar(desk, live_server)

    free(desk, tomorrow(8)).focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft"):
        desk.keyboard.press(key)
    expect(free(desk, tomorrow(8, 30))).to_be_focused()
    desk.keyboard.press("Enter")
    expect(desk.get_by_label("Whom?")).to_be_focused()
    desk.keyboard.type("okafor")
    expect(desk.locator("#found a")).to_have_count(1)
    desk.keyboard.press("Tab")
    desk.keyboard.press("Enter")
    expect(desk.get_by_label("Examination", exact=True)).to_be_focused()
    desk.keyboard.type("XC")
    desk.keyboard.press("Tab")
    desk.keyboard.type("Cough")
    desk.keyboard.press("Enter")

    expect(desk.locator("#content")).to_contain_text("Chidi Okafor is booked.")
    visit = Appointment.objects.get()
    assert (visit.patient, visit.station, visit.starts_at) == (patient, station, tomorrow(8, 30))


def test_a_visit_is_moved_by_keyboard_and_taken_back(desk, live_server):
    make_station(name="X-ray 0")
    station = make_station(name="X-ray 1")
    visit = book(make_order(), station=station, starts_at=tomorrow(9))
    open_calendar(desk, live_server)

    desk.locator(f"#calendar-{visit.pk}").focus()
    desk.keyboard.press("m")
    expect(desk.locator("#moving")).to_contain_text(visit.patient.display_name)
    assert serious(desk) == []
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("Enter")

    expect(desk.locator("#messages")).to_contain_text("The call is on the list.")
    assert Appointment.objects.get().starts_at == tomorrow(9, 30)
    assert Message.objects.get(status="waiting").kind == "moved"
    expect(free(desk, tomorrow(9), lane=1)).to_be_visible()
    desk.get_by_role("button", name="Undo").click()
    expect(desk.locator("#messages")).to_contain_text("09:00")
    assert Appointment.objects.get().starts_at == tomorrow(9)


def test_escape_leaves_the_visit_where_it_is(desk, live_server):
    visit = book(make_order(), station=make_station(), starts_at=tomorrow(9))
    open_calendar(desk, live_server)

    desk.locator(f"#calendar-{visit.pk}").focus()
    desk.keyboard.press("m")
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("Escape")

    expect(desk.locator("#moving")).to_be_hidden()
    expect(desk.locator(f"#calendar-{visit.pk}")).to_be_focused()


def test_a_visit_is_dragged_to_another_station(desk, live_server):
    station, other = make_station(name="X-ray 1"), make_station(name="X-ray 2")
    visit = book(make_order(), station=station, starts_at=tomorrow(9))
    open_calendar(desk, live_server)

    desk.locator(f"#calendar-{visit.pk}").drag_to(free(desk, tomorrow(10), lane=1))

    expect(desk.locator("#messages")).to_contain_text("is now on")
    expect(free(desk, tomorrow(9), lane=0)).to_be_visible()
    moved = Appointment.objects.get()
    assert (moved.station, moved.starts_at) == (other, tomorrow(10))


def test_a_time_that_was_just_taken_is_refused_with_who_has_it(desk, live_server):
    station = make_station()
    visit = book(make_order(), station=station, starts_at=tomorrow(9))
    open_calendar(desk, live_server)
    desk.locator(f"#calendar-{visit.pk}").focus()
    desk.keyboard.press("m")
    desk.route("**/calendar/**", lambda route: route.abort())  # the page does not hear of it
    quicker = book(make_order(), station=station, starts_at=tomorrow(9, 15))

    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("Enter")

    expect(desk.locator("#messages")).to_contain_text(f"That time is taken: {quicker.patient}")
    assert Appointment.objects.get(pk=visit.pk).starts_at == tomorrow(9)


def test_a_consultation_from_the_calendar_to_its_end(desk, live_server):
    doctor = make_everyone()
    Consultant.objects.create(doctor=doctor)
    patient = make_patient(family_name="Silva", given_name="Ana")
    open_calendar(desk, live_server)

    free(desk, tomorrow(10)).click()
    desk.get_by_label("Whom?").fill("silva")
    desk.locator("#found a").click()
    desk.get_by_label("What it is about").fill("Biopsy result")
    assert serious(desk) == []
    desk.keyboard.press("Enter")
    expect(desk.locator("#content")).to_contain_text("Ana Silva is booked.")
    visit = Appointment.objects.get()
    Appointment.objects.update(starts_at=timezone.now(), ends_at=timezone.now() + dt.timedelta(minutes=20))
    desk.goto(f"{live_server.url}/board/")
    desk.get_by_role("button", name="Check in").click()
    desk.get_by_role("button", name="Done").click()

    expect(desk.locator(f".column[data-status=completed] #visit-{visit.pk}")).to_be_visible()
    done = Appointment.objects.get()
    assert (done.patient, done.doctor, done.status) == (patient, doctor, "completed")


def test_an_examination_waits_for_its_safety_questions(desk, live_server):
    SafetyQuestion.objects.create(text="Do you have a pacemaker?", is_critical=True, position=1)
    procedure = make_procedure(safety_questions=["Do you have a pacemaker?", "Are you allergic?"])
    visit = make_appointment(make_order(procedure=procedure), status="in_room")
    desk.goto(f"{live_server.url}/examinations/{visit.pk}/")

    desk.locator("#step-main").click()
    expect(desk.locator("#messages")).to_contain_text("not answered yet: Do you have a pacemaker?")
    assert serious(desk) == []
    pacemaker = desk.get_by_role("radiogroup", name="Do you have a pacemaker?")
    pacemaker.get_by_label("Yes").check()
    desk.get_by_role("radiogroup", name="Are you allergic?").get_by_label("No", exact=True).check()
    desk.get_by_role("button", name="Keep the answers").click()
    expect(desk.locator("#messages")).to_contain_text("Say why it may be done nevertheless.")
    desk.get_by_label("It may be done nevertheless because").fill("MR conditional, card seen")
    desk.get_by_role("button", name="Keep the answers").click()
    expect(desk.locator(".safety__answers")).to_contain_text("Done nevertheless: MR conditional, card seen")
    assert serious(desk) == []
    desk.locator("#step-main").click()

    expect(desk.locator("#messages")).to_contain_text("is being examined")
    assert SafetyAnswer.objects.get(is_critical=True).accepted_reason == "MR conditional, card seen"


def test_who_did_not_come_is_called_back_and_booked_again(desk, live_server):
    station = make_station(opens_at=dt.time(8), closes_at=dt.time(18))
    visit = book(make_order(), station=station)
    desk.goto(f"{live_server.url}/board/")
    desk.locator(f"#visit-{visit.pk}-more").click()
    desk.get_by_role("button", name="Did not come").click()
    expect(desk.locator("#messages")).to_contain_text("did not come")

    desk.goto(f"{live_server.url}/calls/back/")
    row = desk.locator(f"#back-{visit.pk}")
    row.get_by_label("Note on the call").fill("Mailbox")
    row.get_by_role("button", name="Not reached").click()
    expect(row).to_contain_text("Not reached: Mailbox")
    assert serious(desk) == []
    row.get_by_role("link", name="Book again").click()
    desk.locator(f"#day-{tomorrow(8):%Y-%m-%d}").click()
    desk.locator(f"#slot-{tomorrow(8):%Y%m%d}0800").click()
    expect(desk.locator("#content")).to_contain_text("is booked.")
    desk.goto(f"{live_server.url}/calls/back/")

    expect(desk.locator("#calls")).to_contain_text("Nobody waits for a new date.")
    assert Order.objects.get().appointment.starts_at == tomorrow(8)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_can_be_used_by_everybody(desk, live_server, theme):
    station = make_station(break_from=dt.time(12), break_until=dt.time(13))
    doctor = make_everyone()
    Consultant.objects.create(doctor=doctor)
    for number, status in enumerate(["booked", "waiting", "in_scan", "review", "completed"]):
        make_appointment(station=station, status=status, starts_at=tomorrow(8 + number))
    visit = book(make_order(procedure=make_procedure(signature="always")), starts_at=tomorrow(14))
    Order.objects.update(signed_at=None, signed_by=None)
    make_appointment(status="no_show", station=station)
    services.add_closure(
        by=doctor, starts_at=tomorrow(14), ends_at=tomorrow(15), reason="Staff meeting", despite_visits=True
    )
    day = f"{tomorrow(8):%Y-%m-%d}"
    pages = [
        f"/calendar/?day={day}",
        f"/calendar/?view=week&day={day}&station={station.pk}",
        f"/calendar/day-list/?day={day}",
        f"/calendar/book/?station={station.pk}&at={day}T16:00",
        f"/calendar/book/?doctor={doctor.pk}&at={day}T16:00&patient={visit.patient_id}",
        "/calendar/closed/",
        "/calls/",
        "/calls/back/",
        "/orders/to-sign/",
        "/rooms/first/",
        f"/appointments/{visit.pk}/other-time/",
    ]
    desk.goto(f"{live_server.url}/account/")
    desk.evaluate("theme => localStorage.setItem('cedar-theme', theme)", theme)

    found = {}
    for path in pages:
        desk.goto(live_server.url + path)
        found[path] = serious(desk)

    assert {path: problems for path, problems in found.items() if problems} == {}
