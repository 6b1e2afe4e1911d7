"""What people write into a cell: days, ages, sexes, billing states. Each refusal says what was read."""

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass, field

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.errors import InvalidInput
from patients.dates import BirthDate, BirthPrecision, read_birth_date
from patients.models import Sex
from patients.names import fold
from scheduling.models import BillingState

from .tables import ERRORS, Table, Value, text_of
from .words import BILLING_OF, MODALITY_OF, SEX_OF, UNIT_OF

DAY_FIRST, MONTH_FIRST, ISO = "dmy", "mdy", "iso"
ORDERS = (DAY_FIRST, MONTH_FIRST, ISO)
OLDEST_VISIT = dt.date(1895, 11, 8)  # the first X-ray
NOTHING = {"", "-", "--", "—", "–", "n/a", "na", "n.a.", "nil", "none", "null", "unknown", "?", "."}
_NUMBERS = re.compile(r"(\d{1,4})\s*[./\-\s]\s*(\d{1,2})\s*[./\-\s]\s*(\d{1,4})")
_CLOCK = re.compile(r"[ T]+\d{1,2}[:.]\d{2}([:.]\d{2})?\s*([ap]\.?m\.?)?$", re.IGNORECASE)


def filled(value: Value) -> str:
    """The text of a cell; empty for what people write where there is nothing."""
    text = text_of(value)
    if text in ERRORS:
        raise InvalidInput(
            _("A cell holds the error %(error)s of the spreadsheet program.") % {"error": text}
        )
    return "" if text.casefold() in NOTHING else text


# --- days --------------------------------------------------------------------------------------------


@dataclass
class DayOrder:
    """How the days of one column are written: said by a person, or proved by the column as a whole."""

    said: str = ""
    proofs: Counter[str] = field(default_factory=Counter)

    def look_at(self, value: Value) -> None:
        """Count what the cell proves about the order in its column."""
        if isinstance(value, dt.date):
            self.proofs["real"] += 1
            return
        numbers = _numbers_of(text_of(value))
        if numbers is None or numbers[0] > 31:
            return
        first, second, _year = numbers
        if first > 12 >= second:
            self.proofs[DAY_FIRST] += 1
        elif second > 12 >= first:
            self.proofs[MONTH_FIRST] += 1
        elif first != second:
            self.proofs["unclear"] += 1

    @property
    def order(self) -> str:
        """The order in which unclear days are read; empty when nothing decides."""
        if self.said:
            return self.said
        if self.proofs[DAY_FIRST] and not self.proofs[MONTH_FIRST]:
            return DAY_FIRST
        if self.proofs[MONTH_FIRST] and not self.proofs[DAY_FIRST]:
            return MONTH_FIRST
        return ""

    def note(self, label: str) -> str:
        """What a person should know about the column, in a sentence; empty when there is nothing to say."""
        unclear, days, months = self.proofs["unclear"], self.proofs[DAY_FIRST], self.proofs[MONTH_FIRST]
        words = {DAY_FIRST: _("day first"), MONTH_FIRST: _("month first"), ISO: _("year first only")}
        if self.said:
            return _("%(column)s: read %(order)s, as you said.") % {
                "column": label,
                "order": words[self.said],
            }
        if days and months:
            return _(
                "%(column)s: %(days)d cells can only be day first, %(months)d only month first. What can be "
                "read in both ways is refused."
            ) % {"column": label, "days": days, "months": months}
        if days or months:
            note = _("%(column)s: read %(order)s, because %(count)d cells can only be read so.") % {
                "column": label,
                "order": words[self.order],
                "count": days or months,
            }
            if self.proofs["real"]:
                note += " " + _(
                    "%(real)d other cells are real dates: check a few, a spreadsheet program may have "
                    "swapped day and month in them."
                ) % {"real": self.proofs["real"]}
            return note
        if unclear:
            return _(
                "%(column)s: nothing shows whether the day or the month is first; %(count)d cells are "
                "refused until you say it."
            ) % {"column": label, "count": unclear}
        return ""


def read_day(value: Value, table: Table, order: DayOrder, *, today: dt.date) -> dt.date:
    """The day of a visit."""
    text = filled(value)
    if not text:
        raise InvalidInput(_("The date of the visit is missing."))
    day = _day(value, text, table, order, today)
    if day > today:
        raise InvalidInput(
            _("The visit of %(day)s is in the future: lists hold what has been. Book it in the calendar.")
            % {"day": date_format(day, "j M Y")}
        )
    if day < OLDEST_VISIT:
        raise InvalidInput(
            _("“%(text)s” was read as %(day)s; there were no X-rays then.")
            % {"text": text, "day": date_format(day, "j M Y")}
        )
    return day


def _day(value: Value, text: str, table: Table, order: DayOrder, today: dt.date) -> dt.date:
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    if isinstance(value, int | float) or re.fullmatch(r"\d{5}", text):
        serial = table.day_of(float(text))
        if serial is not None:
            return serial
    plain = _CLOCK.sub("", text)
    numbers = _numbers_of(plain)
    if numbers is not None:
        return _of_numbers(text, numbers, order, today)
    try:
        born = read_birth_date(plain, today=today)  # months as words, and every ISO form
    except InvalidInput:
        born = None
    if born is None or born.precision != BirthPrecision.DAY:
        raise InvalidInput(
            _("“%(text)s” is not a day that can be read. Accepted: 2025-02-25, 25/02/2025, 25 Feb 2025.")
            % {"text": text[:60]}
        )
    return born.date


def _numbers_of(text: str) -> tuple[int, int, int] | None:
    match = _NUMBERS.fullmatch(_CLOCK.sub("", text.strip()))
    if match is None or {len(match[1]), len(match[3])} & {3} or (len(match[1]) > 2 and len(match[3]) > 2):
        return None
    first, second, third = (int(part) for part in match.groups())
    return first, second, third


def _of_numbers(text: str, numbers: tuple[int, int, int], order: DayOrder, today: dt.date) -> dt.date:
    first, second, year = numbers
    if first > 31:
        readings = [_date(first, second, year)]
    else:
        if year < 100:
            year += 2000 if 2000 + year <= today.year else 1900
        by_day, by_month = _date(year, second, first), _date(year, first, second)
        if by_day and by_month and by_day != by_month and order.order in (DAY_FIRST, MONTH_FIRST):
            readings = [by_day if order.order == DAY_FIRST else by_month]
        else:
            readings = [by_day, by_month]
    found = sorted({reading for reading in readings if reading})
    if not found:
        raise InvalidInput(_("“%(text)s” is not a day of the calendar.") % {"text": text})
    if len(found) > 1:
        raise InvalidInput(
            _(
                "“%(text)s” can be read as %(one)s or as %(other)s. Say how dates are written, or write it "
                "as %(iso)s."
            )
            % {
                "text": text,
                "one": date_format(found[0], "j M Y"),
                "other": date_format(found[1], "j M Y"),
                "iso": found[0].isoformat(),
            }
        )
    return found[0]


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def read_born(value: Value, table: Table, order: DayOrder, *, today: dt.date) -> BirthDate | None:
    """A birth date as exactly as the cell knows it."""
    text = filled(value)
    if not text:
        return None
    if isinstance(value, dt.date):
        return BirthDate(value.date() if isinstance(value, dt.datetime) else value)
    numbers = _numbers_of(text)
    if numbers is not None and (numbers[0] > 31 or numbers[2] > 99):
        return BirthDate(_of_numbers(text, numbers, order, today))
    if isinstance(value, int | float) and not 1850 <= value <= today.year:
        serial = table.day_of(float(value))
        if serial is not None:
            return BirthDate(serial)
    return read_birth_date(text, today=today, day_first=order.order != MONTH_FIRST)


# --- ages --------------------------------------------------------------------------------------------

_FRACTION = re.compile(r"(\d{1,2})\s*/\s*(12|52|7|365)")
_PART = re.compile(r"(\d+(?:[.,]\d+)?)\s*([^\W\d_]*)\.?")
OLDEST_AGE = 130


def read_age(value: Value, *, at: dt.date) -> BirthDate | None:
    """An age at the visit as an approximate birth: ``45``, ``6 mo``, ``3/12``, ``2y 3m``, ``10 days``."""
    text = filled(value)
    if not text:
        return None
    age = _parts_of_age(text)
    if age is None or age[0] > OLDEST_AGE * 366:
        raise InvalidInput(
            _("“%(text)s” is not an age. Accepted: 45, 45 y, 6 mo, 3/12, 2 wk, 10 days.")
            % {"text": text[:60]}
        )
    days, is_in_years = age
    if is_in_years:
        return BirthDate(dt.date(at.year - int(days / 365.25), 1, 1), BirthPrecision.ABOUT)
    born = at - dt.timedelta(days=round(days))
    return BirthDate(born.replace(day=1), BirthPrecision.MONTH)


def _parts_of_age(text: str) -> tuple[float, bool] | None:
    """Days, and whether whole years are all that was said."""
    fraction = _FRACTION.fullmatch(text)
    if fraction is not None:
        return int(fraction[1]) * {"12": 30.44, "52": 7.0, "7": 1.0, "365": 1.0}[fraction[2]], False
    plain = fold_age(text)
    if set(text) & set("-/") or not re.fullmatch(rf"(?:{_PART.pattern}\s*)+", plain):
        return None
    total, units = 0.0, set()
    for number, word in _PART.findall(plain):
        unit = UNIT_OF.get(word) if word else "y"
        if unit is None:
            return None
        units.add(unit)
        total += float(number.replace(",", ".")) * {"y": 365.25, "m": 30.44, "w": 7.0, "d": 1.0}[unit]
    return total, units == {"y"} or total > 3 * 366


def fold_age(text: str) -> str:
    """Without accents and the words that say nothing."""
    plain = text.casefold() if re.search(r"\d[.,]\d", text) else fold(text)
    return re.sub(r"\b(about|approx|ca|aged?|old|of age|de edad|alt)\b", " ", plain).strip()


# --- words -------------------------------------------------------------------------------------------


def read_sex(value: Value, *, in_spanish: bool = False) -> str:
    """The sex; ``in_spanish`` says that the column holds H and M, where M is mujer."""
    text = filled(value)
    if not text:
        return Sex.UNKNOWN.value
    if in_spanish and fold(text) == "m":
        return Sex.FEMALE.value
    found = SEX_OF.get(fold(text))
    if found is None:
        raise InvalidInput(
            _("“%(text)s” is not a sex that can be read. Accepted: M, F, O, U, male, female and their like.")
            % {"text": text[:60]}
        )
    return str(found.value)


def read_billing(value: Value) -> str:
    text = filled(value)
    if not text:
        return BillingState.UNKNOWN.value
    found = BILLING_OF.get(fold(text))
    if found is None:
        raise InvalidInput(
            _("“%(text)s” is not a billing state. Accepted: Paid, Pending, Not paid, or nothing.")
            % {"text": text[:60]}
        )
    return str(found.value)


def read_modality(text: str) -> str:
    """The DICOM code that a text names, empty when none."""
    return MODALITY_OF.get(fold(text), "")


def modality_in(text: str) -> str:
    """The modality that a reason or an examination speaks of: ``CXR``, ``US abdomen``; else empty."""
    words = fold(text).split()
    found = {MODALITY_OF[word] for word in words if word in MODALITY_OF and len(word) > 1}
    if "cxr" in words or "x ray" in " ".join(words):
        found.add("DX")
    found -= {"ES"} if "es" in words else set()
    return found.pop() if len(found) == 1 else ""
