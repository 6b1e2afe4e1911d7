"""What Query/Retrieve answers about a patient, study, series or image that matches."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils import timezone
from pydicom import Dataset
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence

from imaging.models import Instance, Series, Study
from patients.models import Patient, Sex

from .answers import birth_date, person_name
from .character_sets import attribute, writable


@dataclass
class Row:
    """One match: the object of the level asked for, and those above it."""

    patient: Patient
    study: Study | None = None
    series: Series | None = None
    instance: Instance | None = None
    counts: dict[str, Any] = field(default_factory=dict)


def _local(study: Study, form: str) -> str:
    return timezone.localtime(study.performed_at).strftime(form) if study.performed_at else ""


def _accession_of(study: Study) -> str:
    return study.order.accession_number if study.order else study.received_accession_number


def _referrer(study: Study) -> str:
    return study.order.referrer.name if study.order and study.order.referrer else ""


_PATIENT_VALUES: dict[str, Callable[[Patient], Any]] = {
    "PatientName": lambda patient: patient.dicom_name,
    "PatientID": lambda patient: patient.mrn,
    "PatientBirthDate": birth_date,
    "PatientSex": lambda patient: "" if patient.sex == Sex.UNKNOWN else patient.sex,
}
_STUDY_VALUES: dict[str, Callable[[Study], Any]] = {
    "StudyInstanceUID": lambda study: study.study_instance_uid,
    "StudyDate": lambda study: _local(study, "%Y%m%d"),
    "StudyTime": lambda study: _local(study, "%H%M%S"),
    "AccessionNumber": _accession_of,
    "StudyDescription": lambda study: study.description,
    "ReferringPhysicianName": _referrer,
    "ModalitiesInStudy": lambda study: study.modalities,
    "NumberOfStudyRelatedSeries": lambda study: study.series_count,
    "NumberOfStudyRelatedInstances": lambda study: study.instance_count,
    "InstanceAvailability": lambda _study: "ONLINE",
}
_SERIES_VALUES: dict[str, Callable[[Series], Any]] = {
    "SeriesInstanceUID": lambda series: series.series_instance_uid,
    "Modality": lambda series: series.modality,
    "SeriesNumber": lambda series: series.number,
    "SeriesDescription": lambda series: series.description,
    "BodyPartExamined": lambda series: series.body_part,
    "Laterality": lambda series: series.laterality,
    "NumberOfSeriesRelatedInstances": lambda series: series.instance_count,
}
_INSTANCE_VALUES: dict[str, Callable[[Instance], Any]] = {
    "SOPInstanceUID": lambda instance: instance.sop_instance_uid,
    "SOPClassUID": lambda instance: instance.sop_class_uid,
    "InstanceNumber": lambda instance: instance.number,
    "NumberOfFrames": lambda instance: instance.frames or None,
    "Rows": lambda instance: instance.rows,
    "Columns": lambda instance: instance.columns,
    "AvailableTransferSyntaxUID": lambda instance: instance.transfer_syntax_uid,
}


# Whatever else is asked of an image, only its header can answer.
KNOWN = {"QueryRetrieveLevel", "RetrieveAETitle", "SpecificCharacterSet"}.union(
    _PATIENT_VALUES, _STUDY_VALUES, _SERIES_VALUES, _INSTANCE_VALUES
)


def answer(keys: Dataset, level: str, row: Row, character_set: str) -> Dataset:
    """The keys that were asked for; what Cedar does not know is returned empty."""
    answer = Dataset()
    answer.SpecificCharacterSet = attribute(character_set)
    answer.QueryRetrieveLevel = level
    answer.RetrieveAETitle = settings.DICOM_AE_TITLE
    for asked in keys:
        if asked.tag.element == 0 or asked.tag in answer:
            continue
        value = _value(row, asked.keyword)
        if value is None and row.instance is not None:
            value = _from_header(row.instance, asked, character_set)
        answer.add(_element(asked, value, character_set))
    return answer


def _value(row: Row, keyword: str) -> Any:
    tables: list[tuple[Any, dict[str, Any]]] = [
        (row.patient, _PATIENT_VALUES),
        (row.study, _STUDY_VALUES),
        (row.series, _SERIES_VALUES),
        (row.instance, _INSTANCE_VALUES),
    ]
    for owner, values in tables:
        if owner is not None and keyword in values:
            return values[keyword](owner)
    return row.counts.get(keyword)


def _from_header(instance: Instance, asked: DataElement, character_set: str) -> Any:
    """Any other attribute of an image, of those that hold simple values."""
    if "metadata" in instance.get_deferred_fields() or asked.VR in ("SQ", "PN"):
        return None
    values = instance.metadata.get(f"{asked.tag:08X}", {}).get("Value")
    if not values or isinstance(values[0], dict):
        return None
    return [str(value) if asked.VR in ("DS", "IS") else value for value in values]


def _element(asked: DataElement, value: Any, character_set: str) -> DataElement:
    vr = asked.VR
    if value is None or value == "":
        return DataElement(asked.tag, vr, Sequence() if vr == "SQ" else None)
    if vr == "PN":
        value = person_name(value, character_set)
    elif isinstance(value, str):
        value = writable(value.replace("\\", "/"), character_set)[:64]
    elif isinstance(value, list):
        value = [writable(part, character_set) if isinstance(part, str) else part for part in value]
    return DataElement(asked.tag, vr, value)
