"""What browser tests against a live server ask of a page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def problems_of(page: Page, url: str, theme: str) -> list[str]:
    """Serious faults of accessibility, one line each."""
    page.goto(url)
    page.wait_for_load_state("networkidle")
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
