"""Going through images by wheel, keys, mouse and touch."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.phantoms import clip, ct_steps, wedge
from tests.e2e.viewer.page import MARKS, Viewer, a_study, figures

pytestmark = MARKS


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
