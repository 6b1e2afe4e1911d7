"""The administrator brings the clinic's own list in, in a real browser, by keyboard."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as configured
from django.test import Client
from playwright.sync_api import Page, expect

from clinic.models import ClinicProfile, User
from clinic.permissions import Role
from clinic.spreadsheets import tasks
from clinic.spreadsheets.models import SpreadsheetRun
from clinic.spreadsheets.sample import write_sample
from scheduling.models import Order
from tests.e2e.running import LARGE, SMALL
from tests.factories import make_user
from tests.spreadsheets.lists import import_rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def documents(tmp_path: Path, settings: Any) -> None:
    settings.DOCUMENTS_DIR = tmp_path / "documents"


@pytest.fixture
def admin() -> User:
    ClinicProfile.get()
    return make_user(Role.ADMINISTRATOR, full_name="Ada Admin")


@pytest.fixture
def desk(page: Page, live_server: Any, admin: User) -> Iterator[Page]:
    """The administrator is signed in; a script error or a broken policy fails the test."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None
    )
    client = Client()
    client.force_login(admin)
    cookie = client.cookies[configured.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": configured.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
    )
    page.set_viewport_size(SMALL)
    yield page
    page.wait_for_load_state("networkidle")
    page.goto("about:blank")
    assert errors == []


def assert_fit_for_everybody(page: Page) -> None:
    """No serious fault of accessibility, nothing cut off at either size."""
    found = [
        f"{violation['id']}: {node['html'][:160]}"
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]
    assert found == []
    for size in (LARGE, SMALL):
        page.set_viewport_size(size)
        width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width <= 0


def test_a_list_comes_in_by_keyboard(desk: Page, live_server: Any, admin: User, tmp_path: Path) -> None:
    path = tmp_path / "visits.xlsx"
    write_sample(path, 40, bad_every=4)
    desk.goto(f"{live_server.url}/admin/")
    desk.get_by_role("link", name="Import a list of the clinic").press("Enter")
    assert_fit_for_everybody(desk)

    desk.get_by_label("File (.xlsx or .csv)").set_input_files(path)
    desk.get_by_role("button", name="Upload and look").press("Enter")
    expect(desk.get_by_label("Reason for Exam")).to_have_value("reason")
    assert_fit_for_everybody(desk)
    desk.get_by_label("Phone", exact=True).select_option("-")
    desk.get_by_role("button", name="Check the list").press("Enter")
    expect(
        desk.get_by_role("heading", name="Every row is being checked; nothing is written.")
    ).to_be_visible()
    assert_fit_for_everybody(desk)

    run = SpreadsheetRun.objects.get()
    tasks.check_run(run.pk)
    desk.reload()
    expect(desk.get_by_role("heading", name="What would happen")).to_be_visible()
    expect(desk.get_by_role("row", name="Refused 10")).to_be_visible()
    assert_fit_for_everybody(desk)
    assert Order.objects.count() == 0

    desk.get_by_role("button", name="Import now").press("Enter")
    expect(desk.get_by_role("heading", name="The list is being imported.")).to_be_visible()
    tasks.import_run(run.pk, admin.pk)
    desk.reload()
    expect(desk.get_by_role("heading", name="Imported", exact=True)).to_be_visible()
    assert_fit_for_everybody(desk)
    with desk.expect_download() as download:
        desk.get_by_role("link", name="Refused rows").press("Enter")

    assert download.value.suggested_filename == "visits-refused.xlsx"
    assert Order.objects.count() == 30
    assert Order.objects.filter(patient__phone="").count() == 30


def test_an_imported_report_says_so_where_it_is_read(
    desk: Page, live_server: Any, admin: User, tmp_path: Path
) -> None:
    order = import_rows(tmp_path, admin)
    User.objects.filter(pk=admin.pk).update(roles=[Role.RADIOLOGIST])

    desk.goto(f"{live_server.url}/reports/{order.report.pk}/")

    expect(desk.get_by_text("It was not signed in Cedar.")).to_be_visible()
    expect(desk.get_by_role("button", name="Make the PDF")).to_be_visible()
    assert_fit_for_everybody(desk)
