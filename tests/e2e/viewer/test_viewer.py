"""Key images, faults in words, whose images these are, keys, and a page that everybody can use."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Route, expect

from imaging.models import KeyImage
from imaging.stored_files import studies_path
from tests.e2e.phantoms import WEDGE_COLUMNS, WEDGE_ROWS, ct_steps, damage, letter, wedge
from tests.e2e.viewer.page import MARKS, Viewer, a_study

pytestmark = MARKS


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
