"""The viewer on a page of the test server, as a reader sees and handles it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from imaging.models import Study
from tests.e2e.phantoms import WEDGE_COLUMNS, WEDGE_ROWS
from tests.factories import make_order, make_patient
from tests.imaging.sender import identity_for, receive

BUNDLE = Path(__file__).resolve().parents[3] / "static/build/viewer/viewer.js"
MARKS = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not BUNDLE.exists(), reason="needs the built viewer: manage.py test builds it"),
]

PIXEL = """([x, y]) => {
  const canvas = document.querySelector('.pane canvas.cornerstone-canvas');
  const [columns, rows] = canvas.dataset.size.split('×').map(Number);
  const scale = Math.min(canvas.width / columns, canvas.height / rows);
  const left = (canvas.width - columns * scale) / 2, top = (canvas.height - rows * scale) / 2;
  const place = [Math.round(left + x * scale), Math.round(top + y * scale)];
  return [...canvas.getContext('2d').getImageData(...place, 1, 1).data.slice(0, 3)];
}"""
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


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


def a_study(*makers: Callable, **fields: str) -> Study:
    """A study that belongs to an order, with the objects that ``makers`` make of its identity."""
    order = make_order(make_patient(**fields), status="scheduled")
    identity = identity_for(order)
    made = [maker(identity) for maker in makers]
    flat = [item for one in made for item in (one if isinstance(one, list) else [one])]
    return receive(*flat)


def figures(text: str) -> list[int]:
    return [int(figure) for figure in re.findall(r"\d+", text)]
