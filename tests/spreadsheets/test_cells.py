"""Days, ages, sexes and billing states as people write them."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from clinic.errors import InvalidInput
from clinic.spreadsheets.cells import DayOrder, modality_in, read_age, read_billing, read_day, read_sex
from clinic.spreadsheets.tables import Table

TODAY = dt.date(2025, 6, 1)
TABLE = Table(Path("list.csv"), "list.csv")


def day(value: Any, *column: Any, said: str = "") -> dt.date:
    order = DayOrder(said=said)
    for each in (value, *column):
        order.look_at(each)
    return read_day(value, TABLE, order, today=TODAY)


@pytest.mark.parametrize(
    "value",
    [
        dt.datetime(2024, 5, 23),  # noqa: DTZ001  a spreadsheet knows no zone
        "2024-05-23",
        "23/05/2024",
        "05/23/2024",
        "23.5.2024",
        "23-05-24",
        "23 May 2024",
        "23/05/2024 14:30",
        "2024-05-23T08:00:00",
        45435,
        "45435",
    ],
)
def test_a_day_is_read_in_every_clear_way(value: Any) -> None:
    assert day(value) == dt.date(2024, 5, 23)


def test_an_unclear_day_is_refused_with_both_readings() -> None:
    with pytest.raises(InvalidInput, match=r"4 Mar 2024 or as 3 Apr 2024.*2024-03-04"):
        day("03/04/2024")


def test_the_column_as_a_whole_decides() -> None:
    assert day("03/04/2024", "25/04/2024") == dt.date(2024, 4, 3)
    assert day("03/04/2024", "04/25/2024") == dt.date(2024, 3, 4)


def test_a_column_that_contradicts_itself_decides_nothing() -> None:
    with pytest.raises(InvalidInput, match="can be read as"):
        day("03/04/2024", "25/04/2024", "04/25/2024")


@pytest.mark.parametrize(("said", "month"), [("dmy", 4), ("mdy", 3)])
def test_a_person_decides(said: str, month: int) -> None:
    assert day("03/04/2024", said=said).month == month


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "missing"),
        ("31/02/2024", "calendar"),
        ("soon", "Accepted"),
        ("2025-06-02", "future"),
        ("1895-01-01", "no X-rays"),
        ("#REF!", "#REF!"),
    ],
)
def test_what_is_no_day_of_a_visit_is_refused(value: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        day(value)


@pytest.mark.parametrize(
    ("value", "born"),
    [
        ("45", "about 1979"),
        (45.0, "about 1979"),
        ("45y", "about 1979"),
        ("45 yrs", "about 1979"),
        ("45 ans", "about 1979"),
        ("45 tuổi", "about 1979"),
        ("about 45", "about 1979"),
        ("1", "about 2023"),
        ("6 mo", "November 2023"),
        ("3/12", "February 2024"),
        ("1y 6m", "November 2022"),
        ("10 days", "May 2024"),
        ("2/52", "May 2024"),
    ],
)
def test_an_age_is_an_approximate_birth_at_the_visit(value: Any, born: str) -> None:
    found = read_age(value, at=dt.date(2024, 5, 23))

    assert found is not None
    assert found.text == born


@pytest.mark.parametrize("value", ["old", "150", "45 bananas", "-3", "4/7/8"])
def test_what_is_no_age_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match="not an age"):
        read_age(value, at=TODAY)


@pytest.mark.parametrize(
    ("value", "sex"),
    [("M", "M"), ("female", "F"), ("Hombre", "M"), ("Mujer", "F"), ("nữ", "F"), ("männlich", "M"), ("", "U")],
)
def test_sexes_are_known_in_several_languages(value: str, sex: str) -> None:
    assert read_sex(value) == sex


def test_m_beside_h_is_mujer() -> None:
    assert read_sex("M", in_spanish=True) == "F"


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ("PAID", "paid"),
        ("Not paid", "not_paid"),
        ("pending", "pending"),
        ("impayé", "not_paid"),
        ("-", "unknown"),
    ],
)
def test_billing_states(value: str, state: str) -> None:
    assert read_billing(value) == state


@pytest.mark.parametrize(
    ("text", "modality"), [("CXR, cough", "DX"), ("US abdomen", "US"), ("CT or MRI", ""), ("Cough", "")]
)
def test_the_modality_is_found_in_the_words(text: str, modality: str) -> None:
    assert modality_in(text) == modality
