"""Everything that is written about patients."""

from collections.abc import Collection, Iterable
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, InvalidInput
from clinic.live import announce
from clinic.models import User

from . import names
from .duplicates import Candidate, Description, find_candidates
from .models import Patient, PatientIdentifier
from .numbers import next_mrn, read_mrn
from .records import Merged, hold_patient, resolve_patient_by_number
from .values import BLANK, EDITABLE, clean_values, limit_length, plain

__all__ = ["add_identifier", "describe", "register_patient", "resolve_patient_by_number", "update_patient"]

REGISTERING = 0x50415449  # advisory lock: one registration at a time looks for duplicates and inserts


class SurelyHere(Conflict):
    """A person to be registered is here already; ``candidates`` are the records that say so."""

    def __init__(self, candidates: list[Candidate]) -> None:
        self.candidates = candidates
        known = ", ".join(str(candidate.patient) for candidate in candidates)
        super().__init__(
            _("This person is registered already: %(known)s. Use that record, or say why this is another.")
            % {"known": known}
        )


@transaction.atomic
def register_patient(
    *,
    by: User,
    mrn: str = "",
    identifiers: Iterable[tuple[str, str]] = (),
    duplicate_reason: str = "",
    duplicates_seen: Collection[int] | None = None,
    **fields: Any,
) -> Patient:
    """Make a patient with the next number, or with ``mrn`` when the number comes from elsewhere.

    ``fields`` are those of ``EDITABLE``. A person who is surely here already is refused with
    ``SurelyHere`` unless ``duplicate_reason`` says why this is another one; ``duplicates_seen`` are the
    patients (ids) the reason speaks of, so that one registered meanwhile is not passed over.
    """
    values = clean_values(BLANK | fields)
    others = [(names.clean(issuer), names.clean(value)) for issuer, value in identifiers]
    patient = Patient(**values, created_by=by)
    _refuse_duplicate(patient, others, duplicate_reason.strip(), duplicates_seen)
    _insert(patient, read_mrn(mrn) if mrn.strip() else "")
    record(
        by=by,
        action="patient.registered",
        subject=patient,
        patient=patient,
        changes={name: [None, plain(value)] for name, value in values.items() if value not in ("", None)},
        reason=duplicate_reason.strip(),
    )
    for issuer, value in others:
        add_identifier(patient, by=by, issuer=issuer, value=value)
    return patient


@transaction.atomic
def update_patient(patient: Patient, *, by: User, version: int, **changes: Any) -> Patient:
    """Change fields of ``EDITABLE``; ``version`` is that of the record which the person was looking at."""
    current = Patient.objects.select_for_update().get(pk=patient.pk)
    if current.merged_into is not None:
        raise Merged(current, current.merged_into)
    if current.version != version:
        raise Conflict(
            _("Someone else changed this patient while you were editing. Look at it, then save again.")
        )
    before = {name: getattr(current, name) for name in EDITABLE}
    after = clean_values(before | changes)
    changed = [name for name in EDITABLE if before[name] != after[name]]
    if not changed:
        return current
    for name in changed:
        setattr(current, name, after[name])
    current.name_key = names.name_key(current.person_name)
    current.version += 1
    current.save(update_fields=[*changed, "name_key", "version", "updated_at"])
    current.refresh_from_db()
    record(
        by=by,
        action="patient.changed",
        subject=current,
        patient=current,
        changes={name: [plain(before[name]), plain(after[name])] for name in changed},
    )
    announce(f"patient.{current.pk}", "board", "reading")
    return current


@transaction.atomic
def add_identifier(patient: Patient, *, by: User, issuer: str, value: str) -> PatientIdentifier:
    """Note another number of the same person, as given by ``issuer``."""
    patient = hold_patient(patient.pk)
    issuer, value = names.clean(issuer), names.clean(value)
    if not issuer or not value:
        raise InvalidInput(_("Another number needs both the number and who issued it."), field="identifiers")
    limit_length(_("name of the issuer"), issuer, 64, "identifiers")
    limit_length(_("number"), value, 64, "identifiers")
    identifier, made = PatientIdentifier.objects.get_or_create(
        issuer=issuer, value=value, defaults={"patient": patient}
    )
    if identifier.patient_id != patient.pk:
        raise Conflict(
            _("The number %(value)s of %(issuer)s belongs to %(patient)s already.")
            % {"value": value, "issuer": issuer, "patient": identifier.patient}
        )
    if made:
        record(
            by=by,
            action="patient.changed",
            subject=patient,
            patient=patient,
            changes={"identifiers": [None, str(identifier)]},
        )
        announce(f"patient.{patient.pk}")
    return identifier


# --- registering -------------------------------------------------------------------------------------


def describe(patient: Patient, identifiers: Iterable[tuple[str, str]] = ()) -> Description:
    """What duplicates are looked for with."""
    return Description(
        name=patient.person_name,
        born=patient.born,
        sex=patient.sex,
        phone=patient.phone,
        national_id=patient.national_id,
        identifiers=tuple(identifiers),
    )


def _refuse_duplicate(
    patient: Patient, identifiers: list[tuple[str, str]], reason: str, seen: Collection[int] | None
) -> None:
    """Look once more, while nobody else can register: two desks may have the same person before them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [REGISTERING])
    candidates = find_candidates(describe(patient, identifiers))
    certain = [candidate for candidate in candidates if candidate.level == "certain"]
    new = [candidate for candidate in certain if seen is not None and candidate.patient.pk not in seen]
    if certain and (not reason or new):
        raise SurelyHere(certain)


def _insert(patient: Patient, mrn: str) -> None:
    patient.name_key = names.name_key(patient.person_name)
    while True:
        patient.mrn = mrn or next_mrn()
        try:
            with transaction.atomic():
                patient.save(force_insert=True)
            return
        except IntegrityError as error:
            if "mrn_key" not in str(error):
                raise
            if mrn:
                raise Conflict(_("The patient number %(mrn)s is taken already.") % {"mrn": mrn}) from error
            patient.pk = None
