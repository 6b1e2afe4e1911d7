"""A radiologist at the viewer, on the test server."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from clinic.models import User
from tests.e2e.viewer.page import Viewer
from tests.factories import make_user

SMALL = {"width": 1366, "height": 768}


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, settings: Any) -> None:
    for name, folder in {"SPOOL_DIR": "spool", "STUDIES_DIR": "studies", "QUARANTINE_DIR": "held"}.items():
        (tmp_path / folder).mkdir(mode=0o700)
        setattr(settings, name, tmp_path / folder)


@pytest.fixture
def radiologist() -> User:
    return make_user("radiologist", full_name="Rita Reader")


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
