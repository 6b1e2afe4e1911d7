"""QIDO-RS (PS3.18 10.6): searching studies, series and instances. Basic matching, from rows alone."""

import datetime as dt
import json
import re
from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from clinic.errors import InvalidInput
from clinic.http import StaffRequest, require
from clinic.permissions import Permission
from patients.models import Patient
from patients.names import PersonName, name_key
from patients.numbers import number_key
from scheduling.days import clinic_zone, day_bounds

from .accept import accept_one_of
from .dicomweb import JSON_TYPES, get_study
from .models import Instance, Series, Study

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
Model = dict[str, dict[str, Any]]


@require_GET
@require(Permission.STUDY_VIEW)
def studies(request: StaffRequest) -> HttpResponse:
    """``/studies?PatientID=…``: newest first."""
    visible = Study.objects.visible_to(request.user).select_related("patient", "order")
    found = _matching(request, visible, _STUDY_KEYS).order_by("-performed_at", "-pk")
    return _answer(request, [_study(study) for study in _page(request, found)])


@require_GET
@require(Permission.STUDY_VIEW)
def series(request: StaffRequest, study_uid: str) -> HttpResponse:
    study = get_study(request, study_uid)
    found = _matching(request, study.series.all(), _SERIES_KEYS)
    return _answer(request, [_series(study, one) for one in _page(request, found)])


@require_GET
@require(Permission.STUDY_VIEW)
def instances(request: StaffRequest, study_uid: str, series_uid: str | None = None) -> HttpResponse:
    study = get_study(request, study_uid)
    found = (
        Instance.objects.filter(series__study=study)
        .defer("metadata", "frame_offsets")
        .select_related("series")
    )
    if series_uid is not None:
        found = found.filter(series__series_instance_uid=series_uid)
    found = _matching(request, found, _INSTANCE_KEYS).order_by("series__number", "number", "pk")
    return _answer(request, [_instance(study, one) for one in _page(request, found)])


# --- matching -----------------------------------------------------------------------------------------


def _uids(field: str) -> Callable[[str], Q]:
    return lambda text: Q(**{f"{field}__in": re.split(r"[,\\]", text)})


def _patient_id(text: str) -> Q:
    known = Patient.objects.filter(mrn_key=number_key(text)).resolved()
    return Q(patient__in=known) | Q(patient=None, received_patient_id=text)


def _patient_name(text: str) -> Q:
    """The beginnings of words, without accents and in any order; ``*`` is not needed and does no harm."""
    words = name_key(PersonName.from_dicom(text.replace("*", ""))).split()
    found = Q()
    for word in words:
        found &= Q(patient__name_key__contains=f" {word}")
    return found if words else Q()


def _study_date(text: str) -> Q:
    """``20260105``, ``20260101-20260131``, or open on one side."""
    first, dash, last = text.partition("-")
    zone, found = clinic_zone(), Q()
    try:
        if first:
            found &= Q(performed_at__gte=day_bounds(_day(first), zone)[0])
        if last or not dash:
            found &= Q(performed_at__lt=day_bounds(_day(last or first), zone)[1])
    except ValueError:
        raise InvalidInput(
            _("StudyDate was read as “%(read)s”; accepted: 20260105 or 20260101-20260131.")
            % {"read": text[:40]}
        ) from None
    return found


def _day(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007  a day has no zone


_STUDY_KEYS: dict[str, Callable[[str], Q]] = {
    "StudyInstanceUID 0020000D": _uids("study_instance_uid"),
    "PatientID 00100020": _patient_id,
    "PatientName 00100010": _patient_name,
    "AccessionNumber 00080050": lambda text: (
        Q(order__accession_number__iexact=text) | Q(order=None, received_accession_number=text)
    ),
    "StudyDate 00080020": _study_date,
    "ModalitiesInStudy 00080061": lambda text: Q(modalities__overlap=re.split(r"[,\\]", text)),
}
_SERIES_KEYS: dict[str, Callable[[str], Q]] = {
    "SeriesInstanceUID 0020000E": _uids("series_instance_uid"),
    "Modality 00080060": lambda text: Q(modality=text),
}
_INSTANCE_KEYS: dict[str, Callable[[str], Q]] = {
    "SOPInstanceUID 00080018": _uids("sop_instance_uid"),
    "SOPClassUID 00080016": _uids("sop_class_uid"),
}


def _matching(
    request: StaffRequest, rows: QuerySet[Any], keys: dict[str, Callable[[str], Q]]
) -> QuerySet[Any]:
    for names, condition in keys.items():
        for name in names.split():
            text = request.GET.get(name, "").strip()
            if text and text != "*" and "\0" not in text:
                rows = rows.filter(condition(text))
    return rows


def _page(request: StaffRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
    limit, offset = _count(request, "limit", DEFAULT_LIMIT), _count(request, "offset", 0)
    return rows[offset : offset + min(limit, MAX_LIMIT)]


def _count(request: StaffRequest, name: str, default: int) -> int:
    text = request.GET.get(name, str(default))
    if not re.fullmatch(r"\d{1,9}", text):
        raise InvalidInput(
            _("%(name)s was read as “%(read)s”; a number is accepted.") % {"name": name, "read": text[:40]}
        )
    return int(text)


# --- answering ----------------------------------------------------------------------------------------


def _answer(request: StaffRequest, models: list[Model]) -> HttpResponse:
    media_type = accept_one_of(request, JSON_TYPES)
    return HttpResponse(json.dumps(models, ensure_ascii=False), content_type=media_type)


def _element(vr: str, *values: Any) -> dict[str, Any]:
    given = [value for value in values if value not in (None, "")]
    return {"vr": vr, "Value": given} if given else {"vr": vr}


def _study(study: Study) -> Model:
    """With the identity of the record where a study is filed, else with that of the images."""
    patient = study.patient
    name = patient.dicom_name if patient else study.received_patient_name
    born = (
        (f"{patient.birth_date:%Y%m%d}" if patient.birth_date else "")
        if patient
        else study.received_birth_date
    )
    performed = timezone.localtime(study.performed_at, clinic_zone()) if study.performed_at else None
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), name.split("="), strict=False)
    accession = study.order.accession_number if study.order else study.received_accession_number
    return {
        "00080020": _element("DA", performed and f"{performed:%Y%m%d}"),
        "00080030": _element("TM", performed and f"{performed:%H%M%S}"),
        "00080050": _element("SH", accession),
        "00080061": _element("CS", *study.modalities),
        "00081030": _element("LO", study.description),
        "00100010": _element("PN", {group: text for group, text in groups if text} or None),
        "00100020": _element("LO", patient.mrn if patient else study.received_patient_id),
        "00100030": _element("DA", born),
        "00100040": _element("CS", patient.sex if patient else study.received_sex),
        "0020000D": _element("UI", study.study_instance_uid),
        "00201206": _element("IS", study.series_count),
        "00201208": _element("IS", study.instance_count),
    }


def _series(study: Study, series: Series) -> Model:
    return {
        "00080060": _element("CS", series.modality),
        "0008103E": _element("LO", series.description),
        "0020000D": _element("UI", study.study_instance_uid),
        "0020000E": _element("UI", series.series_instance_uid),
        "00200011": _element("IS", series.number),
        "00201209": _element("IS", series.instance_count),
    }


def _instance(study: Study, instance: Instance) -> Model:
    return {
        "00080016": _element("UI", instance.sop_class_uid),
        "00080018": _element("UI", instance.sop_instance_uid),
        "00083002": _element("UI", instance.frame_transfer_syntax_uid),
        "0020000D": _element("UI", study.study_instance_uid),
        "0020000E": _element("UI", instance.series.series_instance_uid),
        "00200013": _element("IS", instance.number),
        "00280008": _element("IS", instance.frames or None),
        "00280010": _element("US", instance.rows),
        "00280011": _element("US", instance.columns),
    }
