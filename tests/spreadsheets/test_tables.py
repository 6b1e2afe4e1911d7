"""Files as they come: encodings, delimiters, formulas, odd cells."""

import datetime as dt
import io
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from clinic.errors import InvalidInput
from clinic.spreadsheets.tables import neutralised, open_table, text_of


def texts(path: Path, **options: str) -> list[list[str]]:
    return [[text_of(value) for value in row.values] for row in open_table(path, **options).rows()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_letters_and_columns_of_a_csv_are_found_out(tmp_path: Path, encoding: str, sign: str) -> None:
    path = tmp_path / "list.csv"
    lines = [sign.join(["ID", "Name", "Note"]), sign.join(["1", "Zoë Müller", '"a, b; c"'])]
    path.write_bytes("\r\n".join(lines).encode(encoding))

    found = texts(path)

    assert found == [["ID", "Name", "Note"], ["1", "Zoë Müller", "a, b; c"]]


def test_a_cell_may_hold_several_lines(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text('ID,Findings\n1,"first\nsecond"\n2,x\n')

    assert texts(path) == [["ID", "Findings"], ["1", "first\nsecond"], ["2", "x"]]


def test_numbers_keep_their_look(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append([1001.0, 42, 0.5, True, dt.date(2024, 5, 3), None, " '=x "])
    book.active["B1"].number_format = "00000"
    path = tmp_path / "list.xlsx"
    book.save(path)

    assert texts(path) == [["1001", "00042", "0.5", "1", "2024-05-03", "", "=x"]]


def test_a_formula_is_data(tmp_path: Path) -> None:
    """Nothing is computed: a formula without a computed value is its own text."""
    book = Workbook()
    book.active.append(["ID", "Name"])
    book.active.append(["1", '=CONCAT("Jane"," Roe")'])
    path = tmp_path / "list.xlsx"
    book.save(path)

    table = open_table(path)

    assert [text_of(row.values[1]) for row in table.rows()] == ["Name", '=CONCAT("Jane"," Roe")']
    assert "formulas" in table.notes[0]


def test_a_formula_gives_the_value_that_was_last_computed(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["Age", "=40+5"])
    path = tmp_path / "list.xlsx"
    book.save(path)
    computed = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(computed, "w") as new:
        for name in old.namelist():
            data = old.read(name).replace(b"<f>40+5</f><v></v>", b"<f>40+5</f><v>45</v>")
            new.writestr(name, data.replace(b"<f>40+5</f><v />", b"<f>40+5</f><v>45</v>"))
    path.write_bytes(computed.getvalue())

    assert texts(path) == [["Age", "45"]]


def test_days_are_counted_from_1904_where_the_file_says_so(tmp_path: Path) -> None:
    book = Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active.append([dt.date(2024, 5, 3), "x"])
    path = tmp_path / "list.xlsx"
    book.save(path)

    table = open_table(path)

    assert texts(path)[0][0] == "2024-05-03"
    assert table.day_of(43952) == dt.date(2024, 5, 2)


def test_the_first_shown_sheet_with_a_table_is_read_and_another_by_name(tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = "Cover"
    book.active.append(["Cedar Village"])
    hidden = book.create_sheet("Old")
    hidden.sheet_state = "hidden"
    for sheet in (hidden, book.create_sheet("Visits")):
        sheet.append(["ID", "Name"])
        sheet.append([sheet.title, "x"])
    path = tmp_path / "list.xlsx"
    book.save(path)

    assert texts(path)[1] == ["Visits", "x"]
    assert texts(path, sheet="Old")[1] == ["Old", "x"]
    with pytest.raises(InvalidInput, match="Cover, Old, Visits"):
        open_table(path, sheet="New")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\xd0\xcf\x11\xe0old", "Save it as .xlsx"),
        (b"PK\x03\x04nonsense", "Accepted are .xlsx and .csv"),
        (bytes(range(256)) * 20, "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "list.xlsx"
    path.write_bytes(content)

    with pytest.raises(InvalidInput, match=words):
        open_table(path).head(1)


@pytest.mark.parametrize("text", ["=1+1", "+254700", "-1", "@cmd", "\tx", "\rx"])
def test_what_could_be_computed_is_neutralised_and_read_back(text: str) -> None:
    assert neutralised(text) == f"'{text}"
    assert text_of(neutralised(text)) == text
