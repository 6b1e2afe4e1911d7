"""Reports that were written before Cedar: final, immutable, and honest about where they come from."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from audit.models import Entry
from clinic.errors import InvalidInput, NotAllowed
from clinic.models import User
from clinic.permissions import Role
from reporting.documents import fingerprint
from reporting.models import Report, ReportVersion
from reporting.patient_moments import _reports
from reporting.pdf.sheet import build_sheet, text_of
from reporting.services import WrittenReport, add_addendum, import_final_reports
from reporting.tasks import render_missing_pdfs, render_report_pdf
from scheduling.importing import PastVisit, import_visits
from scheduling.statuses import OrderStatus
from tests.factories import make_order, make_patient, make_procedure, make_user
from tests.reporting.factories import PASSWORD, make_reader

pytestmark = pytest.mark.django_db
DAY = dt.date(2019, 5, 3)


@pytest.fixture(autouse=True)
def documents(tmp_path: Path, settings: Any) -> None:
    settings.DOCUMENTS_DIR = tmp_path


@pytest.fixture
def admin() -> User:
    return make_user(Role.ADMINISTRATOR, full_name="Ada Admin")


def imported(
    admin: User, *, text: str = "Clear lungs.\nNo effusion.", author: str = "Dr. Ray"
) -> ReportVersion:
    order = make_order(status=OrderStatus.RELEASED)
    (version,) = import_final_reports([WrittenReport(order, text, author, DAY)], by=admin)
    return version


def test_an_imported_report_is_final_and_names_its_author(admin: User) -> None:
    version = imported(admin)

    report = Report.objects.get()
    assert (report.status, report.is_imported, report.responsible) == ("final", True, "Dr. Ray")
    assert report.content == {"findings": "<p>Clear lungs.</p><p>No effusion.</p>"}
    assert version.content_sha256 == fingerprint(version.content)
    assert Entry.objects.get(action="report.imported").changes["author"] == [None, "Dr. Ray"]


def test_it_cannot_be_changed(admin: User) -> None:
    version = imported(admin)

    for change in (
        lambda: Report.objects.update(original_author="Somebody else"),
        lambda: ReportVersion.objects.filter(pk=version.pk).update(content={}),
        lambda: ReportVersion.objects.filter(pk=version.pk).delete(),
    ):
        with pytest.raises(DatabaseError, match="cannot be changed"), transaction.atomic():
            change()


def test_it_takes_an_addendum_that_amends_it(admin: User) -> None:
    version = imported(admin)
    reader = make_reader()

    addendum = add_addendum(version.report, by=reader, text="<p>Seen again.</p>", password=PASSWORD)

    assert addendum.content["amends"] == [{"number": 1, "sha256": version.content_sha256}]
    assert "not signed in Cedar" in text_of(build_sheet(addendum))


def test_its_sheet_has_no_signature(admin: User) -> None:
    signature = build_sheet(imported(admin))["signature"]

    assert (signature["name"], signature["title"]) == ("Dr. Ray", "Report of 3 May 2019")
    assert signature["when"].endswith("by Ada Admin; not signed in Cedar")


def test_its_pdf_is_made_when_somebody_asks_for_it(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    version = imported(admin)
    monkeypatch.setattr("reporting.tasks.OVERDUE", dt.timedelta(0))

    render_missing_pdfs()
    version.refresh_from_db()
    assert version.pdf == ""

    render_report_pdf(version.pk)
    version.refresh_from_db()
    assert version.pdf_path.read_bytes().startswith(b"%PDF")


def test_where_it_is_listed_it_says_that_it_was_imported(admin: User, client: Client) -> None:
    report = imported(admin, author="").report
    client.force_login(make_reader())

    of_order = client.get(f"/reports/of-order/{report.order_id}/").content.decode()
    of_patient = client.get(f"/reports/of-patient/{report.order.patient_id}/").content.decode()

    assert "Imported report: Author not known, 3 May 2019" in of_order
    assert "Author not known" in of_patient
    assert "imported" in of_patient


def test_the_timeline_of_the_patient_has_it_on_its_day_under_the_name_of_its_author(admin: User) -> None:
    past = PastVisit(
        patient=make_patient(),
        procedure=make_procedure(),
        visited_on=DAY,
        indication="Cough",
        referrer=None,
        billing="paid",
        is_reported=True,
        visit_key="a",
        row_key="a",
        source="visits.xlsx, row 2",
        original={},
    )
    (written,) = import_visits([past], by=admin)
    import_final_reports([WrittenReport(written, "Clear lungs.", "Dr. Ray", DAY)], by=admin)

    (moment,) = _reports(written.patient, make_reader(), 10)

    assert moment.at.date() == DAY
    assert moment.detail == f"{written.accession_number} · imported, written by Dr. Ray · Clear lungs."


@pytest.mark.parametrize(
    ("text", "author", "words"),
    [
        ("  \n ", "Dr. Ray", "no text"),
        ("x" * 61_000, "Dr. Ray", "at most"),
        ("Clear.", "x" * 201, "at most 200"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_cut(
    admin: User, text: str, author: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        imported(admin, text=text, author=author)

    assert Report.objects.count() == 0


def test_only_who_may_import_imports(admin: User) -> None:
    with pytest.raises(NotAllowed):
        imported(make_reader())
