"""Accession numbers: unique, at most 16 characters (VR SH), from a database sequence."""

import re

from django.db import connection
from django.utils.translation import gettext as _

from clinic.errors import Conflict
from clinic.models import ClinicProfile

from .models import Order

LONGEST = 16


def next_accession_number() -> str:
    """The next number in the clinic's pattern.

    A sequence never hands out the same value twice, also to two transactions at once; a number that is
    in use already (the pattern was changed back, records were imported) is passed over.
    """
    pattern = ClinicProfile.get().accession_pattern
    while True:
        number = accession_number(pattern, _next_value())
        if not Order.objects.filter(accession_number=number).exists():
            return number


def next_accession_numbers(count: int) -> list[str]:
    """The next ``count`` numbers, as ``next_accession_number`` gives one."""
    pattern = ClinicProfile.get().accession_pattern
    found: list[str] = []
    while len(found) < count:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT nextval('scheduling_accession_number') FROM generate_series(1, %s)",
                [count - len(found)],
            )
            numbers = [accession_number(pattern, int(value)) for (value,) in cursor.fetchall()]
        taken = set(
            Order.objects.filter(accession_number__in=numbers).values_list("accession_number", flat=True)
        )
        found += [number for number in numbers if number not in taken]
    return found


def accession_number(pattern: str, value: int) -> str:
    """``pattern`` names the first number: ``A000001`` gives A000001, A000002, …; value counts from 1."""
    prefix, first = re.fullmatch(r"(.*?)(\d+)", pattern).groups()  # type: ignore[union-attr]
    number = f"{prefix}{int(first) + value - 1:0{len(first)}d}"
    if len(number) > LONGEST:
        raise Conflict(
            _(
                "The next accession number would be %(number)s; at most 16 characters are allowed. "
                "Ask the administrator for a shorter pattern."
            )
            % {"number": number}
        )
    return number


def _next_value() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('scheduling_accession_number')")
        return int(cursor.fetchone()[0])
