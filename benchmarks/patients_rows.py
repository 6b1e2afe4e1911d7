"""A large invented clinic for ``benchmarks/patients.py``: patients, their other numbers, their orders."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from django.db import connection

from benchmarks.bulk import copy_rows, without_indexes
from benchmarks.people import Person, crowd
from clinic.models import ClinicProfile, User
from patients.models import NameWord, Patient, PatientIdentifier
from patients.names import PersonName, fold, name_key
from scheduling.models import Order, Procedure

ORDERS_A_PATIENT = 3
PATIENT_COLUMNS = (
    "id", "mrn", "family_name", "given_name", "middle_name", "name_key", "birth_date", "sex", "phone",
    "national_id",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A patient who is in the clinic, and an order of theirs."""

    number: int
    person: Person

    @property
    def mrn(self) -> str:
        return f"CVC-{self.number:07d}"

    @property
    def accession(self) -> str:
        return accession(self.number * ORDERS_A_PATIENT)

    @property
    def study_uid(self) -> str:
        return study_uid(self.number * ORDERS_A_PATIENT)


def accession(number: int) -> str:
    return f"R26-{number:09d}"


def study_uid(number: int) -> str:
    """Digits as random as those made from a UUID."""
    return f"2.25.{(number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**127}"


class Clinic:
    """The rows; grows in steps, always by the same people."""

    def __init__(self) -> None:
        ClinicProfile.get()
        ClinicProfile.objects.update(country="KE", mrn_pattern="CVC-0000001")
        self.by = User.objects.create(
            username="bench", full_name="Bench", password="!", roles=["receptionist"]
        )
        self.procedure = Procedure.objects.create(code="CXR", name="Chest X-ray", modality="DX")
        self.people = crowd(10**9, seed=7)
        self.size = 0
        self.kept: list[Row] = []  # one in some hundred, to be asked for

    def grow(self, size: int) -> None:
        """Insert patients and three orders for each until there are ``size`` patients."""
        numbers = range(self.size, size)
        with without_indexes(Patient, PatientIdentifier, NameWord, Order):
            copy_rows(
                Patient,
                PATIENT_COLUMNS,
                self._patients(numbers),
                created_by_id=self.by.pk,
                birth_precision="day",
            )
            copy_rows(
                PatientIdentifier,
                ("patient_id", "issuer", "value"),
                ((n + 1, "Hilltop", f"H-{n:07d}") for n in numbers if n % 20 == 0),
            )
            self._note_words()
            first, last = numbers.start * ORDERS_A_PATIENT, numbers.stop * ORDERS_A_PATIENT
            copy_rows(
                Order,
                ("accession_number", "study_instance_uid", "patient_id"),
                ((accession(n), study_uid(n), n // ORDERS_A_PATIENT + 1) for n in range(first, last)),
                procedure_id=self.procedure.pk,
                ordered_by_id=self.by.pk,
                indication="Cough for three weeks",
                status="released",
                reported_at="2026-01-01T00:00:00Z",
                released_at="2026-01-01T00:00:00Z",
            )
        self.size = size

    def _patients(self, numbers: range) -> Iterator[tuple[object, ...]]:
        for number, person in zip(numbers, islice(self.people, len(numbers)), strict=True):
            row = Row(number, person)
            if number % 97 == 0:
                self.kept.append(row)
            born = person.born.date if person.born else None
            key = key_of(person.name)
            yield (
                number + 1, row.mrn, person.family, person.given, person.middle, key, born, person.sex,
                person.phone, person.national_id,
            )  # fmt: skip

    def _note_words(self) -> None:
        """What the trigger does for each patient."""
        with connection.cursor() as cursor:
            cursor.execute(
                "TRUNCATE patients_nameword; INSERT INTO patients_nameword (word) SELECT DISTINCT word FROM "
                "patients_patient, regexp_split_to_table(name_key, ' ') AS word "
                "WHERE length(word) BETWEEN 2 AND 64"
            )

    def some(self, count: int) -> list[Row]:
        return random.Random(5).choices(self.kept, k=count)


def key_of(name: PersonName) -> str:
    """``names.name_key``, faster for names of which every part is known already."""
    parts = [_folded(name.family), _folded(name.given), _folded(name.middle)]
    if all(part.isascii() for part in parts):
        return "".join(f" {word}" for word in dict.fromkeys(" ".join(parts).split()))
    return name_key(name)


_folded = lru_cache(maxsize=500_000)(fold)
