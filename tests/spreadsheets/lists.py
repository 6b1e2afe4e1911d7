"""Lists for tests of other rooms."""

from pathlib import Path

from openpyxl import Workbook

from clinic.models import User
from clinic.spreadsheets.columns import find_layout
from clinic.spreadsheets.fields import VISIT_FIELDS
from clinic.spreadsheets.importing import VisitImport
from clinic.spreadsheets.tables import open_table
from clinic.spreadsheets.visits import Options, VisitReader
from scheduling.models import Order


def import_rows(folder: Path, by: User) -> Order:
    """The order that comes of a list of one row."""
    book = Workbook()
    book.active.append(["Patient ID", "Date", "Name", "Age", "Reason", "Radiologist", "Findings"])
    book.active.append(["P-1", "2024-05-03", "Jane Roe", "45", "Cough", "Dr. Ray", "Clear lungs."])
    path = folder / "one.xlsx"
    book.save(path)
    table = open_table(path)
    VisitImport(VisitReader(table, find_layout(table, VISIT_FIELDS), Options()), by=by).run()
    return Order.objects.latest("pk")
