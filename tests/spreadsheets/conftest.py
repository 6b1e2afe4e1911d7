"""Lists as clinics have them, and an administrator who imports them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from clinic.models import ClinicProfile, User
from clinic.permissions import Role
from clinic.spreadsheets.columns import find_layout, require_columns
from clinic.spreadsheets.fields import VISIT_FIELDS
from clinic.spreadsheets.importing import Result, VisitImport
from clinic.spreadsheets.refused import RefusedRows, refused_path
from clinic.spreadsheets.tables import open_table
from clinic.spreadsheets.visits import Options, VisitReader
from tests.factories import make_user

HEADINGS = [
    "Patient ID",
    "Date",
    "Name",
    "Age",
    "Reason for Exam",
    "Referring Doctor",
    "Radiologist",
    "Findings",
    "Billing Status",
]
ROW = ["P-1", "2024-05-03", "Jane Roe", "45", "Cough", "Dr. Own", "Dr. Ray", "Clear lungs.", "Paid"]


@pytest.fixture
def admin(db: None) -> User:
    ClinicProfile.get()  # there before anything is counted
    return make_user(Role.ADMINISTRATOR, full_name="Ada Admin", username="ada")


def row(**changes: Any) -> list[Any]:
    """A good row with some cells written otherwise: ``row(Age="old")``, ``row(Patient_ID="X")``."""
    cells = dict(zip(HEADINGS, ROW, strict=True))
    cells.update({name.replace("_", " "): value for name, value in changes.items()})
    return list(cells.values())


def write_xlsx(path: Path, rows: Sequence[Sequence[Any]], *, headings: Sequence[str] = HEADINGS) -> Path:
    book = Workbook()
    book.active.append(list(headings))
    for cells in rows:
        book.active.append(list(cells))
    book.save(path)
    return path


Take = Callable[..., tuple[Result, Path | None]]


@pytest.fixture
def take(admin: User, tmp_path: Path) -> Take:
    """Import a file, or rows; the result and the file of refused rows."""

    def run(
        rows: Path | Sequence[Sequence[Any]], *, dry: bool = False, columns: Any = None, **options: Any
    ) -> tuple[Result, Path | None]:
        path = rows if isinstance(rows, Path) else write_xlsx(tmp_path / "visits.xlsx", rows)
        table = open_table(path)
        layout = find_layout(table, VISIT_FIELDS, chosen=columns)
        require_columns(layout, VISIT_FIELDS)
        refused = None if dry else RefusedRows(refused_path(path), layout)
        reader = VisitReader(table, layout, Options(**options))
        return VisitImport(reader, by=admin, dry=dry, refused=refused).run()

    return run
