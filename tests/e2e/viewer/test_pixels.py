"""Right pixels, and measurements in the units that the data allow."""

import re
from collections.abc import Callable

import pytest

from tests.e2e.phantoms import clip, ct_steps, wedge
from tests.e2e.viewer.page import MARKS, Viewer, a_study

pytestmark = MARKS


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
