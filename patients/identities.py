"""Further numbers and other names by which a patient is known."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, InvalidInput
from clinic.live import announce
from clinic.models import User

from . import names
from .models import OtherName, OtherNameKind, Patient, PatientIdentifier
from .records import hold_patient
from .services import update_patient
from .values import BLANK, GROUP_FIELDS, clean_values

NAME_FIELDS = ("family_name", "given_name", "middle_name", *GROUP_FIELDS)


@transaction.atomic
def remove_identifier(identifier: PatientIdentifier, *, by: User) -> None:
    """The number was noted by mistake. What it was stays in the history."""
    patient = hold_patient(identifier.patient_id)
    if not PatientIdentifier.objects.filter(pk=identifier.pk, patient=patient).delete()[0]:
        raise Conflict(_("Somebody else has removed this number already."))
    _note(patient, by=by, field="identifiers", before=str(identifier), after=None)


@transaction.atomic
def add_other_name(patient: Patient, *, by: User, kind: str, **fields: str) -> OtherName:
    """Note a name of ``NAME_FIELDS`` under which the patient is found from now on."""
    if kind not in OtherNameKind.values or kind == OtherNameKind.MERGED:
        raise InvalidInput(_("“%(kind)s” is not a kind of name.") % {"kind": kind[:40]}, field="kind")
    cleaned = clean_values(BLANK | fields)
    values = {name: cleaned[name] for name in NAME_FIELDS}
    patient = hold_patient(patient.pk)
    other = OtherName(patient=patient, kind=kind, **values)
    other.name_key = names.name_key(other.person_name)
    if other.name_key == patient.name_key:
        raise InvalidInput(_("This is the patient's name already."), field="family_name")
    if patient.other_names.filter(name_key=other.name_key).exists():  # type: ignore[attr-defined]
        raise Conflict(_("This name is noted already."))
    other.save()
    _note(patient, by=by, field="other_names", before=None, after=_spoken(other))
    return other


@transaction.atomic
def rename_patient(patient: Patient, *, by: User, version: int, keep_name: bool, **changes: Any) -> Patient:
    """``update_patient``; with ``keep_name`` the patient is still found by the name of before."""
    changed = update_patient(patient, by=by, version=version, **changes)
    before = {name: getattr(patient, name) for name in NAME_FIELDS}
    if keep_name and names.name_key(patient.person_name) != changed.name_key:
        add_other_name(changed, by=by, kind=OtherNameKind.FORMER, **before)
    return changed


@transaction.atomic
def remove_other_name(other: OtherName, *, by: User) -> None:
    patient = hold_patient(other.patient_id)
    if not OtherName.objects.filter(pk=other.pk, patient=patient).delete()[0]:
        raise Conflict(_("Somebody else has removed this name already."))
    _note(patient, by=by, field="other_names", before=_spoken(other), after=None)


def _spoken(other: OtherName) -> str:
    return f"{other} ({other.get_kind_display()})"


def _note(patient: Patient, *, by: User, field: str, before: str | None, after: str | None) -> None:
    changes = {field: [before, after]}
    record(by=by, action="patient.changed", subject=patient, patient=patient, changes=changes)
    announce(f"patient.{patient.pk}", "board", "reading")
