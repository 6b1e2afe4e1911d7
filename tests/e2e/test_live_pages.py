"""Pages that change by themselves while somebody works on them, and workstations that disagree."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from clinic.models import ClinicProfile, User
from clinic.permissions import Role
from scheduling import services
from scheduling.models import Appointment, Order
from tests.factories import make_appointment, make_everyone, make_order, make_station, make_user

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[..., Page]


@pytest.fixture
def sign_in(browser: Browser, live_server: Any) -> Iterator[SignIn]:
    """Opens workstations: ``sign_in(user)``. A script error on any of them fails the test."""
    errors: list[str] = []
    pages: list[Page] = []

    def open_page(user: User) -> Page:
        ClinicProfile.get()
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        context = browser.new_context(
            base_url=live_server.url, viewport={"width": 1366, "height": 768}, timezone_id="UTC"
        )
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.goto("about:blank")
        page.wait_for_timeout(200)  # the server must be at rest before the tables are emptied
        page.context.close()
    assert errors == []


def refresh(page: Page, element: str) -> None:
    """What static/clinic/live.js does when the server announces a change; until it has been fetched."""
    with page.expect_response(lambda answer: answer.request.headers.get("x-cedar-background") == "1"):
        page.evaluate("id => document.getElementById(id).dispatchEvent(new CustomEvent('live'))", element)
    page.wait_for_function("() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')")


def test_a_card_moves_by_itself_while_keyboard_and_scroll_stay(sign_in: SignIn) -> None:
    station = make_station()
    start = timezone.now()
    visits = [
        make_appointment(station=station, starts_at=start + dt.timedelta(minutes=20 * number))
        for number in range(8)
    ]
    page = sign_in(make_user(Role.TECHNICIAN, Role.RECEPTIONIST))
    page.goto("/board/?view=columns&all=1")
    expect(page.locator("#connection")).to_be_visible()  # this server has no sockets; now nothing moves
    page.locator(f"#visit-{visits[6].pk}-link").focus()
    page.evaluate("window.scrollTo(0, 300)")

    services.check_in_appointment(Appointment.objects.get(pk=visits[0].pk), by=make_everyone())
    refresh(page, "board")

    expect(page.locator(f"#column-waiting #visit-{visits[0].pk}")).to_have_count(1)
    assert page.evaluate("[document.activeElement.id, Math.round(window.scrollY)]") == [
        f"visit-{visits[6].pk}-link",
        300,
    ]


def test_what_is_half_typed_marked_or_open_survives(sign_in: SignIn) -> None:
    visit = make_appointment()
    page = sign_in(make_user(Role.RECEPTIONIST))
    page.goto("/board/")
    part = (
        "<div id='part'><input id='note'><details id='more'><summary>x</summary></details>"
        "<dialog id='sure'>?</dialog></div>"
    )
    page.evaluate("part => { document.getElementById('board').innerHTML = part }", part)
    page.route("**/board/**", lambda route: route.fulfill(body=part))
    page.locator("#note").fill("half typed")
    page.evaluate("document.getElementById('note').setSelectionRange(2, 6)")
    page.evaluate("document.getElementById('more').open = true")

    refresh(page, "board")
    typed = page.evaluate(
        """() => { const note = document.getElementById("note");
            return [note.value, note.selectionStart, note.selectionEnd, document.activeElement.id,
                    document.getElementById("more").open] }"""
    )
    page.evaluate("document.getElementById('sure').showModal()")
    refresh(page, "board")

    assert typed == ["half typed", 2, 6, "note", True]
    assert page.evaluate("document.getElementById('sure').matches(':modal')")
    assert Appointment.objects.get(pk=visit.pk).status == "booked"


def test_a_button_that_is_being_pressed_is_not_pulled_away(sign_in: SignIn) -> None:
    visit = make_appointment()
    other = make_appointment(make_order(), starts_at=timezone.now() + dt.timedelta(minutes=20))
    page = sign_in(make_user(Role.RECEPTIONIST))
    page.goto("/board/?view=columns")
    page.locator(f"#visit-{visit.pk}-main").hover()

    page.mouse.down()
    services.check_in_appointment(other, by=make_everyone())
    refresh(page, "board")
    page.mouse.up()

    expect(page.locator("#messages")).to_contain_text("is checked in")
    assert Appointment.objects.get(pk=visit.pk).status == "waiting"


def test_waiting_times_go_on_by_themselves(sign_in: SignIn) -> None:
    visit = make_appointment(status="waiting")
    page = sign_in(make_user(Role.TECHNICIAN))
    page.clock.install()
    page.goto("/board/?view=columns")
    wait = page.locator(f"#visit-{visit.pk} .wait")
    expect(wait).to_contain_text("min")

    page.clock.fast_forward(16 * 60_000 + 30_000)

    expect(wait).to_have_attribute("data-age", "amber")
    expect(wait).to_contain_text("1")


def test_a_silent_server_is_noticed_and_the_page_says_since_when(sign_in: SignIn) -> None:
    """As when a cable is pulled: the socket stays open, and nobody answers."""
    make_appointment()
    server = {"answers": True}
    page = sign_in(make_user(Role.RECEPTIONIST))

    def serve(socket: WebSocketRoute) -> None:
        socket.on_message(lambda _asked: socket.send('{"topic": "pulse"}') if server["answers"] else None)
        if not server["answers"]:
            socket.close()

    page.route_web_socket("**/ws/live/**", serve)
    page.clock.install(time=dt.datetime(2026, 11, 21, 10, 42, tzinfo=dt.UTC))
    page.goto("/board/")
    banner = page.locator("#connection")
    page.wait_for_function("() => document.documentElement.dataset.connected === 'yes'")
    expect(banner).to_be_hidden()

    server["answers"] = False
    for _ in range(4):
        page.clock.run_for(10_000)
    expect(banner).to_contain_text("Connection lost, last update 10:42")
    server["answers"] = True
    page.clock.run_for(6_000)

    expect(banner).to_be_hidden()


def test_of_two_radiologists_who_claim_at_once_one_is_told_who_has_it(sign_in: SignIn) -> None:
    order = make_order(status="acquired")
    quick, slow = (sign_in(make_user(Role.RADIOLOGIST, full_name=name)) for name in ("Dr Quick", "Dr Slow"))
    for page in (quick, slow):
        page.goto("/reading/")

    quick.locator(f"#go-{order.pk}").click()
    quick.wait_for_url(f"**/reading/{order.pk}/")
    slow.locator(f"#go-{order.pk}").click()

    expect(slow.locator("#messages")).to_contain_text("Dr Quick is reading this study already.")
    refresh(slow, "reading")
    expect(slow.locator(f"#order-{order.pk}")).to_contain_text("Dr Quick")
    assert Order.objects.get(pk=order.pk).reader.full_name == "Dr Quick"


def test_the_front_desk_finds_somebody_and_notes_who_did_not_come(sign_in: SignIn) -> None:
    visit = make_appointment()
    make_appointment(make_order(), starts_at=timezone.now() + dt.timedelta(minutes=20))
    page = sign_in(make_user(Role.RECEPTIONIST))
    page.goto("/board/")

    page.keyboard.press("/")
    page.keyboard.type(visit.patient.mrn)
    expect(page.locator(".visit")).to_have_count(1)
    page.keyboard.press("Enter")
    page.keyboard.press("m")
    page.get_by_role("button", name="Did not come").click()

    expect(page.locator("#messages")).to_contain_text("did not come")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#messages")).to_contain_text("is at “Booked” again")
    assert f"find={visit.patient.mrn}" in page.url


def test_a_technician_works_through_her_list_by_keyboard(sign_in: SignIn) -> None:
    station = make_station()
    start = timezone.now()
    first, second = (
        make_appointment(station=station, status="waiting", starts_at=start + dt.timedelta(minutes=20 * n))
        for n in (0, 1)
    )
    page = sign_in(make_user(Role.TECHNICIAN))
    page.goto(f"/examinations/{first.pk}/")

    for state in ("In the room", "Being examined", "To be read"):
        page.keyboard.press("s")
        expect(page.locator(".exam-head__state .chip").first).to_have_text(state)
    page.keyboard.press("n")

    page.wait_for_url(f"**/examinations/{second.pk}/")
    expect(page.get_by_role("heading", level=1)).to_have_text(second.patient.display_name)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_can_be_used_by_everybody(sign_in: SignIn, theme: str) -> None:
    station = make_station()
    start = timezone.now()
    for number, status in enumerate(["in_scan", "booked", "waiting", "review", "completed", "no_show"]):
        make_appointment(
            make_order(priority=["stat", "urgent", "routine"][number % 3]),
            station=station,
            starts_at=start + dt.timedelta(minutes=20 * number),
            status=status,
        )
    page = sign_in(make_everyone())
    page.goto("/board/")
    page.evaluate("theme => localStorage.setItem('cedar-theme', theme)", theme)

    problems = {}
    for path in ("/board/?view=list", "/board/stuck/", "/reading/", "/reading/subspecialty/"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        for details in page.locator("details").all():
            details.evaluate("element => { element.open = true }")
        found = Axe().run(page).response["violations"]
        serious = [
            f"{one['id']}: {one['nodes'][0]['html'][:160]}"
            for one in found
            if one["impact"] in {"serious", "critical"}
        ]
        if serious:
            problems[path] = serious

    assert problems == {}
