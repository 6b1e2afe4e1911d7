"""A share link in the browser of somebody outside the clinic."""

import datetime as dt
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from clinic.permissions import Role
from reporting.models import ShareLink
from reporting.services import share_report
from reporting.tasks import render_report_pdf
from tests.factories import make_order, make_patient, make_user
from tests.reporting.factories import make_signed_report

pytestmark = pytest.mark.django_db(transaction=True)
SCRIPT = "<script>document.title='taken'</script>"


def look_for_faults(page: Page) -> list[str]:
    violations = Axe().run(page).response["violations"]
    return [each["id"] for each in violations if each["impact"] in {"serious", "critical"}]


def test_pin_wrong_then_right_then_expired(browser: Browser, live_server: Any, reader: Any) -> None:
    patient = make_patient(family_name=SCRIPT, given_name="Ana")
    version = make_signed_report(
        make_order(patient, status="reading", reader=reader),
        content={"findings": f"<p>{SCRIPT.replace('<', '&lt;')}</p>", "impression": "<p>Normal.</p>"},
    )
    render_report_pdf(version.pk)
    version.refresh_from_db()
    share = share_report(version, by=make_user(Role.RECEPTIONIST), recipient="Dr Far", days=7)
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if "Security Policy" in line.text else None)

    page.goto(f"{live_server.url}/shared/{share.token}/")
    assert look_for_faults(page) == []
    page.get_by_label("PIN").fill(f"{(int(share.pin) + 1) % 10**6:06d}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("you can try 4 more times")
    page.get_by_label("PIN").fill(share.pin)
    page.keyboard.press("Enter")

    expect(page.get_by_role("article")).to_contain_text(SCRIPT)
    expect(page.get_by_label("Patient")).to_contain_text(SCRIPT)
    expect(page).not_to_have_title("taken")
    assert look_for_faults(page) == []
    ShareLink.objects.update(expires_at=timezone.now() - dt.timedelta(minutes=1))
    page.reload()
    expect(page.get_by_text("This link does not work any more")).to_be_visible()
    assert errors == []
    page.context.close()
