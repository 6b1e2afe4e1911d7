"""A radiologist at the reading desk, on the test server."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from clinic.models import User
from reporting.models import Report
from tests.e2e.reporting.desk import SIZES, Desk
from tests.reporting.factories import make_reader, make_report


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, settings: Any) -> None:
    folders = {"SPOOL_DIR": "spool", "STUDIES_DIR": "studies", "QUARANTINE_DIR": "held"}
    for name, folder in (folders | {"DOCUMENTS_DIR": "documents"}).items():
        (tmp_path / folder).mkdir(mode=0o700)
        setattr(settings, name, tmp_path / folder)


@pytest.fixture
def reader() -> User:
    return make_reader(full_name="Dr Reader", username="reader")


@pytest.fixture
def make_desk(browser: Browser, live_server: Any, client: Any, reader: User) -> Iterator[Callable[..., Desk]]:
    """Windows in which ``reader`` is signed in. None may raise an error or break the page's policy."""
    client.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")
    made: list[Desk] = []

    def make(context: BrowserContext | None = None, **options: Any) -> Desk:
        if context is None:
            context = browser.new_context(**{"viewport": SIZES[0], **options})
            context.add_cookies(
                [
                    {"name": name, "value": cookie.value, "url": live_server.url}
                    for name, cookie in client.cookies.items()
                ]
            )
        desk = Desk(context, live_server.url)
        made.append(desk)
        return desk

    yield make
    for desk in made:
        assert desk.complaints == []
        desk.context.close()


@pytest.fixture
def report(reader: User) -> Report:
    return make_report(reader=reader)


@pytest.fixture
def desk(make_desk: Callable[..., Desk], report: Report) -> Desk:
    return make_desk().open(report.order)
