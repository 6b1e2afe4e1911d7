"""A visit list becomes patients, examinations, reports and billing states; what is wrong comes back."""

import datetime as dt
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from django.db import DataError
from openpyxl import load_workbook

from audit.models import Entry
from clinic.errors import NotAllowed
from clinic.models import User
from clinic.permissions import Role
from clinic.spreadsheets import importing
from clinic.spreadsheets.columns import find_layout
from clinic.spreadsheets.fields import VISIT_FIELDS
from clinic.spreadsheets.importing import VisitImport
from clinic.spreadsheets.sample import BAD, write_sample
from clinic.spreadsheets.tables import open_table
from clinic.spreadsheets.visits import Options, VisitReader
from patients.models import Patient
from reporting.models import Report, ReportVersion
from scheduling.models import FlowEvent, ImportedVisit, Order, Referrer
from tests.factories import make_patient, make_procedure, make_user

from .conftest import Take, row, write_xlsx

pytestmark = pytest.mark.django_db
COUNTED = (Patient, Order, Report, ReportVersion, ImportedVisit, Referrer)


def state() -> list[int]:
    return [model.objects.count() for model in COUNTED]


def refused_rows(path: Path | None) -> list[tuple[Any, ...]]:
    assert path is not None
    return list(load_workbook(path).active.iter_rows(values_only=True))[1:]


# --- what comes of a good row ------------------------------------------------------------------------


def test_a_row_becomes_a_patient_an_examination_a_report_and_a_billing_state(take: Take, admin: User) -> None:
    result, refused = take([row()])

    order = Order.objects.select_related("patient", "referrer", "imported", "report").get()
    assert (result.new_patients, result.examinations, result.reports, refused) == (1, 1, 1, None)
    assert str(order.patient) == "Jane Roe (P-1)"
    assert order.patient.birth_text == "about 1979"
    assert (order.status, order.indication, order.referrer.name) == ("released", "Cough", "Dr. Own")
    assert order.ordered_at.date() == dt.date(2024, 5, 3)
    assert order.imported.billing == "paid"
    assert order.imported.original["Name"] == "Jane Roe"
    assert order.report.content == {"findings": "<p>Clear lungs.</p>"}
    assert FlowEvent.objects.count() == 0


def test_an_imported_report_says_that_it_was_imported_and_by_whom_it_was_written(
    take: Take, admin: User
) -> None:
    take([row()])

    version = ReportVersion.objects.select_related("report").get()
    assert (version.kind, version.report.status, version.signed_by) == ("imported", "final", admin)
    assert version.report.responsible == "Dr. Ray"
    assert version.content["imported"] == {"author": "Dr. Ray", "reported_on": "2024-05-03"}


def test_everything_is_in_the_audit_trail(take: Take, admin: User) -> None:
    take([row()])

    entries = Entry.objects.filter(actor_id=admin.pk).order_by("pk").values_list("action", flat=True)
    assert list(entries) == [
        "patient.imported",
        "referrer.added",
        "order.imported",
        "report.imported",
        "spreadsheet.imported",
    ]


def test_a_returning_patient_and_a_known_referrer_are_reused(take: Take) -> None:
    result, _refused = take([row(), row(Date="2024-06-03", Age="45", Reason_for_Exam="Pain")])

    assert (result.new_patients, result.returning) == (1, 1)
    assert state()[:2] == [1, 2]
    assert Referrer.objects.count() == 1


def test_a_patient_of_the_clinic_is_found_by_the_number_however_it_is_written(take: Take) -> None:
    patient = make_patient(
        mrn="CVC-0042", family_name="Roe", given_name="Jane", birth_date=dt.date(1978, 2, 3)
    )

    take([row(Patient_ID="cvc 0042")])

    assert Order.objects.get().patient == patient


def test_an_examination_of_the_catalogue_is_recognised(take: Take) -> None:
    chest = make_procedure(name="Chest X-ray PA", code="XCHEST")

    take([row(Reason_for_Exam="chest x-ray pa"), row(Date="2024-06-01", Reason_for_Exam="US liver")])

    first, second = Order.objects.order_by("pk")
    assert first.procedure == chest
    assert (second.procedure.modality, second.procedure.is_active) == ("US", False)


def test_without_findings_a_row_is_refused_or_waits_to_be_read(take: Take) -> None:
    refused, _file = take([row(Findings="")])
    taken, _file = take([row(Findings="")], takes_unread=True)

    assert (refused.refused, refused.about) == (1, {"findings": 1})
    assert taken.unread == 1
    assert Order.objects.get().status == "acquired"


# --- again -------------------------------------------------------------------------------------------


def test_a_second_run_changes_nothing(take: Take) -> None:
    rows = [row(), row(Patient_ID="P-2", Name="Ann Poe")]
    take(rows)
    before = state()

    result, _refused = take(rows)

    assert (result.here, result.changed, result.refused) == (2, 0, 0)
    assert state() == before


def test_who_has_paid_meanwhile_has_paid_here_too(take: Take) -> None:
    take([row(Billing_Status="Pending")])

    result, _refused = take([row(Billing_Status="Paid")])

    assert (result.billing_changed, result.examinations) == (1, 0)
    assert ImportedVisit.objects.get().billing == "paid"


def test_other_findings_of_the_same_visit_never_make_a_second_report(take: Take) -> None:
    take([row()])

    result, refused = take([row(Findings="A shadow.")])

    assert result.refused == 1
    assert "never replaced" in refused_rows(refused)[0][-1]
    assert Report.objects.count() == 1


def test_two_examinations_of_one_day_are_both_taken_and_both_recognised(take: Take) -> None:
    rows = [row(), row(Findings="The wrist is broken.")]
    first, _refused = take(rows)

    second, _refused = take(rows)

    assert (first.examinations, second.here, second.refused) == (2, 2, 0)


def test_an_interrupted_run_is_repeated(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(Patient_ID=f"P-{number}", Name=f"Jane Roe{'abcd'[number]}") for number in range(4)]
    monkeypatch.setattr(importing, "BATCH", 2)
    written = VisitImport._write

    def fail_in_the_second(self: VisitImport, taken: Any) -> None:
        written(self, taken)
        if self.result.rows > 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(VisitImport, "_write", fail_in_the_second)
        with pytest.raises(KeyboardInterrupt):
            take(rows)
    assert Order.objects.count() == 2

    result, _refused = take(rows)

    assert (result.here, result.examinations) == (2, 2)


def test_a_dry_run_counts_the_same_and_writes_nothing(take: Take) -> None:
    rows = [row(), row(), row(Date="2024-06-01"), row(Patient_ID="P-2", Name="Ann Poe"), row(Age="old")]
    before = [*state(), Entry.objects.count()]

    dry, _refused = take(rows, dry=True)
    assert [*state(), Entry.objects.count()] == before

    real, _refused = take(rows)
    assert {**dry.as_json(), "duplicates": []} == {**real.as_json(), "duplicates": []}


# --- whose is it -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Name": "Robert Kane"}, "the row names Robert Kane"),
        ({"Age": "12"}, "the row says born about 2012"),
    ],
)
def test_a_number_of_somebody_else_is_refused(take: Take, changes: dict[str, str], words: str) -> None:
    take([row()])

    result, refused = take([row(Date="2024-06-01", **changes)])

    assert result.about == {"patient_id": 1}
    assert words in refused_rows(refused)[0][-1]
    assert Order.objects.count() == 1


@pytest.mark.parametrize("name", ["ROE, Jane", "Jane M. Roe", "J. Roe", "Jayne Roe"])
def test_another_spelling_of_the_same_name_is_the_same_person(take: Take, name: str) -> None:
    take([row()])

    result, _refused = take([row(Date="2024-06-01", Name=name)])

    assert (result.refused, result.returning) == (0, 1)


def test_somebody_who_is_certainly_here_under_another_number_is_refused(take: Take, tmp_path: Path) -> None:
    make_patient(mrn="OLD-1", family_name="Roe", given_name="Jane", birth_date=dt.date(1980, 2, 25))
    headings = ["Patient ID", "Date", "Name", "Date of birth", "Findings"]
    cells = ["P-1", "2024-05-03", "Jane Roe", "25/02/1980", "Clear."]

    result, refused = take(
        write_xlsx(tmp_path / "list.xlsx", [cells, ["P-2", *cells[1:]]], headings=headings)
    )

    assert (result.refused, result.new_patients) == (2, 0)
    assert "OLD-1" in refused_rows(refused)[0][-1]


def test_two_numbers_of_one_person_in_the_list_itself_are_found(take: Take, tmp_path: Path) -> None:
    headings = ["Patient ID", "Date", "Name", "Date of birth", "Findings"]
    cells = ["P-1", "2024-05-03", "Jane Roe", "25/02/1980", "Clear."]

    result, refused = take(
        write_xlsx(tmp_path / "list.xlsx", [cells, ["P-2", *cells[1:]]], headings=headings)
    )

    assert (result.refused, result.new_patients) == (1, 1)
    assert refused_rows(refused)[0][0] == "P-2"


def test_likely_duplicates_are_listed_and_taken(take: Take) -> None:
    make_patient(mrn="OLD-1", family_name="Roe", given_name="Jane", birth_date=dt.date(1979, 2, 25))

    result, _refused = take([row()])

    assert result.new_patients == 1
    assert result.duplicates[0]["others"][0]["patient"] == "Jane Roe (OLD-1)"


# --- what is wrong -----------------------------------------------------------------------------------


def test_refused_rows_come_back_as_they_were_and_can_be_mended(take: Take, tmp_path: Path) -> None:
    result, refused = take([row(), row(Patient_ID="P-2", Name="Ann Poe", Age="old")])
    assert refused is not None
    assert refused.name == "visits-refused.xlsx"

    book = load_workbook(refused)
    book.active["D2"] = "45"
    book.save(refused)
    mended, again = take(refused)

    assert result.refused == 1
    assert (mended.new_patients, mended.refused, again) == (1, 0, None)


def test_a_file_of_refused_rows_is_never_written_over(take: Take) -> None:
    _result, first = take([row(Age="old")])
    _result, second = take([row(Age="old")])

    assert [path.name for path in (first, second) if path] == ["visits-refused.xlsx", "visits-refused-2.xlsx"]


def test_a_formula_is_data_and_is_never_computed_anywhere(take: Take) -> None:
    evil = '=HYPERLINK("http://x","y")'

    result, refused = take([row(Findings=evil), row(Patient_ID="P-2", Name="=1+1")])

    assert Report.objects.get().content["findings"] == f"<p>{evil}</p>"
    assert result.about == {"name": 1}
    cell = load_workbook(refused).active["C2"]
    assert (cell.data_type, cell.value) == ("s", "'=1+1")


def test_one_row_that_the_database_refuses_does_not_stop_the_others(
    take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = VisitImport._write

    def refuse_one(self: VisitImport, taken: Any) -> None:
        if any(visit.mrn == "P-2" for visit, _key in taken):
            raise DataError("value too strange")
        written(self, taken)

    monkeypatch.setattr(VisitImport, "_write", refuse_one)

    result, refused = take(
        [row(Patient_ID=f"P-{number}", Name=f"Jane Roe{'abcde'[number]}") for number in range(5)]
    )

    assert (result.examinations, result.refused) == (4, 1)
    assert refused_rows(refused)[0][0] == "P-2"
    assert refused_rows(refused)[0][-1] == "value too strange"


def test_only_who_may_import_imports(take: Take, tmp_path: Path) -> None:
    reader = VisitReader.__new__(VisitReader)

    with pytest.raises(NotAllowed):
        VisitImport(reader, by=make_user(Role.RECEPTIONIST))


# --- many --------------------------------------------------------------------------------------------


def test_of_many_rows_the_good_come_in_and_ten_kinds_of_bad_come_back(take: Take, tmp_path: Path) -> None:
    path = tmp_path / "visits.xlsx"
    write_sample(path, 600, bad_every=20)

    result, refused = take(path)
    before = state()
    again, _refused = take(path)

    bad = refused_rows(refused)
    assert (result.rows, result.examinations, result.refused) == (600, 570, 30)
    assert len({reason[-1] for reason in bad}) == len(BAD)
    assert (again.here, again.changed, again.refused) == (570, 0, 30)
    assert state() == before


def test_reading_takes_no_more_memory_for_a_longer_file(tmp_path: Path, db: None) -> None:
    def peak(count: int) -> int:
        path = tmp_path / f"{count}.csv"
        write_sample(path, count)
        table = open_table(path)
        reader = VisitReader(table, find_layout(table, VISIT_FIELDS), Options())
        tracemalloc.start()
        reader.survey()
        for each in reader.rows():
            reader.read(each)
        _size, found = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return found

    peak(50)

    assert peak(300) < peak(60) + 200_000
