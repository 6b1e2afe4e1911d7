"""Rows that were refused, as they were, with the reason behind them: to be mended and imported again."""

from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from .columns import REFUSED_HEADING, Layout
from .tables import Row, Value, neutralised, padded, without_apostrophe

CELL_LENGTH = 32_767  # what .xlsx can hold


class RefusedRows:
    """Collects refused rows beside ``path``; the file is there, whole, after ``close`` and only if needed."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path = _unused(path)
        self._headings = [heading for heading in layout.headings if heading != REFUSED_HEADING]
        self._kept = [index for index, heading in enumerate(layout.headings) if heading != REFUSED_HEADING]
        self._width = len(layout.headings)
        self._book: Any = None
        self._sheet: Any = None

    def add(self, row: Row, reason: str) -> None:
        if self._book is None:
            self._book = Workbook(write_only=True)
            self._sheet = self._book.create_sheet(_("Refused rows"))
            self._sheet.freeze_panes = "A2"
            self._sheet.append([self._bold(heading) for heading in [*self._headings, REFUSED_HEADING]])
        values = padded(row.values, self._width)
        cells = [as_data(self._sheet, values[index]) for index in self._kept]
        if any(isinstance(value, str) and len(value) > CELL_LENGTH for value in values):
            reason += " " + _(
                "(A text is longer than a cell can be: see row %(row)d of the file itself.)"
            ) % {"row": row.number}
        self._sheet.append([*cells, as_data(self._sheet, reason)])

    def close(self) -> Path | None:
        """Write the file; None when no row was refused."""
        if self._book is None:
            return None
        draft = self.path.with_name(f".{self.path.name}.part")
        self._book.save(draft)
        draft.replace(self.path)
        return self.path

    def _bold(self, text: str) -> Any:
        found = as_data(self._sheet, text)
        found.font = Font(bold=True)
        return found


def as_data(sheet: Any, value: Value) -> Any:
    """A cell that is never computed, whatever its text begins with."""
    if isinstance(value, str):
        text = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", neutralised(without_apostrophe(value)))
        found = WriteOnlyCell(sheet, text[:CELL_LENGTH])
        found.data_type = "s"
        return found
    return WriteOnlyCell(sheet, value)


def refused_path(source: Path) -> Path:
    return source.with_name(f"{source.stem}-refused.xlsx")


def _unused(path: Path) -> Path:
    """A name that is free: somebody may be mending an earlier one."""
    found, number = path, 2
    while found.exists():
        found, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return found
