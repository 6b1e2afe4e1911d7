"""The report editor in a real browser: no text is lost, whatever network, session and windows do."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from clinic.models import User
from reporting.models import Report, ReportVersion
from scheduling.orders import claim_order, hand_back_order, mark_acquired
from tests.e2e.phantoms import wedge
from tests.e2e.reporting.desk import SIZES, Desk, saved
from tests.factories import make_everyone, make_order, make_patient
from tests.imaging.sender import identity_for, receive
from tests.reporting.factories import PASSWORD, make_reader, make_signed_report

BUNDLE = Path(__file__).resolve().parents[3] / "static/build/viewer/viewer.js"
pytestmark = pytest.mark.django_db(transaction=True)


# --- writing ----------------------------------------------------------------------------------------
def test_typing_saves_itself_and_says_when(desk: Desk, report: Report) -> None:
    desk.type("findings", "Clear ").press("Control+b")
    desk.page.keyboard.type("lungs")

    desk.is_in_state("unsaved").is_in_state("saved")

    expect(desk.page.locator("#save-state")).to_have_text(re.compile(r"Saved \d\d:\d\d"))
    assert saved(report)["findings"] == "<p>Clear <strong>lungs</strong></p>"


def test_opening_and_looking_saves_nothing(desk: Desk, report: Report) -> None:
    desk.section("findings").click()
    desk.press("Tab", "Escape")

    desk.page.wait_for_timeout(2500)

    report.refresh_from_db()
    assert report.revision == 0


def test_markup_that_is_typed_is_text(desk: Desk, report: Report) -> None:
    desk.type("impression", "<img src=x onerror=alert(1)><script>alert(1)</script>").is_in_state("saved")

    assert saved(report)["impression"] == (
        "<p>&lt;img src=x onerror=alert(1)&gt;&lt;script&gt;alert(1)&lt;/script&gt;</p>"
    )


def test_markup_that_is_pasted_is_cleaned(desk: Desk, report: Report) -> None:
    desk.section("findings").click()
    desk.page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.setData("text/html", '<h1>Head</h1><table><tr><td onclick="x()">cell</td></tr></table>'
            + '<img src="https://example.org/x.png"><script>alert(1)</script><b>bold</b>');
          const paste = new ClipboardEvent("paste", {clipboardData: data, bubbles: true});
          document.activeElement.dispatchEvent(paste);
        }"""
    )
    desk.is_in_state("saved")

    # The policy itself reports the handler that it did not run.
    desk.complaints = [text for text in desk.complaints if "inline event handler" not in text]
    html = saved(report)["findings"]
    assert re.findall(r"<(\w+)", html) == ["p", "p", "p", "strong"]
    assert re.sub(r"<[^>]+>", " ", html).split() == ["Head", "cell", "bold"]


def test_normal_text_goes_into_one_section_or_into_all_empty_ones(desk: Desk, report: Report) -> None:
    desk.press("Alt+r", "Alt+n")
    expect(desk.section("findings")).to_contain_text("Costophrenic angles are sharp.")
    expect(desk.section("impression")).to_have_text("")

    desk.press("Alt+Shift+N").is_in_state("saved")

    content = saved(report)
    assert content["impression"] == "<p>No acute cardiopulmonary abnormality.</p>"
    assert content["technique"] == "<p>Radiograph of the chest.</p>"


# --- the connection is gone -------------------------------------------------------------------------
def test_text_typed_without_a_connection_is_kept_and_saved_when_it_is_back(
    desk: Desk, report: Report
) -> None:
    desk.type("findings", "Before").is_in_state("saved")
    desk.context.set_offline(True)

    desk.type("findings", " and during the cut").is_in_state("offline")
    expect(desk.page.locator("#save-problem")).to_contain_text("Your text is kept on this computer")
    desk.type("impression", "More").context.set_offline(False)
    desk.is_in_state("saved")

    assert saved(report)["findings"] == "<p>Before and during the cut</p>"
    assert saved(report)["impression"] == "<p>More</p>"
    assert (
        desk.page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('cedar-report'))") == []
    )


def test_window_closed_without_a_connection_finds_its_text_again(desk: Desk, report: Report) -> None:
    desk.page.route("**/save/", lambda route: route.abort())
    desk.type("findings", "Written into the dark").is_in_state("offline")
    desk.page.unroute("**/save/")

    desk.page.reload()
    desk.ready().is_in_state("saved")

    expect(desk.section("findings")).to_have_text("Written into the dark")
    assert saved(report)["findings"] == "<p>Written into the dark</p>"


def test_text_of_a_crashed_window_is_found_by_a_new_one(
    desk: Desk, make_desk: Callable[..., Desk], report: Report
) -> None:
    desk.page.route("**/save/", lambda route: route.abort())
    desk.type("findings", "Lost window").is_in_state("offline")
    desk.page.close()
    # A window that is gone shows no sign of life any more: let the time pass that says so.
    other = make_desk(desk.context)
    other.page.add_init_script("const now = Date.now; Date.now = () => now() + 60_000;")

    other.open(report.order).is_in_state("saved")

    assert saved(report)["findings"] == "<p>Lost window</p>"


def test_server_that_fails_is_asked_again(desk: Desk, report: Report) -> None:
    failures = iter(range(2))
    desk.page.route(
        "**/save/",
        lambda route: (
            route.fulfill(status=502, body="Bad gateway")
            if next(failures, None) is not None
            else route.continue_()
        ),
    )

    desk.type("findings", "Patience").is_in_state("offline").is_in_state("saved")

    assert saved(report)["findings"] == "<p>Patience</p>"


def test_retries_are_background_and_typing_is_not(desk: Desk) -> None:
    headers: list[str | None] = []

    def fail(route: Any) -> None:
        headers.append(route.request.headers.get("x-cedar-background"))
        route.abort() if len(headers) < 2 else route.continue_()

    desk.page.route("**/save/", fail)

    desk.type("findings", "x").is_in_state("offline").is_in_state("saved")

    assert headers == [None, "1"]


def test_session_that_ended_keeps_the_text_until_signed_in_again(
    desk: Desk, report: Report, client: Any, reader: User
) -> None:
    Session.objects.all().delete()

    desk.type("findings", "Still here").is_in_state("offline")
    expect(desk.page.locator("#save-problem")).to_contain_text("You were signed out.")
    client.cookies.clear()
    client.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")
    desk.context.add_cookies(
        [{"name": name, "value": cookie.value, "url": desk.base} for name, cookie in client.cookies.items()]
    )
    desk.is_in_state("saved")

    assert saved(report)["findings"] == "<p>Still here</p>"


# --- two texts --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("button", "kept", "set_aside"),
    [("Go on with mine", "Mine", {"Theirs", "Mine"}), ("Go on with the saved one", "Theirs", {"Mine"})],
)
def test_two_windows_that_write_see_both_texts(
    desk: Desk, make_desk: Callable[..., Desk], report: Report, button: str, kept: str, set_aside: set[str]
) -> None:
    other = make_desk().open(report.order)
    other.type("findings", "Theirs").is_in_state("saved")

    desk.type("findings", "Mine").is_in_state("conflict")
    panel = desk.page.get_by_role("alertdialog")
    expect(panel.locator("[data-mine]")).to_contain_text("Mine")
    expect(panel.locator("[data-theirs]")).to_contain_text("Theirs")
    panel.get_by_role("button", name=button).click()
    desk.is_in_state("saved")

    expect(desk.section("findings")).to_have_text(kept)
    assert saved(report)["findings"] == f"<p>{kept}</p>"
    texts = {text.content["findings"] for text in report.set_aside.all()}
    assert texts == {f"<p>{text}</p>" for text in set_aside}


def test_study_taken_away_while_writing_sets_the_text_aside(desk: Desk, report: Report, reader: User) -> None:
    other = make_reader(full_name="Dr Other")
    hand_back_order(report.order, by=other, reason="Reader is ill")
    claim_order(report.order, by=other)

    desk.type("findings", "Too late").is_in_state("conflict")

    panel = desk.page.get_by_role("alertdialog")
    expect(panel).to_contain_text("Dr Other is reading this study. You can only look on.")
    expect(panel.get_by_role("button")).to_have_count(0)
    assert report.set_aside.get().content["findings"] == "<p>Too late</p>"


# --- signing ----------------------------------------------------------------------------------------
def test_normal_chest_is_reported_and_signed_with_the_keyboard_alone(
    make_desk: Callable[..., Desk], reader: User
) -> None:
    order = make_order(status="acquired")
    desk = make_desk()
    desk.page.goto(f"{desk.base}/reading/")

    desk.press("n").ready().press("Alt+Shift+N", "Control+Enter")
    expect(desk.page.locator("#sign-password")).to_be_focused()
    desk.page.keyboard.type(PASSWORD)
    desk.press("Enter")
    desk.page.wait_for_url(re.compile(r"/reports/\d+/"))

    version = ReportVersion.objects.get()
    order.refresh_from_db()
    texts = {section["key"]: section["html"] for section in version.content["sections"]}
    assert (version.signed_by, order.status) == (reader, "reported")
    assert texts["impression"] == "<p>No acute cardiopulmonary abnormality.</p>"


def test_left_against_right_warns_and_is_signed_anyway(make_desk: Callable[..., Desk], reader: User) -> None:
    order = make_order(indication="Pain in the left knee", status="reading", reader=reader)
    desk = make_desk().open(order)

    desk.type("impression", "Normal right knee.").press("Control+Enter")
    dialog = desk.page.locator("#sign-dialog")
    expect(dialog).to_contain_text("The request says “left”, the impression only “right”.")
    dialog.get_by_label("Your password").fill("wrong")
    dialog.get_by_role("button", name="Sign anyway").click()
    expect(dialog).to_contain_text("The password is wrong; nothing was signed.")
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign anyway").click()
    desk.page.wait_for_url(re.compile(r"/reports/\d+/"))

    assert ReportVersion.objects.count() == 1


def test_last_words_are_signed_though_typed_just_before(desk: Desk) -> None:
    desk.type("impression", "Normal.").press("Control+Enter")
    desk.page.locator("#sign-password").fill(PASSWORD)
    desk.press("Enter")
    desk.page.wait_for_url(re.compile(r"/reports/\d+/"))

    expect(desk.page.locator(".report-text")).to_contain_text("Normal.")


# --- images, looks ----------------------------------------------------------------------------------
@pytest.mark.skipif(not BUNDLE.exists(), reason="needs the built viewer: python3 manage.py test builds it")
def test_key_image_goes_from_the_viewer_into_the_report(make_desk: Callable[..., Desk], reader: User) -> None:
    order = make_order(status="scheduled")
    receive(wedge(identity_for(order)))
    mark_acquired(order, by=make_everyone())
    claim_order(order, by=reader)
    desk = make_desk().open(order)
    expect(desk.page.locator("#viewer[data-ready]")).to_be_attached()
    expect(desk.page.locator(".pane[aria-busy=true]")).to_have_count(0)

    desk.section("findings").click()
    desk.page.keyboard.type("k is only a letter here")
    desk.press("Escape", "k")
    caption = desk.page.locator("#report-images input[name=caption]")
    caption.fill("Step wedge")
    caption.blur()
    desk.is_in_state("saved")

    image = Report.objects.get(order=order).images.get()
    expect(desk.page.locator("#report-images img")).to_have_attribute("alt", "Step wedge")
    image.refresh_from_db()
    assert image.caption == "Step wedge"
    assert saved(image.report)["findings"] == "<p>k is only a letter here</p>"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=["small", "large"])
def test_desk_fits_the_screen_and_everybody_can_use_it(
    make_desk: Callable[..., Desk], reader: User, size: dict[str, int], theme: str
) -> None:
    patient = make_patient(family_name="<script>alert(1)</script>", alerts="Iodine")
    order = make_order(patient, status="reading", reader=reader, indication="Fever " * 20)
    desk = make_desk(viewport=size)
    desk.page.add_init_script(f"localStorage.setItem('cedar-theme', '{theme}')")
    desk.open(order).type("findings", "Clear lungs.").is_in_state("saved")

    violations = [
        violation
        for violation in Axe().run(desk.page).response["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]

    assert [(each["id"], each["nodes"][0]["html"][:120]) for each in violations] == []
    assert desk.page.evaluate("document.documentElement.scrollHeight") <= size["height"]
    expect(desk.page.locator("#sign")).to_be_in_viewport()
    expect(desk.page.get_by_role("heading", name="<script>alert(1)</script>")).to_be_in_viewport()
    expect(desk.page.locator(".desk__reason")).to_be_in_viewport()


@pytest.mark.parametrize("path", ["/reading/", "/results/", "/reports/{report}/"])
def test_other_pages_can_be_used_by_everybody(
    make_desk: Callable[..., Desk], reader: User, path: str
) -> None:
    version = make_signed_report(reader=reader)
    make_order(status="acquired", priority="stat")
    desk = make_desk()
    desk.page.goto(desk.base + path.format(report=version.report_id))

    violations = [
        violation
        for violation in Axe().run(desk.page).response["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]

    assert [(each["id"], each["nodes"][0]["html"][:120]) for each in violations] == []
