import datetime as dt

import pytest

from clinic.errors import InvalidInput
from patients.dates import (
    AmbiguousDate,
    BirthDate,
    BirthPrecision,
    age,
    check_birth_date,
    read_birth_date,
    spoken,
    written,
)

TODAY = dt.date(2026, 11, 21)
DAY, MONTH, YEAR, ABOUT = BirthPrecision.DAY, BirthPrecision.MONTH, BirthPrecision.YEAR, BirthPrecision.ABOUT


@pytest.mark.parametrize(
    ("text", "date", "precision"),
    [
        ("1985-02-25", dt.date(1985, 2, 25), DAY),
        ("1985/2/5", dt.date(1985, 2, 5), DAY),
        ("25/02/1985", dt.date(1985, 2, 25), DAY),
        ("25.2.1985", dt.date(1985, 2, 25), DAY),
        ("02/25/1985", dt.date(1985, 2, 25), DAY),
        ("05/05/1985", dt.date(1985, 5, 5), DAY),
        ("19850225", dt.date(1985, 2, 25), DAY),
        ("25 Feb 1985", dt.date(1985, 2, 25), DAY),
        ("February 25, 1985", dt.date(1985, 2, 25), DAY),
        ("29/02/2024", dt.date(2024, 2, 29), DAY),
        ("٢٥/٠٢/١٩٨٥", dt.date(1985, 2, 25), DAY),
        ("1985-02", dt.date(1985, 2, 1), MONTH),
        ("02/1985", dt.date(1985, 2, 1), MONTH),
        ("feb 1985", dt.date(1985, 2, 1), MONTH),
        ("1985", dt.date(1985, 1, 1), YEAR),
        ("about 45", dt.date(1981, 1, 1), ABOUT),
        ("~45", dt.date(1981, 1, 1), ABOUT),
        ("45 years", dt.date(1981, 1, 1), ABOUT),
        ("45y", dt.date(1981, 1, 1), ABOUT),
        ("about 1950", dt.date(1950, 1, 1), ABOUT),
        ("8 months", dt.date(2026, 3, 1), MONTH),
    ],
)
def test_read_birth_date(text, date, precision):
    assert read_birth_date(text, today=TODAY) == BirthDate(date, precision)


@pytest.mark.parametrize(
    ("text", "day_first", "readings"),
    [
        ("03/04/1985", True, [dt.date(1985, 4, 3), dt.date(1985, 3, 4)]),
        ("03/04/1985", False, [dt.date(1985, 3, 4), dt.date(1985, 4, 3)]),
        ("25/02/85", True, [dt.date(1985, 2, 25)]),
        ("25/02/10", True, [dt.date(1910, 2, 25), dt.date(2010, 2, 25)]),
    ],
)
def test_an_ambiguous_date_is_refused_with_its_readings(text, day_first, readings):
    with pytest.raises(AmbiguousDate) as refusal:
        read_birth_date(text, today=TODAY, day_first=day_first)

    assert refusal.value.readings == readings
    assert refusal.value.field == "birth_date"


def test_the_refusal_of_an_ambiguous_date_shows_both_readings():
    with pytest.raises(AmbiguousDate) as refusal:
        read_birth_date("03/04/1985", today=TODAY)

    assert refusal.value.message == (
        "“03/04/1985” can be read as 3 Apr 1985 or 4 Mar 1985. "
        "Write the month as a word or the date as 1985-04-03."
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "45",
        "31/02/1985",
        "1985-13-01",
        "99/99/9999",
        "1/2/3/4",
        "0000",
        "200 years",
        "-",
        "0/0/1",
    ],
)
def test_what_is_no_date_is_refused_with_what_was_read(text):
    with pytest.raises(InvalidInput) as refusal:
        read_birth_date(text, today=TODAY)

    assert refusal.value.message.startswith(f"“{text}” is not a date")
    assert refusal.value.field == "birth_date"


@pytest.mark.parametrize(
    ("date", "words"),
    [
        (dt.date(2026, 11, 22), "The birth date 22 Nov 2026 is in the future."),
        (dt.date(1849, 12, 31), "The birth date 31 Dec 1849 is before 1850. Please check the year."),
    ],
)
def test_impossible_birth_dates(date, words):
    with pytest.raises(InvalidInput) as refusal:
        check_birth_date(BirthDate(date), today=TODAY)

    assert refusal.value.message == words


def test_first_and_last_possible_birth_date():
    check_birth_date(BirthDate(dt.date(1850, 1, 1)), today=TODAY)
    check_birth_date(BirthDate(TODAY), today=TODAY)


@pytest.mark.parametrize(
    ("born", "words", "years"),
    [
        (BirthDate(dt.date(1985, 4, 3)), "3 Apr 1985", "41 years"),
        (BirthDate(dt.date(1985, 11, 22)), "22 Nov 1985", "40 years"),
        (BirthDate(dt.date(1985, 2, 1), MONTH), "February 1985", "about 41 years"),
        (BirthDate(dt.date(1985, 1, 1), YEAR), "1985", "about 41 years"),
        (BirthDate(dt.date(1981, 1, 1), ABOUT), "about 1981", "about 45 years"),
        (BirthDate(dt.date(2026, 11, 20)), "20 Nov 2026", "1 day"),
        (BirthDate(dt.date(2026, 3, 1), MONTH), "March 2026", "8 months"),
        (BirthDate(dt.date(2024, 2, 29)), "29 Feb 2024", "32 months"),
    ],
)
def test_birth_dates_and_ages_in_words(born, words, years):
    assert (spoken(born), age(born, TODAY)) == (words, years)


@pytest.mark.parametrize("precision", list(BirthPrecision))
def test_what_is_written_is_read_back(precision):
    born = BirthDate(dt.date(1985, 1, 1), precision)

    assert read_birth_date(written(born), today=TODAY) == born


def test_an_estimated_year_spans_years_to_both_sides():
    assert BirthDate(dt.date(1981, 1, 1), ABOUT).span == (dt.date(1976, 1, 1), dt.date(1986, 12, 31))
    assert BirthDate(dt.date(2024, 2, 1), MONTH).span == (dt.date(2024, 2, 1), dt.date(2024, 2, 29))
