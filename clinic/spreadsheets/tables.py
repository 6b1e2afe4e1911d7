"""Tables in files: rows of values, read one after the other, from .xlsx and .csv.

Nothing is evaluated. A formula gives the value that the spreadsheet program last computed, or itself as text
when there is none. Memory does not grow with the length of the file.
"""

import csv
import datetime as dt
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

from django.utils.translation import gettext as _
from openpyxl import load_workbook
from openpyxl.utils.datetime import from_excel
from openpyxl.utils.exceptions import InvalidFileException

from clinic.errors import InvalidInput

Value = str | int | float | bool | dt.datetime | dt.date | dt.time | dt.timedelta | None
LONGEST_CELL = 1_000_000
MOST_COLUMNS = 500
UNPACKED_BYTES = 1024**3
ERRORS = {"#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"}
_SAMPLE = 64 * 1024
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Row:
    """A row of the file; ``number`` is what the spreadsheet program shows at its left."""

    number: int
    values: tuple[Value, ...]

    @property
    def is_blank(self) -> bool:
        return all(text_of(value) == "" for value in self.values)


@dataclass
class Table:
    """One sheet of a file. ``notes`` are what a person should know about how it was read."""

    path: Path
    name: str
    sheet: str = ""
    sheets: list[str] = field(default_factory=list)
    encoding: str = ""
    delimiter: str = ""
    is_1904: bool = False
    notes: list[str] = field(default_factory=list)
    _has_formulas: bool = False

    def rows(self) -> Iterator[Row]:
        """Every row that is not blank, from the beginning each time."""
        found = self._csv_rows() if self.encoding else self._xlsx_rows()
        return (row for row in found if not row.is_blank)

    def head(self, count: int) -> list[Row]:
        return list(islice(self.rows(), count))

    def day_of(self, serial: float) -> dt.date | None:
        """The day that a spreadsheet program means with a bare number."""
        if not 1000 < serial < 80_000:
            return None
        epoch = dt.datetime(1904, 1, 1) if self.is_1904 else dt.datetime(1899, 12, 30)  # noqa: DTZ001
        moment = from_excel(serial, epoch)
        return moment.date() if isinstance(moment, dt.datetime) else None

    def _xlsx_rows(self) -> Iterator[Row]:
        plain = _open_workbook(self.path, computed=True)
        formulas = _open_workbook(self.path, computed=False) if self._has_formulas else None
        try:
            computed = _sheet_rows(plain, self.sheet)
            if formulas is None:
                yield from (
                    Row(number, tuple(map(_cell_value, cells[:MOST_COLUMNS]))) for number, cells in computed
                )
                return
            written = _sheet_rows(formulas, self.sheet)
            for (number, cells), (_same, others) in zip(computed, written, strict=True):
                yield Row(number, tuple(map(_either, cells, others)))
        except (zipfile.BadZipFile, KeyError, SyntaxError, ValueError, TypeError) as error:
            raise InvalidInput(
                _("“%(name)s” is damaged and cannot be read to its end: %(why)s")
                % {"name": self.name, "why": error}
            ) from error
        finally:
            plain.close()
            if formulas is not None:
                formulas.close()

    def _csv_rows(self) -> Iterator[Row]:
        with self.path.open(encoding=self.encoding, newline="") as file:
            reader = csv.reader(file, delimiter=self.delimiter)
            number = 0
            try:
                for values in reader:
                    number += 1
                    yield Row(number, tuple(values[:MOST_COLUMNS]))
            except csv.Error as error:
                raise InvalidInput(
                    _("Line %(line)d of “%(name)s” cannot be read: %(why)s")
                    % {"line": reader.line_num, "name": self.name, "why": error}
                ) from error


def open_table(path: Path, *, sheet: str = "") -> Table:
    """The table in ``path``; of several sheets the one named, else the first that is shown and not empty."""
    if not path.is_file():
        raise InvalidInput(_("There is no file “%(name)s”.") % {"name": path})
    csv.field_size_limit(LONGEST_CELL)
    with path.open("rb") as file:
        beginning = file.read(8)
    if beginning.startswith(b"PK"):
        return _open_xlsx(path, sheet)
    if beginning.startswith(b"\xd0\xcf\x11\xe0"):
        raise InvalidInput(
            _("“%(name)s” is of the old Excel kind (.xls) or has a password. Save it as .xlsx without one.")
            % {"name": path.name}
        )
    if not beginning:
        raise InvalidInput(_("“%(name)s” is empty.") % {"name": path.name})
    return _open_csv(path)


# --- xlsx --------------------------------------------------------------------------------------------


def _refuse_bomb(path: Path) -> None:
    """A file that unpacks to more than any list is no list."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
    except zipfile.BadZipFile:
        size = 0  # said by whoever opens it
    if size > UNPACKED_BYTES:
        raise InvalidInput(
            _("“%(name)s” unpacks to %(size)d MB; at most %(most)d are read. Save a part of it, or .csv.")
            % {"name": path.name, "size": size >> 20, "most": UNPACKED_BYTES >> 20}
        )


def _open_workbook(path: Path, *, computed: bool) -> Any:
    try:
        with catch_warnings():
            simplefilter("ignore")
            return load_workbook(path, read_only=True, data_only=computed, keep_links=False)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, TypeError, OSError) as error:
        raise InvalidInput(
            _("“%(name)s” cannot be read. Accepted are .xlsx and .csv.") % {"name": path.name}
        ) from error


def _open_xlsx(path: Path, sheet: str) -> Table:
    _refuse_bomb(path)
    book = _open_workbook(path, computed=True)
    try:
        shown = [each.title for each in book.worksheets if each.sheet_state == "visible"]
        names = [each.title for each in book.worksheets]
        if not names:
            raise InvalidInput(_("“%(name)s” has no sheet with a table.") % {"name": path.name})
        if sheet and sheet not in names:
            raise InvalidInput(
                _("There is no sheet “%(sheet)s”; there are: %(sheets)s.")
                % {"sheet": sheet, "sheets": ", ".join(names)}
            )
        chosen = sheet or next((name for name in shown if _is_filled(book, name)), (shown or names)[0])
        table = Table(path, path.name, chosen, names, is_1904=book.epoch.year == 1904)
    finally:
        book.close()
    table._has_formulas = _has_formulas(path)
    if table._has_formulas:
        table.notes.append(
            _("The file holds formulas. Their last computed values are read; nothing is computed here.")
        )
    if len(names) > 1:
        others = ", ".join(name for name in names if name != chosen)
        table.notes.append(
            _("Read is the sheet “%(sheet)s”; not read: %(others)s.") % {"sheet": chosen, "others": others}
        )
    return table


def _is_filled(book: Any, name: str) -> bool:
    rows = islice(_sheet_rows(book, name), 60)
    return sum(any(_cell_value(cell) not in (None, "") for cell in cells) for _number, cells in rows) > 1


def _sheet_rows(book: Any, name: str) -> Iterator[tuple[int, Any]]:
    sheet = book[name]
    sheet.reset_dimensions()  # many programs write wrong ones
    yield from enumerate(sheet.iter_rows(), start=1)


def _has_formulas(path: Path) -> bool:
    """Whether a sheet of the file holds a formula: looked for in the text of the file, piece by piece."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not re.match(r"xl/worksheets/[^/]+\.xml$", name):
                continue
            with archive.open(name) as file:
                kept = b""
                while piece := file.read(1 << 20):
                    if re.search(rb"<f[ >/]", kept + piece):
                        return True
                    kept = piece[-3:]
    return False


def _cell_value(cell: Any) -> Value:
    """The value; a number that is shown with leading zeros (``00042``) keeps them."""
    value = cell.value
    if type(value) in (int, float) and value >= 0 and value == int(value):
        zeros = cell.number_format or ""
        if len(zeros) > 1 and set(zeros) == {"0"}:
            return str(int(value)).zfill(len(zeros))
    if isinstance(value, str) and cell.data_type == "s":
        return _unescaped(value)
    return value  # type: ignore[no-any-return]


def _either(computed: Any, written: Any) -> Value:
    value = _cell_value(computed)
    if value is None and written.value is not None:
        return str(getattr(written.value, "text", None) or written.value)
    return value


def _unescaped(text: str) -> str:
    """Excel writes signs that XML cannot hold as ``_x000D_``."""
    if "_x" not in text:
        return text
    return re.sub(r"_x(00[0-9A-Fa-f]{2})_", lambda code: chr(int(code[1], 16)), text)


# --- csv ---------------------------------------------------------------------------------------------


def _open_csv(path: Path) -> Table:
    encoding = detect_encoding(path)
    try:
        with path.open(encoding=encoding, newline="") as file:
            sample = file.read(_SAMPLE)
    except UnicodeError as error:
        raise InvalidInput(
            _("The letters of “%(name)s” cannot be read. Save it as CSV UTF-8.") % {"name": path.name}
        ) from error
    if "\x00" in sample:
        raise InvalidInput(_("“%(name)s” cannot be read. Accepted are .xlsx and .csv.") % {"name": path.name})
    table = Table(path, path.name, encoding=encoding, delimiter=detect_delimiter(sample))
    words = {",": _("comma"), ";": _("semicolon"), "\t": _("tab"), "|": "|"}
    table.notes.append(
        _("Letters read as %(encoding)s, columns parted by %(sign)s.")
        % {
            "encoding": {"utf-8-sig": "UTF-8", "cp1252": "Windows-1252"}.get(encoding, encoding.upper()),
            "sign": words[table.delimiter],
        }
    )
    return table


def detect_encoding(path: Path) -> str:
    """UTF-8 or UTF-16 where the file says or proves so, else Windows-1252."""
    with path.open("rb") as file:
        beginning = file.read(4096)
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if beginning[1::2].count(0) > len(beginning) // 4:
        return "utf-16-le"
    if beginning[::2].count(0) > len(beginning) // 4:
        return "utf-16-be"
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            with path.open(encoding=encoding, newline="") as file:
                while file.read(1 << 20):
                    pass
        except UnicodeError:
            continue
        return encoding
    return "latin-1"


def detect_delimiter(sample: str) -> str:
    """The sign that parts most lines into the same number of columns."""

    def evenness(delimiter: str) -> tuple[int, int]:
        counts = [len(row) for row in csv.reader(sample.splitlines(keepends=True)[:50], delimiter=delimiter)]
        common = max(set(counts), key=lambda count: (count > 1, counts.count(count)), default=1)
        return (counts.count(common) if common > 1 else 0, common)

    return max(_DELIMITERS, key=evenness)


# --- values ------------------------------------------------------------------------------------------


def text_of(value: Value) -> str:
    """A value as somebody would read it: ``1001`` and not ``1001.0``, blanks tidied at the ends."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "minutes")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return without_apostrophe(str(value).replace("\xa0", " ").strip())


def without_apostrophe(text: str) -> str:
    """An apostrophe that only keeps a spreadsheet program from computing the cell is no part of the text."""
    return text[1:] if len(text) > 1 and text[0] == "'" and text[1] in "=+-@\t\r" else text


def neutralised(text: str) -> str:
    """A text that no spreadsheet program computes."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def padded(values: Iterable[Value], width: int) -> list[Value]:
    return [value for value, _place in zip_longest(values, range(width))][:width]
