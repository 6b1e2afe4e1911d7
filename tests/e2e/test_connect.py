"""Connecting a device in a real browser: by keyboard, with results beside the buttons, at both sizes."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as configured
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pynetdicom import AE, evt
from pynetdicom.sop_class import SecondaryCaptureImageStorage, Verification

from clinic.models import ClinicProfile
from dicomserver.models import Association, Outcome, RemoteAE
from tests.e2e.running import LARGE, SMALL
from tests.factories import make_everyone, make_order, make_station

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(page: Page, live_server: Any) -> Iterator[Page]:
    """An administrator is signed in; a script error or a broken policy fails the test."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None
    )
    ClinicProfile.get()
    client = Client()
    client.force_login(make_everyone())
    cookie = client.cookies[configured.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": configured.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
    )
    page.set_viewport_size(SMALL)
    yield page
    page.wait_for_load_state("networkidle")
    page.goto("about:blank")
    assert errors == []


@pytest.fixture
def x_ray() -> Iterator[int]:
    ae = AE(ae_title="XR1")
    ae.add_supported_context(Verification)
    ae.add_supported_context(SecondaryCaptureImageStorage)
    take = [(evt.EVT_C_STORE, lambda _event: 0x0000)]
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=take)
    yield server.socket.getsockname()[1]
    server.shutdown()


def test_a_device_is_connected_step_by_step_with_the_keyboard(
    desk: Page, live_server: Any, x_ray: int
) -> None:
    node = RemoteAE.objects.create(ae_title="XR1", host="127.0.0.1", description="X-ray, room 2")
    here, other = make_station(ae_title="XR1", name="X-ray"), make_station(ae_title="CT1", name="CT room")
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    mine = make_order(status="scheduled", station=here, starts_at=noon)
    make_order(status="scheduled", station=other, starts_at=noon)
    Association.objects.create(
        at=timezone.now(),
        calling_ae_title="XR1",
        called_ae_title="CLINIC1",
        address="127.0.0.1",
        outcome=Outcome.WRONG_TITLE,
    )

    desk.goto(f"{live_server.url}/dicom/{node.pk}/connect/")
    expect(desk.get_by_text("The device calls us CLINIC1; our AE title is CEDAR.")).to_be_visible()
    press(desk, "#accept")
    expect(desk.locator("#live .chip").first).to_have_text("Accepted")
    desk.get_by_label("Port").fill(str(x_ray))
    press(desk, "#reach-save")
    press(desk, "#try-echo")
    expect(desk.locator("#reach-result")).to_contain_text(f"XR1 at 127.0.0.1 port {x_ray} answers.")
    press(desk, "#try-worklist")
    result = desk.locator("#worklist-result")
    expect(result).to_contain_text(mine.accession_number)
    expect(result).to_contain_text("It is booked for CT room (AE title CT1).")
    press(desk, "#try-image")
    expect(desk.locator("#image-result")).to_contain_text("XR1 has the test image: patient CEDAR-TEST")

    for size in (SMALL, LARGE):
        desk.set_viewport_size(size)
        assert desk.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(desk).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def press(page: Page, selector: str) -> None:
    page.locator(selector).focus()
    page.keyboard.press("Enter")
