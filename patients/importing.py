"""Many patients at once, from a list that the clinic kept before: looked for and registered in batches.

The rules are those of ``services`` and ``duplicates``; only the statements are fewer.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from audit.services import Event, record_many
from clinic.errors import NotAllowed
from clinic.models import User
from clinic.permissions import Permission

from . import names
from .dates import BirthPrecision
from .duplicates import Candidate, Description, compare
from .models import OtherName, Patient, PatientIdentifier
from .numbers import number_key
from .services import REGISTERING, describe
from .values import plain

_LOOKED_AT = 40  # candidates of each kind that are compared

# Each kind through its own index.
_BLOCKS = """
WITH asked AS MATERIALIZED (
    SELECT n, name, patients_sound_key(name) AS sound, born, phone, national_id
      FROM unnest(%s::int[], %s::text[], %s::date[], %s::text[], %s::text[])
           AS list(n, name, born, phone, national_id)
)
SELECT asked.n, found.id, found.sound_key = asked.sound AND asked.sound LIKE '%% %%'
  FROM asked CROSS JOIN LATERAL (
       (SELECT id, sound_key FROM patients_patient
         WHERE sound_key = asked.sound AND merged_into_id IS NULL LIMIT %s)
       UNION
       (SELECT id, sound_key FROM patients_patient
         WHERE birth_date = asked.born AND similarity(name_key, asked.name) > 0.3
           AND merged_into_id IS NULL LIMIT %s)
       UNION
       (SELECT id, sound_key FROM patients_patient
         WHERE phone = asked.phone AND phone <> '' AND merged_into_id IS NULL LIMIT %s)
       UNION
       (SELECT id, sound_key FROM patients_patient
         WHERE national_id_key = asked.national_id AND national_id_key <> ''
           AND merged_into_id IS NULL LIMIT %s)
 ) AS found
"""
# A table that grows by thousands in one go has no statistics yet, and the planner would read all of it.
_THROUGH_INDEXES = "SELECT set_config('enable_seqscan', %s, true)"


def make_patient(mrn: str, values: dict[str, Any], *, by: User) -> Patient:
    """A patient with values from ``clean_values``, for ``register_many`` to save."""
    patient = Patient(mrn=mrn, **values, created_by=by)
    patient.name_key = names.name_key(patient.person_name)
    return patient


@transaction.atomic
def register_many(patients: Sequence[Patient], *, by: User, source: str) -> None:
    """Save patients from ``make_patient``, each with its line in the audit trail.

    The caller has looked for duplicates while it held ``hold_registration``.
    """
    if not by.can(Permission.RECORDS_IMPORT):
        raise NotAllowed(_("Your role does not include importing patients."))
    Patient.objects.bulk_create(patients)
    record_many(
        (
            Event(
                "patient.imported",
                patient,
                patient,
                {
                    name: [None, plain(getattr(patient, name))]
                    for name in _AUDITED
                    if getattr(patient, name) not in ("", None)
                },
                source,
            )
            for patient in patients
        ),
        by=by,
    )


_AUDITED = (
    "family_name",
    "given_name",
    "middle_name",
    "name_prefix",
    "name_suffix",
    "ideographic_name",
    "birth_date",
    "birth_precision",
    "sex",
    "phone",
    "email",
    "national_id",
    "address",
)


def hold_registration() -> None:
    """Nobody else registers a patient until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [REGISTERING])


def find_candidates_many(patients: Sequence[Patient]) -> list[list[Candidate]]:
    """For each of ``patients`` (not saved yet) those who are here and may be the same, best first.

    As ``find_candidates``, except that a name is looked for by its sound, or by its letters among those born
    on the same day: a slip that changes the sound of a name *and* the birth date at once is not found.
    """
    asked = [describe(patient) for patient in patients]
    pairs = _blocks(asked)
    known = Patient.objects.prefetch_related("identifiers", "other_names").in_bulk(
        {pk for found in pairs for pk, _sounds in found}
    )
    return [
        _ranked(compare(one, known[pk], sounds_same=sounds_same) for pk, sounds_same in found)
        for one, found in zip(asked, pairs, strict=True)
    ]


def _blocks(asked: Sequence[Description]) -> list[list[tuple[int, bool]]]:
    found: list[list[tuple[int, bool]]] = [[] for _one in asked]
    if not asked:
        return found
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_THROUGH_INDEXES, ["off"])
        cursor.execute(
            _BLOCKS,
            [
                list(range(len(asked))),
                [names.name_key(one.name) for one in asked],
                [
                    one.born.date if one.born and one.born.precision == BirthPrecision.DAY else None
                    for one in asked
                ],
                [one.phone for one in asked],
                [number_key(one.national_id) for one in asked],
                *[_LOOKED_AT] * 4,
            ],
        )
        for number, pk, sounds_same in cursor.fetchall():
            found[number].append((pk, bool(sounds_same)))
        cursor.execute(_THROUGH_INDEXES, ["on"])
    return found


def _ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    return sorted(
        (candidate for candidate in candidates if candidate.level != "possible"),
        key=lambda candidate: (-candidate.score, candidate.patient.pk or 0),
    )


class Expected:
    """Patients of a list who are about to be registered: a later row may be the same person.

    Kept small, because a dry run keeps every patient of its file.
    """

    def __init__(self) -> None:
        self._blocks: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        self._by_number: dict[int, tuple[Any, ...]] = {}

    def add(self, patient: Patient) -> None:
        kept = tuple(getattr(patient, name) for name in _COMPARED)
        for key in self._keys(patient):
            self._blocks[key].append(kept)
        self._by_number[hash(number_key(patient.mrn))] = kept

    def with_number(self, key: str) -> Patient | None:
        kept = self._by_number.get(hash(key))
        return _stand_in(kept) if kept is not None else None

    def candidates(self, patient: Patient) -> list[Candidate]:
        found = {kept for key in self._keys(patient) for kept in self._blocks.get(key, ())}
        return _ranked(compare(describe(patient), _stand_in(kept)) for kept in found)

    def clear(self) -> None:
        self._blocks.clear()
        self._by_number.clear()

    @staticmethod
    def _keys(patient: Patient) -> list[int]:
        keys: list[object] = [tuple(sorted(names.main_words(patient.person_name)))]
        if patient.birth_date is not None and patient.birth_precision == BirthPrecision.DAY:
            keys.append(patient.birth_date)
        if patient.phone:
            keys.append(patient.phone)
        if patient.national_id:
            keys.append(("national id", number_key(patient.national_id)))
        return [hash(key) for key in keys]


_COMPARED = ("mrn", *_AUDITED)


def _stand_in(kept: tuple[Any, ...]) -> Patient:
    """A patient who is not saved, with what a comparison looks at; the number below zero is nobody's."""
    patient = Patient(pk=-1, **dict(zip(_COMPARED, kept, strict=True)))
    patient.__dict__["national_id_key"] = number_key(patient.national_id)
    patient._prefetched_objects_cache = {  # type: ignore[attr-defined]
        "identifiers": PatientIdentifier.objects.none(),
        "other_names": OtherName.objects.none(),
    }
    return patient
