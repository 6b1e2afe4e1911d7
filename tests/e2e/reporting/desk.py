"""One window on the reading desk, and what is saved of a report."""

from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from reporting.models import Report
from scheduling.models import Order

SIZES = [{"width": 1366, "height": 768}, {"width": 1920, "height": 1080}]


class Desk:
    """One window on the reading desk."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.context = context
        self.page: Page = context.new_page()
        self.base = base
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        self.page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if "Content Security Policy" in message.text:
            self.complaints.append(message.text)

    def open(self, order: Order) -> "Desk":
        self.page.goto(f"{self.base}/reading/{order.pk}/")
        return self.ready()

    def ready(self) -> "Desk":
        expect(self.page.locator("#editor[data-ready]")).to_be_attached()
        return self

    def section(self, name: str) -> Any:
        return self.page.locator(f"[data-section={name}] .ProseMirror")

    def type(self, name: str, text: str) -> "Desk":
        self.section(name).click()
        self.page.keyboard.press("Control+End")
        self.page.keyboard.type(text)
        return self

    def is_in_state(self, state: str) -> "Desk":
        expect(self.page.locator("#save-state")).to_have_attribute("data-state", state, timeout=20_000)
        return self

    def press(self, *keys: str) -> "Desk":
        for key in keys:
            self.page.keyboard.press(key)
        return self


def saved(report: Report) -> dict[str, str]:
    report.refresh_from_db()
    return report.content
