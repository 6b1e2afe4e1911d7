"""How a held study is shown beside a record."""

from dataclasses import dataclass

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from imaging.held import Target
from imaging.identity import readable_date, readable_name
from imaging.models import Study
from patients.models import Patient

register = template.Library()


@dataclass(frozen=True)
class Row:
    """One line of the comparison."""

    label: str | Promise
    images: str
    record: str
    differs: bool


@register.filter
def person_name(written: str) -> str:
    """A PN value as people read it."""
    return readable_name(written)


@register.filter
def dicom_date(written: str) -> str:
    """A DA value as people read it."""
    return readable_date(written)


@register.filter
def comparison(study: Study, target: Target | None) -> list[Row]:
    """``{% for row in study|comparison:target %}``: the identity on both sides, line by line."""
    order = target.order if target is not None else None
    found = target.differences if target is not None else {}
    patient = target.patient if target is not None else None
    rows = [
        Row(label, images, record, name in found) for name, label, images, record in _sides(study, patient)
    ]
    if "issuer" in found or study.received_issuer:
        _theirs, ours = found.get("issuer", ["", ""])
        rows.insert(2, Row(_("Number issued by"), study.received_issuer, ours, "issuer" in found))
    ours, theirs = order.accession_number if order else "", study.received_accession_number
    differs = order is not None and bool(theirs) and theirs.upper() != ours.upper()
    if order is not None or theirs:
        rows.append(Row(_("Accession number"), theirs, ours, differs))
    return rows


@register.filter
def differing_rows(study: Study) -> list[Row]:
    """What the images and the order that they point at disagree in, as it was found when they came."""
    rows = []
    for name, (images, record) in study.differences.items():
        readable = _READABLE.get(name, str)
        rows.append(Row(_LABELS.get(name, name), readable(images), readable(record), True))
    return rows


@register.filter
def differing(target: Target) -> str:
    """The names of what differs, for a line in a list."""
    return ", ".join(str(_LABELS.get(name, name)) for name in target.differences)


_LABELS = {
    "patient_name": _("Name"),
    "patient_id": _("Patient number"),
    "issuer": _("Number issued by"),
    "birth_date": _("Birth date"),
    "sex": _("Sex"),
    "accession_number": _("Accession number"),
}
_READABLE = {"patient_name": readable_name, "birth_date": readable_date}


def _sides(study: Study, patient: Patient | None) -> list[tuple[str, str | Promise, str, str]]:
    """``(name, label, in the images, in the record)`` of what makes an identity."""
    name = readable_name(patient.dicom_name) if patient else ""
    number, born, sex = (patient.mrn, patient.birth_text, patient.sex) if patient else ("", "", "")
    return [
        ("patient_name", _LABELS["patient_name"], readable_name(study.received_patient_name), name),
        ("patient_id", _LABELS["patient_id"], study.received_patient_id, number),
        ("birth_date", _LABELS["birth_date"], readable_date(study.received_birth_date), born),
        ("sex", _LABELS["sex"], study.received_sex, sex),
    ]
