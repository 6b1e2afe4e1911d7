"""Whose images are these? The identity in an object against a patient's record, and against another object.

The Patient ID must be there and agree, and so must the name. A birth date or a sex that the images leave
empty contradicts nothing. Names are compared in Latin letters, without accents, in any order.
"""

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from django.utils import formats

from clinic.models import ClinicProfile
from patients.dates import BirthDate, BirthPrecision
from patients.models import Patient, PatientIdentifier, Sex
from patients.names import PersonName, fold, latin_words
from patients.numbers import number_key
from patients.records import resolve_patient_by_number

from .models import Study

Differences = dict[str, list[str]]
Span = tuple[datetime.date, datetime.date]


@dataclass(frozen=True)
class Identity:
    """The patient as a sender wrote it (PS3.3 C.2.2, C.2.3)."""

    patient_id: str
    issuer: str
    name: str
    birth_date: str
    sex: str

    @classmethod
    def of_object(cls, facts: dict[str, Any]) -> Self:
        return cls(
            patient_id=facts["patient_id"],
            issuer=facts["issuer"],
            name=facts["patient_name"],
            birth_date=facts["birth_date"],
            sex=facts["sex"],
        )

    @classmethod
    def of_study(cls, study: Study) -> Self:
        return cls(
            patient_id=study.received_patient_id,
            issuer=study.received_issuer,
            name=study.received_patient_name,
            birth_date=study.received_birth_date,
            sex=study.received_sex,
        )

    @property
    def is_of_this_clinic(self) -> bool:
        """Whether the number was given here: nobody else is named as its issuer."""
        return not self.issuer or fold(self.issuer) == fold(ClinicProfile.get().name)


def find_patient(identity: Identity) -> Patient | None:
    """The patient who has the number in the images; a merged record leads to the one it became."""
    if identity.is_of_this_clinic:
        return resolve_patient_by_number(identity.patient_id)
    return _with_foreign_number(identity, Patient.objects.all()) if number_key(identity.patient_id) else None


def differences(identity: Identity, patient: Patient) -> Differences:
    """What contradicts: ``{"patient_name": ["in the images", "in the record"], …}``.

    Images may say what a record said that was merged into this one: it is the same person.
    """
    key = number_key(identity.patient_id)
    aliases = [alias for alias in patient.aliases.all() if key and alias.mrn_key == key]
    if any(not _differences(identity, alias, {key}) for alias in aliases):
        return {}
    return _differences(identity, patient, {patient.mrn_key, *(alias.mrn_key for alias in aliases)})


def _differences(identity: Identity, patient: Patient, numbers: set[str]) -> Differences:
    found: Differences = {}
    if not number_key(identity.patient_id):
        found["patient_id"] = [identity.patient_id, patient.mrn]
    elif not identity.is_of_this_clinic:
        if _with_foreign_number(identity, Patient.objects.filter(pk=patient.pk)) is None:
            found["patient_id"] = [identity.patient_id, patient.mrn]
            found["issuer"] = [identity.issuer, ClinicProfile.get().name]
    elif number_key(identity.patient_id) not in numbers:
        found["patient_id"] = [identity.patient_id, patient.mrn]
    if not any(names_agree(identity.name, name) for name in _names(patient)):
        found["patient_name"] = [identity.name, patient.dicom_name]
    if not _birth_agrees(identity.birth_date, patient):
        found["birth_date"] = [identity.birth_date, _as_dicom_date(patient)]
    if not _sexes_agree(identity.sex, patient.sex):
        found["sex"] = [identity.sex, patient.sex]
    return found


def same_person(one: Identity, other: Identity) -> bool:
    """Whether two objects name the same patient; what one of them leaves empty contradicts nothing."""
    return (
        number_key(one.patient_id) == number_key(other.patient_id)
        and (not one.issuer or not other.issuer or fold(one.issuer) == fold(other.issuer))
        and (one.name == other.name or names_agree(one.name, other.name) or names_agree(other.name, one.name))
        and _births_agree(one.birth_date, other.birth_date)
        and _sexes_agree(one.sex, other.sex)
    )


def names_agree(images: str, record: str) -> bool:
    """Compare two PN values: every word of family and given name must be in both, extra titles do not count.

    A middle name may be missing from the images; one that only they have is a difference.
    """
    written, known = PersonName.from_dicom(images), PersonName.from_dicom(record)
    if written.ideographic and known.ideographic and _words(written.ideographic) != _words(known.ideographic):
        return False
    spelled = _words(f"{written.family} {written.given} {written.middle}")
    titles = _words(f"{known.prefix} {known.suffix}")
    for group in (f"{known.family} {known.given}", known.ideographic, known.phonetic):
        needed = _words(group)
        allowed = needed | _words(known.middle) if group is not known.ideographic else needed
        if spelled and needed and needed <= spelled and spelled - titles <= allowed:
            return True
    return not spelled and bool(written.ideographic) and bool(known.ideographic)


def readable_name(written: str) -> str:
    """``Yamada^Tarou=山田^太郎`` as ``Yamada, Tarou · 山田 太郎``."""
    name = PersonName.from_dicom(written)
    parts = [name.family, f"{name.given} {name.middle}".strip(), name.prefix, name.suffix]
    groups = [", ".join(part for part in parts if part), name.ideographic, name.phonetic]
    return " · ".join(group.replace("^", " ").strip() for group in groups if group)


def readable_date(written: str) -> str:
    """``19800517`` as ``17 May 1980``; what is no whole date stays as it was written."""
    span = span_of(written)
    if span is None or span[0] != span[1]:
        return written
    return formats.date_format(span[0], "j M Y")


def _words(text: str) -> set[str]:
    """Words in Latin letters; ``ae oe ue`` and the umlauts they stand for become the same."""
    return {re.sub("(?<=[aou])e", "", word) for word in latin_words(text.replace("^", " "))}


def _with_foreign_number(identity: Identity, patients: Any) -> Patient | None:
    key = number_key(identity.patient_id)
    found = PatientIdentifier.objects.filter(value_key=key, patient__in=patients)
    for known in found.select_related("patient"):
        if fold(known.issuer) == fold(identity.issuer):
            return known.patient
    return None


def _names(patient: Patient) -> Iterator[str]:
    """The patient's name, and those that she had before or is also known by."""
    yield patient.dicom_name
    for other in patient.other_names.all():
        yield other.person_name.as_dicom()


def _birth_agrees(written: str, patient: Patient) -> bool:
    if not written.strip() or patient.birth_date is None:
        return True
    known = BirthDate(patient.birth_date, BirthPrecision(patient.birth_precision))
    return _spans_meet(span_of(written), known.span)


def _births_agree(one: str, other: str) -> bool:
    return not one.strip() or not other.strip() or one == other or _spans_meet(*map(span_of, (one, other)))


def span_of(written: str) -> Span | None:
    """First and last day that ``19800517``, ``198005`` or ``1980.05.17`` mean; None if it is no date."""
    read = re.fullmatch(r"(\d{4})(?:[.-]?(\d{2})(?:[.-]?(\d{2}))?)?", written.strip())
    if read is None:
        return None
    year, month, day = (int(part) if part else 0 for part in read.groups())
    precision = BirthPrecision.DAY if day else BirthPrecision.MONTH if month else BirthPrecision.YEAR
    try:
        return BirthDate(datetime.date(year, month or 1, day or 1), precision).span
    except ValueError:
        return None


def _spans_meet(one: Span | None, other: Span | None) -> bool:
    return one is not None and other is not None and one[0] <= other[1] and other[0] <= one[1]


def _sexes_agree(one: str, other: str) -> bool:
    silent = {"", Sex.UNKNOWN}
    one, other = one.strip().upper(), other.strip().upper()
    return one in silent or other in silent or one == other


def _as_dicom_date(patient: Patient) -> str:
    return f"{patient.birth_date:%Y%m%d}" if patient.birth_date else ""
