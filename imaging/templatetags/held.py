"""How a held study is shown beside a record."""

from dataclasses import dataclass

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from imaging.held import Target
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
def comparison(target: Target, study: Study) -> list[Row]:
    """``{% for row in target|comparison:study %}``: identity line by line, as DICOM writes it."""
    patient, found = target.patient, target.differences
    born = f"{patient.birth_date:%Y%m%d}" if patient.birth_date else ""
    number = study.received_patient_id
    rows = [
        Row(_("Name"), study.received_patient_name, patient.dicom_name, "patient_name" in found),
        Row(_("Patient number"), number, patient.mrn, "patient_id" in found),
        Row(_("Birth date"), study.received_birth_date, born, "birth_date" in found),
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
