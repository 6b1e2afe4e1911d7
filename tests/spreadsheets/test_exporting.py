"""What goes out comes in again and changes nothing; what could be computed is made harmless."""

import csv
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from openpyxl import load_workbook

from clinic.models import User
from clinic.permissions import Role
from clinic.spreadsheets.exporting import HEADINGS, export_rows, write_export
from patients.models import Patient
from reporting.models import Report
from scheduling.models import Order
from scheduling.statuses import OrderStatus
from tests.factories import make_order, make_user
from tests.reporting.factories import make_signed_report

from .conftest import Take, row, write_xlsx

pytestmark = pytest.mark.django_db


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    rows = load_workbook(path).active.iter_rows(values_only=True)
    head = next(rows)
    return [dict(zip(head, cells, strict=True)) for cells in rows]


@pytest.mark.parametrize("ending", [".xlsx", ".csv"])
def test_an_export_comes_in_again_and_changes_nothing(
    take: Take, admin: User, tmp_path: Path, ending: str
) -> None:
    take([row(), row(Patient_ID="P-2", Name="Nguyễn Văn An", Age="6 mo"), row(Date="2024-06-01")])
    make_signed_report()
    make_order(status=OrderStatus.SCHEDULED)  # not examined yet: no row
    before = [model.objects.count() for model in (Patient, Order, Report)]
    path = tmp_path / f"all{ending}"

    count = write_export(path, by=admin)
    result, _refused = take(path)

    assert count == 4
    assert (result.here, result.changed, result.refused) == (4, 0, 0)
    assert [model.objects.count() for model in (Patient, Order, Report)] == before


def test_an_export_holds_what_was_imported(take: Take, admin: User, tmp_path: Path) -> None:
    take([row()])
    path = tmp_path / "all.xlsx"

    write_export(path, by=admin)

    found = read(path)[0]
    assert list(found) == HEADINGS
    assert (found["Patient ID"], found["Date"], found["Name"]) == ("P-1", "2024-05-03", "Jane Roe")
    assert (found["Radiologist"], found["Findings"]) == ("Dr. Ray", "Clear lungs.")
    assert (found["Billing Status"], found["Age"]) == ("Paid", "45")


@pytest.mark.parametrize("ending", [".xlsx", ".csv"])
def test_cells_that_could_be_computed_are_neutralised(
    take: Take, admin: User, tmp_path: Path, ending: str
) -> None:
    headings = ["Patient ID", "Date", "Name", "Phone", "Reason", "Findings"]
    cells = ["P-1", "2024-05-03", "Jane Roe", "+254712345678", "@SUM(1)", "=cmd|' /C calc'!A0"]
    take(write_xlsx(tmp_path / "evil.xlsx", [cells], headings=headings))
    path = tmp_path / f"all{ending}"

    write_export(path, by=admin)

    found = read(path)[0]
    assert found["Phone"] == "'+254712345678"
    assert found["Reason for Exam"] == "'@SUM(1)"
    assert found["Findings"] == "'=cmd|' /C calc'!A0"


def test_reports_may_stay_here(take: Take, admin: User) -> None:
    take([row()])

    (found,) = export_rows(with_reports=False)

    assert "Clear lungs." not in found


def test_an_export_takes_as_many_queries_for_three_as_for_one(
    take: Take, django_assert_num_queries: Any
) -> None:
    take([row()])
    with django_assert_num_queries(4):
        list(export_rows())

    take([row(Date="2024-06-01"), row(Date="2024-07-01")])

    with django_assert_num_queries(4):
        list(export_rows())


# --- the commands ------------------------------------------------------------------------------------


def test_the_commands_lead_from_a_sample_to_an_export(
    admin: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = tmp_path / "sample.csv"
    call_command("sample_spreadsheet", sample, rows=20, bad_every=10)
    call_command("import_spreadsheet", sample, dry_run=True)
    dry = capsys.readouterr().out
    assert Order.objects.count() == 0
    call_command("import_spreadsheet", sample)
    call_command("export_spreadsheet", tmp_path / "all.csv")

    words = capsys.readouterr().out
    assert " ".join(dry.split()).count("Reason for Exam Reason for the examination 100 %") == 1
    assert "What would happen:" in dry
    assert "Refused rows, with reasons:" in words
    assert "18 examinations are in" in words
    assert (tmp_path / "sample-refused.xlsx").exists()


def test_the_command_says_who_must_be_named(admin: User, tmp_path: Path) -> None:
    make_user(Role.ADMINISTRATOR, username="bob")
    sample = write_xlsx(tmp_path / "list.xlsx", [row()])

    with pytest.raises(CommandError, match="ada, bob"):
        call_command("import_spreadsheet", sample)
    call_command("import_spreadsheet", sample, by="bob")

    assert Order.objects.get().ordered_by.username == "bob"


def test_the_command_refuses_in_words(admin: User, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no file"):
        call_command("import_spreadsheet", tmp_path / "gone.xlsx")
    with pytest.raises(CommandError, match="No column was recognised as"):
        call_command("import_spreadsheet", write_xlsx(tmp_path / "l.xlsx", [["1"]], headings=["Colour"]))
