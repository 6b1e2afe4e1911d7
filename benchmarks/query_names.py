"""Who is who in ``benchmarks/query.py``: the same invented people for both servers, made from a number."""

import datetime as dt

ROOT = "1.2.826.0.1.3680043.10.1387.9"
STATIONS, SLOTS = 20, 20
_FIRST_START = dt.datetime(2030, 1, 1, 8, tzinfo=dt.UTC)
_KINDS = {"study": 1, "order": 2}
_SYLLABLES = ["ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "zü"]
_GIVEN = ["Anna", "Björk", "Carlos", "Dilek", "Émile", "Fatma", "Grace", "Hiro", "Ines", "João"]
_FIRST_DAY = dt.date(2020, 1, 1)
_DAYS = 5 * 365


def name_parts(number: int) -> tuple[str, str]:
    """Family and given name; 3,375 family names."""
    base = len(_SYLLABLES)
    family = "".join(_SYLLABLES[number // base**place % base] for place in range(3))
    return family.capitalize(), _GIVEN[number % len(_GIVEN)]


def mrn(number: int) -> str:
    return f"B-{number:07d}"


def accession(number: int) -> str:
    return f"A{number:08d}"


def uid(number: int, kind: str) -> str:
    return f"{ROOT}.{_KINDS[kind]}.{number + 1}"


def birth_date(number: int) -> dt.date:
    return dt.date(1930, 1, 1) + dt.timedelta(days=number * 37 % 32_000)


def day_of(number: int) -> dt.date:
    """When a study was made: over five years, evenly."""
    return _FIRST_DAY + dt.timedelta(days=number * 7919 % _DAYS)


def start_of(number: int) -> dt.datetime:
    """When a step is booked: each station has so many slots a day, every half hour."""
    slot = number // STATIONS
    return _FIRST_START + dt.timedelta(days=slot // SLOTS, minutes=30 * (slot % SLOTS))
