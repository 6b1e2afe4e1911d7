"""How a held study is shown beside a record."""

from dataclasses import dataclass

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from imaging.held import Target
from imaging.identity import readable_date, readable_name
from imaging.models import Study

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
def comparison(target: Target, study: Study) -> list[Row]:
    """``{% for row in target|comparison:study %}``: the identity on both sides, line by line."""
    patient, found = target.patient, target.differences
    names = readable_name(study.received_patient_name), readable_name(patient.dicom_name)
    births = readable_date(study.received_birth_date), patient.birth_text
    rows = [
        Row(_("Name"), *names, "patient_name" in found),
        Row(_("Patient number"), study.received_patient_id, patient.mrn, "patient_id" in found),
        Row(_("Birth date"), *births, "birth_date" in found),
        Row(_("Sex"), study.received_sex, patient.sex, "sex" in found),
    ]
    if "issuer" in found:
        theirs, ours = found["issuer"]
        rows.insert(2, Row(_("Number issued by"), theirs, ours, True))
    if target.order is not None:
        ours, theirs = target.order.accession_number, study.received_accession_number
        differs = bool(theirs) and theirs.upper() != ours.upper()
        rows.append(Row(_("Accession number"), theirs, ours, differs))
    return rows
