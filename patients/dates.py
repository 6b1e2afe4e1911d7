"""Birth dates as people know and write them."""

import calendar
import datetime
import re
from dataclasses import dataclass
from functools import cache

from django.db import models
from django.utils import dateformat, timezone, translation
from django.utils import dates as month_names
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.errors import InvalidInput

from .names import fold

EARLIEST = datetime.date(1850, 1, 1)
OLDEST_YEARS = 130
EXAMPLES = "1985-02-25, 25 Feb 1985, 02/1985, 1985"


class BirthPrecision(models.TextChoices):
    DAY = "day", gettext_lazy("Day")
    MONTH = "month", gettext_lazy("Month")
    YEAR = "year", gettext_lazy("Year")
    ABOUT = "about", gettext_lazy("About")


@dataclass(frozen=True)
class BirthDate:
    """A day, or the first day of the month or year in which somebody was born."""

    date: datetime.date
    precision: BirthPrecision = BirthPrecision.DAY

    @property
    def text(self) -> str:
        """In words, see ``spoken``."""
        return spoken(self)

    @property
    def age_today(self) -> str:
        """The age today in words, see ``age``."""
        return age(self, timezone.localdate())

    @property
    def is_first_of_january(self) -> bool:
        """Which is often the birthday of who knows none."""
        return (self.date.month, self.date.day) == (1, 1)

    @property
    def kept(self) -> datetime.date:
        """The date with what is not known set to the first: of the month, or of January."""
        if self.precision == BirthPrecision.DAY:
            return self.date
        return (
            self.date.replace(day=1)
            if self.precision == BirthPrecision.MONTH
            else self.date.replace(month=1, day=1)
        )

    @property
    def span(self) -> tuple[datetime.date, datetime.date]:
        """The first and the last day that are meant; for an estimated age some years to both sides."""
        year, month = self.date.year, self.date.month
        match self.precision:
            case BirthPrecision.DAY:
                return self.date, self.date
            case BirthPrecision.MONTH:
                return self.date, self.date.replace(day=calendar.monthrange(year, month)[1])
            case BirthPrecision.YEAR:
                return datetime.date(year, 1, 1), datetime.date(year, 12, 31)
        return datetime.date(max(year - 5, 1), 1, 1), datetime.date(year + 5, 12, 31)


class AmbiguousDate(InvalidInput):
    """A date that can be read in more than one way; ``readings`` holds the possible ones."""

    def __init__(self, text: str, readings: list[datetime.date]) -> None:
        self.readings = readings
        shown = _(" or ").join(spoken(BirthDate(day)) for day in readings)
        super().__init__(
            _("“%(text)s” can be read as %(readings)s. Write the month as a word or the date as %(iso)s.")
            % {"text": text, "readings": shown, "iso": readings[0].isoformat()},
            field="birth_date",
        )


def read_birth_date(text: str, *, today: datetime.date, day_first: bool = True) -> BirthDate:
    """Read a date, a month, a year or an age (``about 45``, ``8 months``).

    ISO dates and months as words are clear. Numbers in another order are read when only one reading is a
    date (25/02/1985); otherwise they are refused with ``AmbiguousDate``, the reading in the clinic's own
    order first. A year of two digits is refused in the same way.
    """
    given = " ".join(text.split())
    plain = fold(given.replace("~", " about ")).strip()
    found = (
        _read_age(plain, today) or _read_numbers(plain, given, today, day_first) or _read_month_word(plain)
    )
    if found is None:
        raise _not_a_date(given)
    check_birth_date(found, today=today)
    return found


def check_birth_date(born: BirthDate, *, today: datetime.date) -> None:
    """Refuse what cannot be the birth date of a patient."""
    if born.date > today:
        raise InvalidInput(
            _("The birth date %(date)s is in the future.") % {"date": spoken(born)}, field="birth_date"
        )
    if born.date < EARLIEST:
        raise InvalidInput(
            _("The birth date %(date)s is before 1850. Please check the year.") % {"date": spoken(born)},
            field="birth_date",
        )


def spoken(born: BirthDate) -> str:
    """The date in words, as exactly as it is known: ``3 April 1985``, ``April 1985``, ``about 1985``."""
    month = month_names.MONTHS[born.date.month]
    match born.precision:
        case BirthPrecision.DAY:
            return dateformat.format(born.date, "j M Y")  # the same on every screen, never 03/04
        case BirthPrecision.MONTH:
            return f"{month} {born.date.year}"
        case BirthPrecision.YEAR:
            return str(born.date.year)
    return _("about %(year)s") % {"year": born.date.year}


def written(born: BirthDate) -> str:
    """The date as ``read_birth_date`` reads it back."""
    match born.precision:
        case BirthPrecision.DAY:
            return born.date.isoformat()
        case BirthPrecision.MONTH:
            return f"{born.date:%Y-%m}"
        case BirthPrecision.YEAR:
            return f"{born.date.year:04d}"
    return f"about {born.date.year:04d}"


def age(born: BirthDate, today: datetime.date) -> str:
    """The age in words: days and months for small children, ``about`` where it is estimated."""
    months = (today.year - born.date.year) * 12 + today.month - born.date.month
    years = today.year - born.date.year
    if born.precision == BirthPrecision.DAY:
        months -= today.day < born.date.day
        years = months // 12
    if born.precision == BirthPrecision.DAY and months < 2:
        days = (today - born.date).days
        return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
    if born.precision in {BirthPrecision.DAY, BirthPrecision.MONTH} and months < 36:
        return ngettext("%(n)d month", "%(n)d months", months) % {"n": months}
    if born.precision == BirthPrecision.MONTH:
        years = months // 12
    text = ngettext("%(n)d year", "%(n)d years", years) % {"n": years}
    return text if born.precision == BirthPrecision.DAY else _("about %(age)s") % {"age": text}


# --- reading -----------------------------------------------------------------------------------------


def _read_age(plain: str, today: datetime.date) -> BirthDate | None:
    match = re.fullmatch(
        r"(?P<about>about|around|approximately|ca|c|age|aged)? ?(?P<n>\d{1,4}) ?"
        r"(?P<unit>years?|yrs?|y|months?|mths?|mo)?(?: old)?",
        plain,
    )
    if match is None or not (match["about"] or match["unit"]):
        return None
    number, unit = int(match["n"]), match["unit"] or "y"
    if unit.startswith("m") and number <= 36:
        months = today.year * 12 + today.month - 1 - number
        return BirthDate(datetime.date(months // 12, months % 12 + 1, 1), BirthPrecision.MONTH)
    if unit.startswith("y") and number <= OLDEST_YEARS:
        return BirthDate(datetime.date(today.year - number, 1, 1), BirthPrecision.ABOUT)
    if match["about"] and not match["unit"] and EARLIEST.year <= number:
        return BirthDate(datetime.date(number, 1, 1), BirthPrecision.ABOUT)
    return None


def _read_numbers(plain: str, given: str, today: datetime.date, day_first: bool) -> BirthDate | None:
    numbers = plain.split()
    if not numbers or not all(number.isdecimal() for number in numbers):
        return None
    lengths = [len(number) for number in numbers]
    values = [int(number) for number in numbers]
    if lengths == [8] and 18 <= int(plain[:2]) <= 20:  # DICOM's DA: 19850225
        return _day(int(plain[:4]), int(plain[4:6]), int(plain[6:]))
    if lengths[0] == 4 and len(lengths) <= 3 and max(lengths[1:], default=0) <= 2:
        return _year_first(values)
    if lengths[-1] == 4 and len(lengths) == 2 and lengths[0] <= 2:
        return _month(values[1], values[0])
    if len(lengths) == 3 and lengths[-1] in {2, 4} and max(lengths[:2]) <= 2:
        orders = _readings(values, lengths[-1] == 4, today, day_first)
        if len(orders) == 1 and lengths[-1] == 4:
            return BirthDate(orders[0])
        if orders:
            raise AmbiguousDate(given, orders)
    return None


def _year_first(values: list[int]) -> BirthDate | None:
    if len(values) == 3:
        return _day(*values)
    if len(values) == 2:
        return _month(*values)
    return BirthDate(datetime.date(values[0], 1, 1), BirthPrecision.YEAR) if values[0] else None


def _readings(
    values: list[int], whole_year: bool, today: datetime.date, day_first: bool
) -> list[datetime.date]:
    """Every date that three numbers can mean, the clinic's own order first."""
    first, second, year = values
    orders = [(second, first), (first, second)] if day_first else [(first, second), (second, first)]
    years = [year] if whole_year else [1900 + year, 2000 + year]
    found = [_day(full_year, month, day) for month, day in dict.fromkeys(orders) for full_year in years]
    return [born.date for born in found if born and (whole_year or born.date <= today)]


def _read_month_word(plain: str) -> BirthDate | None:
    tokens = re.findall(r"\d+|[^\W\d_]+", plain)
    months = {_month_words().get(token) for token in tokens if not token.isdecimal()}
    numbers = [token for token in tokens if token.isdecimal()]
    if len(months) != 1 or None in months or not numbers:
        return None
    month = months.pop() or 0
    years = [number for number in numbers if len(number) == 4]
    days = [number for number in numbers if len(number) <= 2]
    if len(years) != 1 or len(numbers) != len(years) + len(days) or len(days) > 1:
        return None
    return _day(int(years[0]), month, int(days[0])) if days else _month(int(years[0]), month)


def _month_words() -> dict[str, int]:
    return _month_words_of(translation.get_language() or "en")


@cache
def _month_words_of(language: str) -> dict[str, int]:
    """Months in the page's language and in English, whole and short."""
    found: dict[str, int] = {}
    for spoken_language in (language, "en"):
        with translation.override(spoken_language):
            for names in (month_names.MONTHS, month_names.MONTHS_3, month_names.MONTHS_AP):
                for number, name in names.items():
                    found.setdefault(fold(str(name)), number)
    return found | {"sept": 9}


def _day(year: int, month: int, day: int) -> BirthDate | None:
    try:
        return BirthDate(datetime.date(year, month, day))
    except ValueError:
        return None


def _month(year: int, month: int) -> BirthDate | None:
    found = _day(year, month, 1)
    return BirthDate(found.date, BirthPrecision.MONTH) if found else None


def _not_a_date(given: str) -> InvalidInput:
    return InvalidInput(
        _("“%(text)s” is not a date that Cedar can read. Accepted: %(examples)s, or an age as in “about 45”.")
        % {"text": given, "examples": EXAMPLES},
        field="birth_date",
    )
