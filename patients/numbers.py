"""Patient numbers (MRN): read, given, never given twice."""

import re
from itertools import islice

from django.db import connection, transaction
from django.utils.translation import gettext as _

from clinic.errors import InvalidInput
from clinic.models import ClinicProfile

from .models import Patient

SEQUENCE = "patients_mrn_number"
LOCK = 0x4D524E  # advisory lock of whoever takes a number
_LOOK_AHEAD = 500


def number_key(text: str) -> str:
    """How numbers are compared, as the database does it: upper case, letters and digits only."""
    return "".join(letter for letter in text if letter.isalnum()).upper()


def read_mrn(text: str) -> str:
    """A number typed by hand, as it will be shown."""
    given = " ".join(text.split())
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ./_-]{0,63}", given):
        raise InvalidInput(
            _(
                "“%(text)s” is not a patient number. Accepted: letters and digits, with - . / or blanks "
                "between them, at most 64; leave it empty to get the next number."
            )
            % {"text": given},
            field="mrn",
        )
    return given


@transaction.atomic
def next_mrn() -> str:
    """Take the next number of the clinic's pattern.

    It comes from a database sequence: one whose transaction fails leaves a gap. Numbers that were entered
    by hand or imported are stepped over. One caller at a time, until its transaction ends: a sequence
    that is moved while another takes from it gives a number twice.
    """
    pattern = ClinicProfile.get().mrn_pattern
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    number = _take_number()
    first = _split(pattern)[1]
    if number < first:
        number = _move_sequence(to=first)
    if _is_taken(format_mrn(pattern, number)):
        number = _move_sequence(to=_first_free(pattern, number))
    return format_mrn(pattern, number)


def format_mrn(pattern: str, number: int) -> str:
    """``format_mrn("CVC-0001", 42)`` is ``CVC-0042``; larger numbers get longer."""
    prefix, _first, width = _split(pattern)
    return f"{prefix}{number:0{width}d}"


def _split(pattern: str) -> tuple[str, int, int]:
    digits = re.search(r"\d+$", pattern)
    if digits is None:
        raise ValueError(f"a pattern ends with digits, this does not: {pattern!r}")
    return pattern[: digits.start()], int(digits.group()), len(digits.group())


def _take_number() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT nextval('{SEQUENCE}')")
        return cursor.fetchone()[0]


def _move_sequence(to: int) -> int:
    """Bring the sequence forward to ``to`` and take that number."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(%s, %s, false)", [SEQUENCE, to])
    return _take_number()


def _is_taken(mrn: str) -> bool:
    return Patient.objects.filter(mrn_key=number_key(mrn)).exists()


def _first_free(pattern: str, after: int) -> int:
    """The first number above ``after`` that nobody has, looked for in batches."""
    candidates = iter(range(after + 1, 10**18))
    while batch := list(islice(candidates, _LOOK_AHEAD)):
        keys = {number_key(format_mrn(pattern, number)): number for number in batch}
        taken = set(Patient.objects.filter(mrn_key__in=keys).values_list("mrn_key", flat=True))
        free = [number for key, number in keys.items() if key not in taken]
        if free:
            return free[0]
    raise InvalidInput(_("There is no free patient number left; change the pattern in the settings."))
