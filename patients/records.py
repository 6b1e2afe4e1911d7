"""Which record counts: numbers of merged records lead to the one they became.

Whoever attaches something to a patient *holds* the record first, until its transaction ends: a merge or its
undoing (``patients.merging``) waits for that, and what waited behind a merge is given to the survivor. The
order of locks is patients, by id, before anything that belongs to them.
"""

from collections.abc import Collection

from django.db import connection
from django.utils.translation import gettext as _

from clinic.errors import Conflict, NotFound
from clinic.models import User

from .models import Patient
from .numbers import number_key


def resolve_patient_by_number(number: str, *, hold: bool = False) -> Patient | None:
    """The current record that has ``number``, or whose merged record had it. ``hold`` as ``hold_patient``."""
    key = number_key(number)
    if not key:
        return None
    found = Patient.objects.filter(mrn_key=key).select_related("merged_into").first()
    if found is None:
        return None
    return hold_patient(found.pk) if hold else found.merged_into or found


def open_patient(pk: int, user: User) -> Patient:
    """The patient of a page, as ``user`` may see it; who had become a part of another is named."""
    patient = Patient.objects.select_related("merged_into").filter(pk=pk).first()
    if patient is not None and patient.merged_into is not None:
        raise Merged(patient, patient.merged_into)
    if patient is None or not Patient.objects.visible_to(user).filter(pk=pk).exists():
        raise NotFound(_("There is no such patient."))
    return patient


class Merged(Conflict):
    """``patient`` is a part of ``survivor`` now: the text says where to go on."""

    def __init__(self, patient: Patient, survivor: Patient) -> None:
        self.patient, self.survivor = patient, survivor
        super().__init__(
            _("%(patient)s was merged into %(survivor)s. Go on in that record.")
            % {"patient": patient, "survivor": survivor}
        )


def hold_patient(pk: int) -> Patient:
    """The current record for ``pk``, protected from being merged or parted until the transaction ends."""
    (merged_into,) = _hold([pk])
    return Patient.objects.get(pk=hold_patient(merged_into).pk if merged_into else pk)


def hold_patients(pks: Collection[int]) -> None:
    """Hold several records and those they became, in the order in which everybody does."""
    while pks:
        pks = {merged_into for merged_into in _hold(pks) if merged_into}


def _hold(pks: Collection[int]) -> list[int | None]:
    # As a foreign key does when a row is added, only earlier: before anything that depends on the answer.
    sql = "SELECT merged_into_id FROM patients_patient WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE"
    with connection.cursor() as cursor:
        cursor.execute(sql, [sorted(pks)])
        return [row[0] for row in cursor.fetchall()]
