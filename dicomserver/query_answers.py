"""What Query/Retrieve answers about a patient, study, series or image that matches."""

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.utils import timezone
from pydicom import Dataset
from pydicom.dataelem import DataElement

from imaging.models import Instance, Series, Study
from patients.models import Patient, Sex

from .answers import birth_date
from .encoding import Encoder, Layout


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

LEVELS = ("PATIENT", "STUDY", "SERIES", "IMAGE")
# Of each level: where it is in a row, and what is known of it.
_OWNERS: list[tuple[Callable[[Row], Any], dict[str, Callable[[Any], Any]]]] = [
    (attrgetter("patient"), _PATIENT_VALUES),
    (attrgetter("study"), _STUDY_VALUES),
    (attrgetter("series"), _SERIES_VALUES),
    (attrgetter("instance"), _INSTANCE_VALUES),
]
# Whatever else is asked of an image, only its header can answer.
KNOWN = {"QueryRetrieveLevel", "RetrieveAETitle", "SpecificCharacterSet"}.union(
    _PATIENT_VALUES, _STUDY_VALUES, _SERIES_VALUES, _INSTANCE_VALUES
)


def layout(keys: Dataset, level: str, encoder: Encoder) -> Layout:
    """The keys that were asked for; what Cedar does not know is returned empty."""
    made = Layout(encoder)
    made.add_character_set()
    made.add_same("QueryRetrieveLevel", level)
    made.add_same("RetrieveAETitle", settings.DICOM_AE_TITLE)
    for asked in keys:
        if asked.tag.element != 0 and asked.tag not in made:
            made.add(asked.tag, asked.VR, _source(level, asked))
    return made


def _source(level: str, asked: DataElement) -> Callable[[Row], Any]:
    keyword = asked.keyword
    for owner, values in _OWNERS[: LEVELS.index(level) + 1]:
        if keyword in values:
            return _of(owner, values[keyword])
    if level == "IMAGE" and asked.VR not in ("SQ", "PN"):
        return _from_header(keyword, f"{asked.tag:08X}")
    return lambda row: row.counts.get(keyword)


def _of(owner: Callable[[Row], Any], value: Callable[[Any], Any]) -> Callable[[Row], Any]:
    return lambda row: value(owner(row))


def _from_header(keyword: str, tag: str) -> Callable[[Row], Any]:
    """Any other attribute of an image, of those that hold simple values."""

    def value(row: Row) -> Any:
        if keyword in row.counts:
            return row.counts[keyword]
        values = row.instance.metadata.get(tag, {}).get("Value")  # type: ignore[union-attr]
        return None if not values or isinstance(values[0], dict) else values

    return value
