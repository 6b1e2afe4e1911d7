"""The administrator's page: upload, columns, check, import, refused rows."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django_q.models import OrmQ

from clinic.errors import Conflict
from clinic.models import User
from clinic.spreadsheets import runs, tasks
from clinic.spreadsheets.models import SpreadsheetRun
from scheduling.models import Order

from .conftest import HEADINGS, row, write_xlsx

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def documents(tmp_path: Path, settings: Any) -> None:
    settings.DOCUMENTS_DIR = tmp_path / "documents"


@pytest.fixture
def desk(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def upload(desk: Client, tmp_path: Path, *rows: list[Any], headings: list[str] = HEADINGS) -> SpreadsheetRun:
    path = write_xlsx(tmp_path / "visits.xlsx", rows, headings=headings)
    file = SimpleUploadedFile("visits.xlsx", path.read_bytes())
    answer = desk.post(reverse("spreadsheets:upload"), {"file": file})
    run = SpreadsheetRun.objects.latest("pk")
    assert answer.headers["Location"] == reverse("spreadsheets:run", args=[run.pk])
    return run


def post(desk: Client, name: str, run: SpreadsheetRun, **data: Any) -> int:
    status = desk.post(reverse(f"spreadsheets:{name}", args=[run.pk]), data).status_code
    run.refresh_from_db()
    return status


def page(desk: Client, run: SpreadsheetRun) -> str:
    return desk.get(reverse("spreadsheets:run", args=[run.pk])).content.decode()


def test_a_list_is_uploaded_checked_and_imported(desk: Client, admin: User, tmp_path: Path) -> None:
    run = upload(desk, tmp_path, row(), row(Patient_ID="P-2", Name="Ann Poe", Age="old"))
    assert '<option value="patient_id" selected>' in page(desk, run)

    assert post(desk, "check", run) == 302
    assert run.state == "checking"
    tasks.check_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.result["examinations"], Order.objects.count()) == ("checked", 1, 0)
    assert "“old” is not an age" in page(desk, run)

    assert post(desk, "start", run) == 302
    tasks.import_run(run.pk, admin.pk)
    run.refresh_from_db()
    assert (run.state, run.percent, Order.objects.count()) == ("done", 100, 1)
    assert [job.task["func"] for job in OrmQ.objects.order_by("pk")][-2:] == [runs.CHECK, runs.IMPORT]
    refused = desk.get(reverse("spreadsheets:refused", args=[run.pk]))
    assert 'filename="visits-refused.xlsx"' in refused.headers["Content-Disposition"]
    assert Order.objects.get().imported.source == "visits.xlsx, row 2"


def test_a_task_that_runs_twice_changes_nothing(desk: Client, admin: User, tmp_path: Path) -> None:
    run = upload(desk, tmp_path, row())
    post(desk, "check", run)
    tasks.check_run(run.pk)
    post(desk, "start", run)

    tasks.import_run(run.pk, admin.pk)
    tasks.import_run(run.pk, admin.pk)

    assert Order.objects.count() == 1


def test_columns_are_changed_by_a_person(desk: Client, admin: User, tmp_path: Path) -> None:
    run = upload(
        desk, tmp_path, ["P-1", "2024-05-03", "Jane Roe", "Clear."], headings=["Card", "Date", "Name", "Text"]
    )
    columns = {
        "heading": ["Card", "Date", "Name", "Text"],
        "field": ["patient_id", "date", "name", "findings"],
    }

    assert post(desk, "check", run) == 400
    assert post(desk, "check", run, **columns) == 302

    tasks.check_run(run.pk)
    run.refresh_from_db()
    assert run.result["examinations"] == 1


def test_two_columns_for_one_thing_are_refused(desk: Client, tmp_path: Path) -> None:
    run = upload(desk, tmp_path, row())

    answer = desk.post(
        reverse("spreadsheets:check", args=[run.pk]), {"heading": ["Age", "Name"], "field": ["name", "name"]}
    )

    assert answer.status_code == 400
    assert "Two columns are chosen" in answer.content.decode()


@pytest.mark.parametrize("content", [b"", b"\xd0\xcf\x11\xe0old", b"PK\x03\x04no"])
def test_what_is_no_list_is_refused_at_once_and_not_kept(desk: Client, content: bytes) -> None:
    answer = desk.post(reverse("spreadsheets:upload"), {"file": SimpleUploadedFile("x.xlsx", content)})

    assert answer.status_code == 400
    assert SpreadsheetRun.objects.count() == 0


def test_only_what_was_checked_is_imported(desk: Client, admin: User, tmp_path: Path) -> None:
    run = upload(desk, tmp_path, row())

    assert post(desk, "start", run) == 409
    with pytest.raises(Conflict, match="Uploaded"):
        runs.start_import(run, by=admin)


def test_a_list_that_cannot_be_read_any_more_fails_in_words(desk: Client, tmp_path: Path) -> None:
    run = upload(desk, tmp_path, row())
    post(desk, "check", run)
    run.path.write_bytes(b"PK\x03\x04broken")

    tasks.check_run(run.pk)

    run.refresh_from_db()
    assert run.state == "failed"
    assert "cannot be read" in page(desk, run)


def test_the_settings_lead_to_the_page(desk: Client) -> None:
    assert reverse("spreadsheets:list") in desk.get("/admin/").content.decode()


def test_the_list_of_lists_takes_as_many_queries_for_three_as_for_one(
    desk: Client, tmp_path: Path, django_assert_max_num_queries: Any
) -> None:
    def count() -> int:
        with django_assert_max_num_queries(30) as asked:
            desk.get(reverse("spreadsheets:list"))
        return len(asked.captured_queries)

    upload(desk, tmp_path, row())
    first = count()
    for _number in range(2):
        upload(desk, tmp_path, row())

    assert count() == first
