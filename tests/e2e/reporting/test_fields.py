"""Fields and phrases of a report in a real browser."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from reporting.models import Report, ReportTemplate
from reporting.services import change_template, save_phrase
from tests.e2e.reporting.desk import saved

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def early(report: Report) -> Report:
    template = ReportTemplate.objects.offered().get(code="us-ob-first")
    return change_template(report, by=report.author, template=template)


def test_an_entry_is_saved_and_calculated_with(make_desk: Any, early: Report) -> None:
    desk = make_desk().open(early.order)

    desk.page.get_by_label("Crown–rump length", exact=True).fill("45")
    desk.page.get_by_label("Heart activity").select_option("Seen")
    desk.is_in_state("unsaved").is_in_state("saved")

    expect(desk.page.get_by_label("Age by crown–rump length", exact=True)).to_have_text("11 w 2 d")
    assert saved(early)["findings.crl"] == "45"
    assert saved(early)["findings.heart"] == "Seen"
    reopened = make_desk(desk.context).open(early.order)
    expect(reopened.page.get_by_label("Crown–rump length", exact=True)).to_have_value("45")
    expect(reopened.page.get_by_label("Age by crown–rump length", exact=True)).to_have_text("11 w 2 d")
    results = Axe().run(reopened.page)
    serious = [v["id"] for v in results.response["violations"] if v["impact"] in {"serious", "critical"}]
    assert serious == []


def test_a_slip_is_named_beside_its_field(make_desk: Any, early: Report) -> None:
    desk = make_desk().open(early.order)
    length = desk.page.get_by_label("Crown–rump length", exact=True)

    length.fill("4S")
    desk.is_in_state("unsaved").is_in_state("saved")

    expect(length).to_have_attribute("aria-invalid", "true")
    expect(length).to_have_accessible_description(
        "Crown–rump length was read as “4S”; accepted is a number such as 12.5."
    )
    assert saved(early)["findings.crl"] == "4S"


def test_a_dot_and_a_name_write_out_the_phrase(make_desk: Any, report: Report) -> None:
    save_phrase(by=report.author, shortcut="nl", html="<p>Normal <strong>lungs</strong>.</p>")
    desk = make_desk().open(report.order)

    desk.type("findings", "Chest: .nl and .nothing here").is_in_state("unsaved").is_in_state("saved")

    assert saved(report)["findings"] == "<p>Chest: Normal <strong>lungs</strong>. and .nothing here</p>"


def test_phrases_are_kept_on_their_page(make_desk: Any, report: Report) -> None:
    desk = make_desk()
    desk.page.goto(f"{desk.base}/reading/phrases/")

    desk.page.get_by_label("Short name").fill(".NL")
    desk.page.locator(".ProseMirror").click()
    desk.page.keyboard.type("<b>Normal lungs.")
    desk.page.get_by_role("button", name="Save the phrase").click()

    expect(desk.page.get_by_role("row", name=".nl")).to_contain_text("<b>Normal lungs.")
    assert report.author.phrases.get().html == "<p>&lt;b&gt;Normal lungs.</p>"
    desk.page.get_by_role("button", name="Delete .nl").click()
    expect(desk.page.get_by_text("No phrases yet")).to_be_visible()
