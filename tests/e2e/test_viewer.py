"""The viewer in a real browser, on our own DICOMweb: right pixels, every way of moving, faults in words."""

import io
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from clinic.models import User
from imaging.models import KeyImage, Study
from imaging.stored_files import studies_path
from tests.e2e.phantoms import WEDGE_COLUMNS, WEDGE_ROWS, clip, ct_steps, damage, letter, wedge
from tests.factories import make_order, make_patient, make_user
from tests.imaging.sender import identity_for, receive

BUNDLE = Path(__file__).resolve().parents[2] / "static/build/viewer/viewer.js"
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not BUNDLE.exists(), reason="needs the built viewer: python3 manage.py test builds it"
    ),
]
SMALL = {"width": 1366, "height": 768}

PIXEL = """([x, y]) => {
  const canvas = document.querySelector('.pane canvas.cornerstone-canvas');
  const [columns, rows] = canvas.dataset.size.split('×').map(Number);
  const scale = Math.min(canvas.width / columns, canvas.height / rows);
  const left = (canvas.width - columns * scale) / 2, top = (canvas.height - rows * scale) / 2;
  const place = [Math.round(left + x * scale), Math.round(top + y * scale)];
  return [...canvas.getContext('2d').getImageData(...place, 1, 1).data.slice(0, 3)];
}"""
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


# --- a browser on the test server -------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def beside_playwright() -> Iterator[None]:
    """Playwright keeps an event loop running in this thread, in which Django would refuse its database."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, settings: Any) -> None:
    for name, folder in {"SPOOL_DIR": "spool", "STUDIES_DIR": "studies", "QUARANTINE_DIR": "held"}.items():
        (tmp_path / folder).mkdir(mode=0o700)
        setattr(settings, name, tmp_path / folder)


@pytest.fixture
def radiologist() -> User:
    return make_user("radiologist", full_name="Rita Reader")


class Viewer:
    """A browser page with the viewer, and what a test reads from it."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)

    def _heard(self, message: Any) -> None:
        if "Content Security Policy" in message.text or (
            message.type == "error" and "Failed to load resource" not in message.text
        ):
            self.complaints.append(message.text)

    def _asked(self, request: Any) -> None:
        self.asked.append(request.url)

    def asked_elsewhere(self) -> list[str]:
        return [address for address in self.asked if not address.startswith((self.base, "data:", "blob:"))]

    def open(self, study: Study) -> "Viewer":
        self.page.goto(f"{self.base}/studies/{study.pk}/view/")
        expect(self.page.locator("#viewer[data-ready]")).to_be_attached()
        return self.settled()

    def settled(self) -> "Viewer":
        expect(self.page.locator(".pane[aria-busy=true]")).to_have_count(0)
        return self

    def says(self, name: str, pattern: str) -> None:
        """The line ``name`` of the overlay reads like ``pattern``."""
        expect(self.page.locator(f".pane [data-overlay={name}]").first).to_have_text(re.compile(pattern))

    def pixel(self, x: float, y: float, rows: int = WEDGE_ROWS, columns: int = WEDGE_COLUMNS) -> list[int]:
        """The colour that the fitted image has at column ``x``, row ``y``."""
        self.page.evaluate(PAINTED)
        canvas = self.page.locator(".pane canvas.cornerstone-canvas").first
        canvas.evaluate("(canvas, size) => { canvas.dataset.size = size; }", f"{columns}×{rows}")
        return self.page.evaluate(PIXEL, [x, y])

    def steps(self) -> list[list[int]]:
        """The middle of each step of the wedge, from the top."""
        return [self.pixel(60, y) for y in (15, 45, 75)]

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def drag(
        self, dx: float, dy: float, start: tuple[float, float] = (0.5, 0.5), button: Any = "left"
    ) -> None:
        box = self.page.locator(".pane__view").first.bounding_box()
        assert box is not None
        x, y = round(box["x"] + box["width"] * start[0]), round(box["y"] + box["height"] * start[1])
        mouse = self.page.mouse
        mouse.move(x, y)
        mouse.down(button=button)
        mouse.move(x + dx / 2, y + dy / 2, steps=4)
        mouse.move(x + dx, y + dy, steps=4)
        mouse.up(button=button)

    def wheel(self, notches: int) -> None:
        self.page.locator(".pane__view").first.hover()
        for _ in range(abs(notches)):
            self.page.mouse.wheel(0, 120 if notches > 0 else -120)

    def letters(self) -> dict[str, str]:
        sides = ("left", "top", "right", "bottom")
        return {side: self.page.locator(f"[data-letter={side}]").inner_text() for side in sides}

    def frame_requests(self) -> int:
        return sum("/frames/" in address for address in self.asked)

    def measured(self, *lines: Any) -> None:
        """The measurements on the image read exactly so."""
        expect(self.page.locator("svg.svg-layer text tspan")).to_have_text(list(lines))


@pytest.fixture
def make_viewer(browser: Browser, live_server: Any, radiologist: User, client: Any) -> Iterator[Callable]:
    """Viewers on pages of their own; none may break the page's policy or call another host."""
    client.force_login(radiologist)
    made: list[tuple[BrowserContext, Viewer]] = []

    def make(**options: Any) -> Viewer:
        context = browser.new_context(**{"viewport": SMALL, **options})
        cookies = [
            {"name": name, "value": cookie.value, "url": live_server.url}
            for name, cookie in client.cookies.items()
        ]
        context.add_cookies(cookies)
        viewer = Viewer(context.new_page(), live_server.url)
        made.append((context, viewer))
        return viewer

    yield make
    for context, viewer in made:
        context.close()
        assert viewer.complaints == []
        assert viewer.asked_elsewhere() == []


@pytest.fixture
def viewer(make_viewer: Callable) -> Viewer:
    return make_viewer()


def a_study(*makers: Callable, **fields: str) -> Study:
    """A study that belongs to an order, with the objects that ``makers`` make of its identity."""
    order = make_order(make_patient(**fields), status="scheduled")
    identity = identity_for(order)
    made = [maker(identity) for maker in makers]
    flat = [item for one in made for item in (one if isinstance(one, list) else [one])]
    return receive(*flat)


# --- pixels -----------------------------------------------------------------------------------------


def test_a_wedge_has_the_grey_levels_its_window_gives(viewer: Viewer) -> None:
    viewer.open(a_study(wedge))

    assert viewer.steps() == [[0, 0, 0], [128, 128, 128], [255, 255, 255]]
    viewer.says("window", "^C 2048  W 4096$")


def test_monochrome1_is_shown_the_other_way_round(viewer: Viewer) -> None:
    viewer.open(a_study(lambda identity: wedge(identity, photometric="MONOCHROME1")))

    assert viewer.steps() == [[255, 255, 255], [127, 127, 127], [0, 0, 0]]


def test_a_large_image_shown_reduced_keeps_its_levels(viewer: Viewer) -> None:
    viewer.open(a_study(lambda identity: wedge(identity, scale=16)))

    assert viewer.steps() == [[0, 0, 0], [128, 128, 128], [255, 255, 255]]


def test_hounsfield_units_go_through_presets_of_window(viewer: Viewer) -> None:
    viewer.open(a_study(ct_steps))
    viewer.press("End")
    viewer.says("slice", "^Image 12 of 12$")
    soft = viewer.pixel(16, 32, 64, 64)

    viewer.press("3")
    viewer.says("window", "^C 40  W 80$")
    brain = viewer.pixel(16, 32, 64, 64)
    viewer.press("0")

    # ((120 - 39.5) / 399 + 0.5) * 255, and far above the brain window
    assert (soft, brain) == ([179, 179, 179], [255, 255, 255])
    viewer.says("window", "^C 40  W 400$")


def test_invert_and_reset(viewer: Viewer) -> None:
    viewer.open(a_study(wedge))

    viewer.press("i")
    inverted = viewer.steps()
    viewer.says("window", "Inverted")
    viewer.press("x")

    assert inverted == [[255, 255, 255], [127, 127, 127], [0, 0, 0]]
    assert viewer.steps() == [[0, 0, 0], [128, 128, 128], [255, 255, 255]]


# --- moving -----------------------------------------------------------------------------------------


def test_wheel_keys_and_bar_go_through_the_stack(viewer: Viewer) -> None:
    viewer.open(a_study(ct_steps))

    viewer.wheel(3)
    viewer.says("slice", "^Image 4 of 12$")
    viewer.press("ArrowDown", "ArrowRight", "ArrowUp")
    viewer.says("slice", "^Image 5 of 12$")
    assert viewer.pixel(16, 32, 64, 64) == [134, 134, 134]  # 50 HU in window 40/400
    viewer.press("PageDown")
    viewer.says("slice", "^Image 12 of 12$")
    viewer.press("Home")
    viewer.says("slice", "^Image 1 of 12$")
    viewer.press("s")
    viewer.drag(0, 75)
    viewer.says("slice", r"^Image [3-6] of 12$")


def test_dragging_changes_the_window(viewer: Viewer) -> None:
    viewer.open(a_study(wedge))

    viewer.drag(100, 0)
    wider = viewer.page.locator("[data-overlay=window]").inner_text()
    viewer.drag(0, 60)
    brighter = viewer.page.locator("[data-overlay=window]").inner_text()

    # exp(100 × 0.006) wider; 60 × 0.3 % of that width further up
    assert [figures(wider), figures(brighter)] == [[2048, 7463], [3391, 7463]]


def test_zoom_pan_fit_turn_and_letters(viewer: Viewer) -> None:
    viewer.open(a_study(wedge))
    letters = viewer.letters
    assert letters() == {"left": "R", "top": "H", "right": "L", "bottom": "F"}

    viewer.press("o")
    viewer.says("zoom", "^Zoom 100 %$")
    viewer.drag(40, 25, button="middle")
    viewer.press("r")
    assert letters() == {"left": "F", "top": "R", "right": "H", "bottom": "L"}
    viewer.press("h")
    assert letters() == {"left": "H", "top": "R", "right": "F", "bottom": "L"}
    viewer.drag(0, -60, button="right")
    viewer.says("zoom", r"^Zoom 16\d %$")

    viewer.press("x")

    assert letters() == {"left": "R", "top": "H", "right": "L", "bottom": "F"}
    assert viewer.steps() == [[0, 0, 0], [128, 128, 128], [255, 255, 255]]


def test_layouts_show_several_series_and_keys_follow_the_active_window(viewer: Viewer) -> None:
    viewer.open(a_study(wedge, ct_steps, clip))

    viewer.press("g")
    viewer.settled()
    expect(viewer.page.locator(".pane")).to_have_count(2)
    viewer.press("n", "ArrowDown")
    second = viewer.page.locator(".pane").nth(1)
    expect(second.locator("[data-overlay=slice]")).to_have_text("Image 2 of 12")
    expect(viewer.page.locator(".pane").first.locator("[data-overlay=slice]")).to_have_text("Image 1 of 1")

    viewer.press("]")
    expect(second.locator("[data-overlay=description]")).to_have_text("Film")
    viewer.press("g", "g")
    expect(viewer.page.locator(".pane")).to_have_count(1)


def test_a_film_runs_at_the_speed_of_its_file(viewer: Viewer) -> None:
    viewer.open(a_study(clip))
    panel = viewer.page.locator("[data-cine]")
    expect(panel.locator("[data-speed-shown]")).to_have_text("10")
    viewer.says("remark", "^Lossy compressed 12:1$")

    viewer.press(" ")
    expect(panel.locator("[data-command=play]")).to_have_attribute("aria-pressed", "true")
    viewer.says("slice", "^Image [5-8] of 8$")
    viewer.says("slice", "^Image [1-4] of 8$")
    viewer.press(" ")
    expect(panel.locator("[data-command=play]")).to_have_attribute("aria-pressed", "false")

    viewer.press("Home", "ArrowDown")
    assert viewer.pixel(30, 20, 48, 64) == [40, 0, 0]


def test_a_finger_changes_the_window_and_two_enlarge(make_viewer: Callable) -> None:
    viewer = make_viewer(has_touch=True, viewport={"width": 1024, "height": 768})
    viewer.open(a_study(wedge))
    touch = viewer.page.context.new_cdp_session(viewer.page)

    def move(*fingers: list[tuple[float, float]]) -> None:
        """Each finger's way: down at its first place, up after its last."""
        for index, kind in enumerate(["touchStart"] + ["touchMove"] * (len(fingers[0]) - 1)):
            points = [{"x": way[index][0], "y": way[index][1], "id": at} for at, way in enumerate(fingers)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    before = viewer.page.locator("[data-overlay=zoom]").inner_text()
    move([(500 + 10 * step, 400) for step in range(11)])
    viewer.says("window", r"^C 2048  W ([5-9])\d\d\d$")
    move([(450 - 8 * step, 400) for step in range(11)], [(550 + 8 * step, 400) for step in range(11)])

    after = viewer.page.locator("[data-overlay=zoom]").inner_text()
    assert figures(after)[0] > 1.8 * figures(before)[0]


def figures(text: str) -> list[int]:
    return [int(figure) for figure in re.findall(r"\d+", text)]


# --- measuring --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [1, 1.5])
def test_lengths_are_in_millimetres_of_the_patient(make_viewer: Callable, ratio: float) -> None:
    viewer = make_viewer(device_scale_factor=ratio)
    viewer.open(a_study(ct_steps))

    viewer.press("o", "l")
    viewer.drag(40, 30, start=(0.48, 0.48))

    # 50 points of the screen, each of `ratio` image pixels of 0.5 mm
    viewer.measured(f"{25 * ratio:.1f} mm")


def test_lengths_of_a_projection_are_at_the_detector(viewer: Viewer) -> None:
    viewer.open(a_study(wedge))

    viewer.press("o", "l")
    viewer.drag(50, 0, start=(0.48, 0.5))

    viewer.measured("10.0 mm at detector")


def test_lengths_without_calibration_are_pixels(viewer: Viewer) -> None:
    viewer.open(a_study(clip))

    viewer.press("o", "l")
    viewer.drag(30, 0, start=(0.49, 0.5))

    viewer.measured("30.0 px")


def test_a_region_and_a_point_give_hounsfield_units(viewer: Viewer) -> None:
    viewer.open(a_study(ct_steps))

    viewer.press("b")
    viewer.drag(60, 50, start=(0.55, 0.4))
    viewer.measured(re.compile(r"^Area \d+\.\d+ mm²$"), "Mean 40.0 ± 0.00 HU", "40.0 to 40.0 HU")
    viewer.press("Delete", "q")
    viewer.page.locator(".pane__view").click(position={"x": 520, "y": 300})

    viewer.measured("10.0 HU", re.compile(r"^\d+, \d+$"))


# --- key images -------------------------------------------------------------------------------------


def test_a_key_image_goes_to_the_report_as_it_looks(viewer: Viewer) -> None:
    study = a_study(wedge)
    viewer.open(study)
    viewer.page.evaluate(
        "document.addEventListener('cedar:key-image', (event) => { window.kept = event.detail; })"
    )

    viewer.press("i", "l")
    viewer.drag(200, 0, start=(0.4, 0.5))
    viewer.press("k")
    expect(viewer.page.locator("[data-note]")).to_have_text("Key image kept: DX Wedge")

    image = KeyImage.objects.get()
    assert viewer.page.evaluate("window.kept") == {
        "id": image.pk,
        "image_url": f"/imaging/key-images/{image.pk}/",
        "thumbnail_url": f"/imaging/key-images/{image.pk}/",
        "caption": "DX Wedge",
    }
    assert (image.study, image.frame, image.presentation["invert"]) == (study, 1, True)
    picture = Image.open(io.BytesIO(studies_path(image.picture).read_bytes()))
    width, height = picture.size
    assert width / height == pytest.approx(WEDGE_COLUMNS / WEDGE_ROWS, rel=0.01)
    corners = [picture.getpixel((width // 20, int(height * part))) for part in (0.1, 0.45, 0.9)]
    assert [round(sum(colour) / 3 / 16) for colour in corners] == [16, 8, 0]
    colours = [colour for _count, colour in picture.getcolors(2**24) if max(colour) - min(colour) > 60]
    assert colours  # those of the measurement


# --- faults -----------------------------------------------------------------------------------------


def test_a_damaged_image_says_so_and_the_others_are_read(viewer: Viewer) -> None:
    def series(identity: Any) -> list:
        made = ct_steps(identity, 5, compressed=True)
        damage(made[2])
        return made

    viewer.open(a_study(series))
    viewer.press("ArrowDown", "ArrowDown")
    message = viewer.page.locator(".pane__message")

    expect(message).to_contain_text("This image cannot be shown")
    expect(message).to_contain_text("The image data are damaged.")
    expect(message).to_contain_text("The other images are not affected.")
    viewer.says("slice", "^Image 3 of 5$")
    viewer.press("ArrowDown")
    expect(message).to_be_hidden()
    assert viewer.pixel(16, 32, 64, 64) == [128, 128, 128]


def test_a_lost_network_is_said_and_comes_back_by_itself(viewer: Viewer) -> None:
    study = a_study(ct_steps)
    refuse: Callable[[Route], None] = lambda route: route.abort()  # noqa: E731
    viewer.page.route("**/frames/*", refuse)
    viewer.page.goto(f"{viewer.base}/studies/{study.pk}/view/")
    note = viewer.page.locator("[data-note]")

    expect(note).to_contain_text("The server cannot be reached", timeout=10_000)
    viewer.page.unroute("**/frames/*", refuse)

    expect(note).to_contain_text("The server is back", timeout=15_000)
    viewer.settled()
    assert viewer.pixel(48, 32, 64, 64) == [128, 128, 128]


def test_an_ended_session_asks_to_sign_in_and_keeps_what_is_shown(viewer: Viewer) -> None:
    study = a_study(ct_steps)
    words = json.dumps({"error": "You are signed out. Sign in again."})
    viewer.page.route(
        "**/frames/*",
        lambda route: route.fulfill(status=401, content_type="application/json", body=words),
    )
    viewer.page.goto(f"{viewer.base}/studies/{study.pk}/view/")

    expect(viewer.page.locator("[data-note]")).to_contain_text("You are signed out")
    asked = viewer.frame_requests()
    viewer.page.wait_for_timeout(500)
    assert viewer.frame_requests() == asked <= 8

    viewer.page.unroute_all()
    viewer.page.evaluate("document.dispatchEvent(new CustomEvent('cedar:signed-in'))")
    viewer.settled()
    assert viewer.pixel(48, 32, 64, 64) == [128, 128, 128]


def test_what_is_no_image_is_listed_with_a_way_to_get_it(viewer: Viewer) -> None:
    viewer.open(a_study(wedge, letter))
    line = viewer.page.locator(".viewer-series--other")

    expect(line).to_contain_text("PDF document")
    expect(line).to_contain_text("Referral letter")
    with viewer.page.expect_download() as download:
        line.get_by_role("link", name="Download").click()

    assert Path(download.value.path()).read_bytes()[128:132] == b"DICM"


# --- who and what -----------------------------------------------------------------------------------


def test_the_image_always_says_whose_it_is(viewer: Viewer) -> None:
    viewer.open(a_study(ct_steps, mrn="T-4711", family_name="Haddad", given_name="Leila"))

    viewer.says("name", "^Haddad, Leila$")
    viewer.says("id", "^T-4711$")
    viewer.says("birth", "1980")
    viewer.says("series", "^Series 2 · CT$")
    viewer.says("depth", "^Slice 5 mm · Position 5 mm$")
    expect(viewer.page.locator("[data-overlay=difference]")).to_be_hidden()


def test_typing_elsewhere_is_not_a_command(viewer: Viewer) -> None:
    viewer.open(a_study(ct_steps))
    viewer.page.evaluate("document.querySelector('main').append(document.createElement('textarea'))")

    viewer.page.locator("textarea").focus()
    viewer.press("ArrowDown", "i")

    viewer.says("slice", "^Image 1 of 12$")
    viewer.says("window", "^C 40  W 400$")


def test_the_key_map_opens_and_single_keys_can_be_switched_off(viewer: Viewer) -> None:
    viewer.open(a_study(ct_steps))

    viewer.press("?")
    dialog = viewer.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Keys of the viewer")
    dialog.get_by_label("Keys without Ctrl are on").uncheck()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    viewer.press("i", "ArrowDown")

    viewer.says("slice", "^Image 2 of 12$")
    viewer.says("window", "^C 40  W 400$")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_is_accessible(viewer: Viewer, theme: str) -> None:
    viewer.open(a_study(wedge, ct_steps, letter))
    viewer.page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
    viewer.page.get_by_role("button", name="Measure").click()

    found = Axe().run(viewer.page)

    serious = [one["id"] for one in found.response["violations"] if one["impact"] in ("serious", "critical")]
    assert serious == []
