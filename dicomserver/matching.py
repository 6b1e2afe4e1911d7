"""Attribute matching of C-FIND (PS3.4 C.2.2.2): wildcards, ranges, names whatever their case and accents."""

import datetime
import re

from django.db.models import Q
from django.utils import timezone

from patients.names import fold, latin_words

_LONGEST_KEY = 1024
_TIME = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(?:\.\d{1,6})?)?)?")


class BadQuery(Exception):
    """A key cannot be understood; the text fits an Error Comment."""


class TextPattern:
    """Single value, list or wildcard matching of AE, CS, LO, SH and UI."""

    def __init__(self, key: str) -> None:
        _check_length(key)
        self._values = [value.strip() for value in key.split("\\") if value.strip(" *")]

    def condition(self, field: str, *, ignore_case: bool = False) -> Q:
        condition = Q()
        for value in self._values:
            if "*" in value or "?" in value:
                lookup, argument = ("iregex" if ignore_case else "regex"), f"^{_regex(value)}$"
            else:
                lookup, argument = ("iexact" if ignore_case else "exact"), value
            condition |= Q(**{f"{field}__{lookup}": argument})
        return condition


class DateRange:
    """``20250225``, ``20250225-``, ``-20250225``, ``20250201-20250228``, in the active time zone."""

    def __init__(self, key: str) -> None:
        self._first, self._last = (_date(part) for part in _ends(key))

    def condition(self, field: str) -> Q:
        condition = Q()
        if self._first is not None:
            condition &= Q(**{f"{field}__gte": _midnight(self._first)})
        if self._last is not None:
            condition &= Q(**{f"{field}__lt": _midnight(self._last + datetime.timedelta(days=1))})
        return condition

    def date_condition(self, field: str) -> Q:
        """For a field that holds a date and no time."""
        condition = Q()
        if self._first is not None:
            condition &= Q(**{f"{field}__gte": self._first})
        if self._last is not None:
            condition &= Q(**{f"{field}__lte": self._last})
        return condition

    def __bool__(self) -> bool:
        return self._first is not None or self._last is not None


class TimeRange:
    """``0930``, ``0800-1200`` and so on: a time of the day, each day of the dates asked for."""

    def __init__(self, key: str) -> None:
        first, last = _ends(key)
        self._first, self._last = _time(first, last_of_unit=False), _time(last, last_of_unit=True)

    def condition(self, field: str) -> Q:
        condition = Q()
        if self._first is not None:
            condition &= Q(**{f"{field}__time__gte": self._first})
        if self._last is not None:
            condition &= Q(**{f"{field}__time__lte": self._last})
        return condition


class NamePattern:
    """PN: wildcards, without regard to case, accents and script; any one component group may match."""

    def __init__(self, key: str) -> None:
        _check_length(key)
        groups = [group for group in key.split("=") if group.strip(" *^")]
        self._patterns = [re.compile(_name_regex(group), re.DOTALL) for group in groups]
        self._folded = fold_name(groups[0]) if groups else ""
        words = [word for group in groups[:1] for word in re.split(r"[*?^ ]", fold_name(group)) if word]
        self.longest_word = max(words, key=len, default="") if len(groups) == 1 else ""

    def condition(self, field: str) -> Q:
        """What the folded key of a name (``patients.names.name_key``) must hold; not all that is needed."""
        condition = Q()
        if len(self._patterns) != 1:
            return condition
        for start, word in re.findall(r"(^|[\^ ]|[*?])([^*?^ ]+)", self._folded):
            condition &= Q(**{f"{field}__contains": word if start in ("*", "?") else f" {word}"})
        return condition

    def matches(self, name: str) -> bool:
        """``name`` is a PN value with up to three groups."""
        if not self._patterns:
            return True
        candidates = {form for group in name.split("=") for form in (fold_name(group), latin_name(group))}
        return any(pattern.fullmatch(form) for pattern in self._patterns for form in candidates)


def fold_name(group: str) -> str:
    """``Müller^Anna`` as ``muller^anna``; wildcards stay."""
    parts = re.split(r"([*?^])", group)
    return "".join(part if part in {"*", "?", "^"} else fold(part) for part in parts).rstrip("^")


def latin_name(group: str) -> str:
    return "^".join(" ".join(latin_words(part)) for part in group.split("^")).rstrip("^")


def _name_regex(group: str) -> str:
    return _regex(re.sub(r"\^+$", "", fold_name(group)))


def _regex(value: str) -> str:
    """DICOM's wildcards as a regular expression that both Python and PostgreSQL read alike."""
    value = re.sub(r"\*+", "*", value)
    return "".join({"*": ".*", "?": "."}.get(letter) or re.escape(letter) for letter in value)


def _ends(key: str) -> tuple[str, str]:
    """Both ends of a range; a single value is a range of its own."""
    _check_length(key)
    key = key.strip().strip('"')
    if "-" not in key:
        return key, key
    first, _dash, last = key.partition("-")
    return first.strip(), last.strip()


def _date(text: str) -> datetime.date | None:
    if not text or text == "*":
        return None
    for form in ("%Y%m%d", "%Y.%m.%d"):
        try:
            return datetime.datetime.strptime(text, form).date()  # noqa: DTZ007 - a date has no zone
        except ValueError:
            continue
    raise BadQuery(f"Date {text[:20]!r}: YYYYMMDD is accepted")


def _time(text: str, *, last_of_unit: bool) -> datetime.time | None:
    if not text or text == "*":
        return None
    found = _TIME.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        hour, minute, second = (int(part) if part is not None else None for part in found.groups())
        rest = 59 if last_of_unit else 0
        return datetime.time(
            hour or 0,
            rest if minute is None else minute,
            rest if second is None else min(second, 59),
            999999 if last_of_unit else 0,
        )
    except ValueError:
        raise BadQuery(f"Time {text[:20]!r}: HHMMSS is accepted") from None


def _midnight(day: datetime.date) -> datetime.datetime:
    try:
        return timezone.make_aware(datetime.datetime.combine(day, datetime.time()))
    except OverflowError:
        raise BadQuery(f"Date {day}: too far away") from None


def _check_length(key: str) -> None:
    if len(key) > _LONGEST_KEY:
        raise BadQuery("A key is too long")
