"""Query/Retrieve: what is in the archive (PS3.4 Annex C), matched in the database and streamed from it.

Keys of every level at and above the one asked for are matched, so hierarchical and relational queries are
the same thing here. Answers carry the identity of the clinic's records; held studies are not offered.
"""

import zoneinfo
from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import (
    Count,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
)
from django.db.models.functions import Coalesce
from django.utils import timezone
from pydicom import Dataset
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from clinic.models import ClinicProfile
from imaging.models import NOT_SERVED, Instance, Series, Study
from patients.models import BirthPrecision, Patient, PatientQuerySet
from patients.numbers import number_key
from scheduling.models import Order

from .answers import value_of
from .encoding import Encoder
from .matching import BadQuery, DateRange, NamePattern, TextPattern, TimeRange
from .query_answers import KNOWN, LEVELS, Row, layout

FIND_CLASSES = (PatientRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelFind)
MOVE_CLASSES = (PatientRootQueryRetrieveInformationModelMove, StudyRootQueryRetrieveInformationModelMove)
GET_CLASSES = (PatientRootQueryRetrieveInformationModelGet, StudyRootQueryRetrieveInformationModelGet)
UNIQUE_KEYS = {
    "PATIENT": "PatientID",
    "STUDY": "StudyInstanceUID",
    "SERIES": "SeriesInstanceUID",
    "IMAGE": "SOPInstanceUID",
}
_PATIENT_ROOT = (
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelMove,
    PatientRootQueryRetrieveInformationModelGet,
)
_MOST_KEYS = 300
_MOST_UIDS = 10_000
_CHUNK = 200
_MODELS: dict[str, Any] = {"PATIENT": Patient, "STUDY": Study, "SERIES": Series, "IMAGE": Instance}
# How to get from a row of one level to the patient, study and series of it.
_PATHS: dict[str, dict[str, str]] = {
    "PATIENT": {"PATIENT": ""},
    "STUDY": {"PATIENT": "patient__", "STUDY": ""},
    "SERIES": {"PATIENT": "study__patient__", "STUDY": "study__", "SERIES": ""},
    "IMAGE": {
        "PATIENT": "series__study__patient__",
        "STUDY": "series__study__",
        "SERIES": "series__",
        "IMAGE": "",
    },
}


class WrongLevel(BadQuery):
    """The identifier does not fit the information model (status A900)."""


class Query:
    """An identifier, read once. Raises ``BadQuery`` in words that fit an Error Comment."""

    def __init__(self, identifier: Dataset, sop_class: str) -> None:
        if len(identifier) > _MOST_KEYS:
            raise BadQuery("The query has too many keys")
        self.keys = identifier
        self.level = value_of(identifier, "QueryRetrieveLevel").upper()
        if self.level not in LEVELS or (self.level == "PATIENT" and sop_class not in _PATIENT_ROOT):
            raise WrongLevel(f"Query/Retrieve Level {self.level[:16]!r} is not of this model")
        self.asked = {element.keyword for element in identifier if element.keyword}
        self.patient_name = NamePattern(value_of(identifier, "PatientName"))

    def text(self, keyword: str) -> str:
        return value_of(self.keys, keyword)

    def uids(self, keyword: str) -> list[str]:
        """Values of list of UID matching; empty for universal matching."""
        values = [part.strip() for part in self.text(keyword).split("\\")]
        if len(values) > _MOST_UIDS:
            raise BadQuery("A list of UIDs is too long")
        return [value for value in values if value and value != "*"]

    @property
    def summary(self) -> str:
        """What was asked for, for the log; identities of patients are left out."""
        asked = [f"{self.level}"]
        for element in self.keys:
            if element.VR != "SQ" and element.value and element.keyword not in ("", "QueryRetrieveLevel"):
                value = "…" if element.keyword.startswith("Patient") else self.text(element.keyword)
                asked.append(f"{element.keyword}={value}")
        return "; ".join(asked)


def find(query: Query, encoder: Encoder) -> Iterator[bytes]:
    """The matches with the keys that were asked for; rows come from the database as they are needed."""
    made = layout(query.keys, query.level, encoder)
    with timezone.override(zoneinfo.ZoneInfo(ClinicProfile.get().time_zone)), transaction.atomic():
        for found in _rows(query).iterator(chunk_size=_CHUNK):
            row = _row(query.level, found)
            if query.patient_name.matches(row.patient.dicom_name):
                yield made.encode(row)


def instances(query: Query) -> QuerySet[Instance]:
    """What a retrieval means: the unique keys alone decide (PS3.4 C.4.2.1.4.1)."""
    if not query.text(UNIQUE_KEYS[query.level]).strip("* "):
        raise WrongLevel(f"{UNIQUE_KEYS[query.level]} is needed at this level")
    condition = ~Q(series__study__state__in=NOT_SERVED)
    if patient_id := query.text("PatientID").strip("* "):
        condition &= Q(series__study__patient__in=_numbered(patient_id))
    for level, path in (
        ("STUDY", "series__study__study_instance_uid"),
        ("SERIES", "series__series_instance_uid"),
        ("IMAGE", "sop_instance_uid"),
    ):
        uids = query.uids(UNIQUE_KEYS[level])
        if uids and LEVELS.index(level) <= LEVELS.index(query.level):
            condition &= Q(**{f"{path}__in": uids})
    return Instance.objects.filter(condition).order_by(
        "series__study", "series__number", "series", "number", "pk"
    )


# --- matching -----------------------------------------------------------------------------------------


def _rows(query: Query) -> QuerySet[Any]:
    paths = _PATHS[query.level]
    rows = _MODELS[query.level].objects.order_by()
    condition = _patient_condition(query, paths["PATIENT"])
    if "STUDY" in paths:
        condition &= ~Q(**{f"{paths['STUDY']}state__in": NOT_SERVED})
        condition &= _study_condition(query, paths["STUDY"])
    else:
        offered = Study.objects.served().filter(patient=OuterRef("pk"))
        condition &= Q(Exists(offered))
    if "SERIES" in paths:
        condition &= _series_condition(query, paths["SERIES"])
    if "IMAGE" in paths:
        condition &= _instance_condition(query)
    return _with_counts(query, _with_parents(query, rows.filter(condition)))


def _patient_condition(query: Query, path: str) -> Q:
    condition = query.patient_name.condition(f"{path}name_key")
    number = query.text("PatientID")
    if "*" in number or "?" in number:
        known = Patient.objects.filter(TextPattern(number).condition("mrn", ignore_case=True))
        condition &= Q(**{f"{path}pk__in": known.resolved()})
    elif number:
        condition &= Q(**{f"{path}pk__in": _numbered(number)})
    born = DateRange(query.text("PatientBirthDate"))
    if born:
        condition &= born.date_condition(f"{path}birth_date")
        condition &= Q(**{f"{path}birth_precision": BirthPrecision.DAY})
    return condition & TextPattern(query.text("PatientSex")).condition(f"{path}sex")


def _numbered(text: str) -> PatientQuerySet:
    """Whom these numbers mean, also those of records that were merged into another."""
    keys = [number_key(value) for value in text.split("\\")]
    return Patient.objects.filter(mrn_key__in=keys).resolved()


def _study_condition(query: Query, path: str) -> Q:
    condition = DateRange(query.text("StudyDate")).condition(f"{path}performed_at")
    condition &= TimeRange(query.text("StudyTime")).condition(f"{path}performed_at")
    condition &= _accession(query.text("AccessionNumber"), path)
    condition &= TextPattern(query.text("StudyDescription")).condition(f"{path}description", ignore_case=True)
    if uids := query.uids("StudyInstanceUID"):
        condition &= Q(**{f"{path}study_instance_uid__in": uids})
    modalities = [value for value in query.text("ModalitiesInStudy").split("\\") if value.strip(" *")]
    if modalities:
        condition &= Q(**{f"{path}modalities__overlap": modalities})
    if study_id := query.text("StudyID").strip("*"):
        named = _study_id(OuterRef(f"{path}pk"))
        pattern = TextPattern(study_id).condition("found")
        condition &= Q(Exists(named.filter(pattern)))
    return condition


def _accession(text: str, path: str) -> Q:
    """The order's number, or what the images carry where there is no order."""
    pattern = TextPattern(text)
    if not text.strip("*"):
        return Q()
    if "*" in text or "?" in text:
        carried = pattern.condition(f"{path}received_accession_number")
        return pattern.condition(f"{path}order__accession_number") | (Q(**{f"{path}order": None}) & carried)
    # First the order, so that each side of the alternative has an index.
    orders = list(Order.objects.filter(pattern.condition("accession_number")).values_list("pk", flat=True))
    carried = Q(**{f"{path}order": None}) & pattern.condition(f"{path}received_accession_number")
    return Q(**{f"{path}order__in": orders}) | carried if orders else carried


def _study_id(study: OuterRef) -> QuerySet[Any]:
    """Study ID (0020,0010) is not a column: it is read from an image of the study."""
    return (
        Instance.objects.filter(series__study=study)
        .order_by("pk")
        .annotate(
            found=Func(
                F("metadata"),
                Value("00200010"),
                Value("Value"),
                Value("0"),
                function="jsonb_extract_path_text",
                output_field=TextField(),
            )
        )
    )


def _series_condition(query: Query, path: str) -> Q:
    condition = TextPattern(query.text("Modality")).condition(f"{path}modality")
    condition &= _number(query.text("SeriesNumber"), f"{path}number")
    condition &= TextPattern(query.text("SeriesDescription")).condition(
        f"{path}description", ignore_case=True
    )
    condition &= TextPattern(query.text("BodyPartExamined")).condition(f"{path}body_part", ignore_case=True)
    if uids := query.uids("SeriesInstanceUID"):
        condition &= Q(**{f"{path}series_instance_uid__in": uids})
    return condition


def _instance_condition(query: Query) -> Q:
    condition = _number(query.text("InstanceNumber"), "number")
    if uids := query.uids("SOPInstanceUID"):
        condition &= Q(sop_instance_uid__in=uids)
    if classes := query.uids("SOPClassUID"):
        condition &= Q(sop_class_uid__in=classes)
    return condition


def _number(text: str, name: str) -> Q:
    if not text.strip("*"):
        return Q()
    try:
        return Q(**{name: int(text)})
    except ValueError:
        raise BadQuery(f"Number {text[:20]!r}: a whole number is accepted") from None


# --- what a match is made of --------------------------------------------------------------------------


def _with_parents(query: Query, rows: QuerySet[Any]) -> QuerySet[Any]:
    if query.level == "STUDY":
        rows = rows.select_related("patient", "order__referrer")
    elif query.level == "SERIES":
        rows = rows.select_related("study__patient", "study__order__referrer")
    elif query.level == "IMAGE":
        rows = rows.select_related("series__study__patient", "series__study__order__referrer")
        rows = rows.defer("frame_offsets") if query.asked - KNOWN else rows.defer("frame_offsets", "metadata")
    return rows


def _with_counts(query: Query, rows: QuerySet[Any]) -> QuerySet[Any]:
    """What is only counted or looked up when somebody asks for it."""
    wanted: dict[str, Any] = {}
    paths = _PATHS[query.level]
    of_patient = Study.objects.served().filter(patient=OuterRef(f"{paths['PATIENT']}pk"))
    by_patient: QuerySet[Any, Any] = of_patient.order_by().values("patient")
    totals = {
        "NumberOfPatientRelatedStudies": Count("pk"),
        "NumberOfPatientRelatedSeries": Sum("series_count"),
        "NumberOfPatientRelatedInstances": Sum("instance_count"),
    }
    for keyword, total in totals.items():
        if keyword in query.asked:
            counted = Subquery(by_patient.annotate(total=total).values("total"), output_field=IntegerField())
            wanted[f"counted_{keyword}"] = Coalesce(counted, 0)
    if "StudyID" in query.asked and "STUDY" in paths:
        wanted["counted_StudyID"] = Subquery(_study_id(OuterRef(f"{paths['STUDY']}pk")).values("found")[:1])
    return rows.annotate(**wanted)


def _row(level: str, found: Any) -> Row:
    counts = {
        name.removeprefix("counted_"): value for name, value in vars(found).items() if name[:8] == "counted_"
    }
    if level == "PATIENT":
        return Row(found, counts=counts)
    if level == "STUDY":
        return Row(found.patient, found, counts=counts)
    if level == "SERIES":
        return Row(found.study.patient, found.study, found, counts=counts)
    study = found.series.study
    return Row(study.patient, study, found.series, found, counts)
