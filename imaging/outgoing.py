"""Stored objects as they leave the clinic: with the identity of its records, the received bytes untouched.

What the images say and the record does not contradict is sent as it was stored, byte for byte. Where they
differ (a name was corrected, a person resolved a held study) the record's values are sent, and the previous
ones are noted in the Original Attributes Sequence (0400,0561). Held and discarded studies never leave.
"""

import datetime as dt
import os
import secrets
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import F, Func, JSONField, QuerySet, Value
from django.utils.translation import gettext as _
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
)

from clinic.models import ClinicProfile
from patients.dates import BirthPrecision
from patients.models import Patient, Sex
from scheduling.models import Order

from . import spool
from .identity import Identity, differences
from .models import NOT_SERVED, Instance, Study
from .reasons import picture_problem
from .sandbox import Refused, SandboxUnavailable, sandbox

_TAGS = {
    "PatientName": "00100010",
    "PatientID": "00100020",
    "IssuerOfPatientID": "00100021",
    "PatientBirthDate": "00100030",
    "PatientSex": "00100040",
    "AccessionNumber": "00080050",
}
_REQUEST_ATTRIBUTES = "00400275"
# They name the person whom the images do not show.
_OTHER_NAMES = ["OtherPatientIDs", "OtherPatientNames", "OtherPatientIDsSequence"]
_FOREIGN_ISSUER = ["IssuerOfPatientIDQualifiersSequence"]
# The others can be lossless, and the object says itself whether it is.
_LOSSY = {str(JPEGBaseline8Bit), str(JPEGExtended12Bit), str(JPEGLSNearLossless)}
_STALE_SECONDS = 24 * 3600.0


class CannotSend(Exception):
    """The object cannot be sent in a way the receiver takes; the text is for people."""


@dataclass(frozen=True)
class Corrections:
    """What to set and to take out; empty when the object leaves as it was stored."""

    changes: dict[str, str]
    remove: list[str]
    is_by_person: bool
    # Numbers in the items of the Request Attributes Sequence that name another order, and what they become.
    request_numbers: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.changes or self.remove or self.request_numbers)


def outgoing(instances: QuerySet[Instance]) -> QuerySet[Instance]:
    """``instances`` that may leave, each with the identity it carries, without the rest of its header."""
    carried = {
        f"carried_{keyword}": Func(
            F("metadata"), Value(tag), function="jsonb_extract_path", output_field=JSONField()
        )
        for keyword, tag in [*_TAGS.items(), ("Requests", _REQUEST_ATTRIBUTES)]
    }
    return (
        instances.exclude(series__study__state__in=NOT_SERVED)
        .select_related("series__study__patient__merged_into", "series__study__order")
        .defer("metadata", "frame_offsets")
        .annotate(**carried)
    )


class Corrector:
    """What the clinic knows better than an object; most objects of a study say the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Corrections] = {}

    def corrections(self, instance: Instance) -> Corrections:
        """``instance`` is from ``outgoing``."""
        carried = {keyword: _text(getattr(instance, f"carried_{keyword}")) for keyword in _TAGS}
        requests = _request_numbers(getattr(instance, "carried_Requests"))  # noqa: B009 - an annotation
        key = (instance.series.study_id, *carried.values(), *requests)
        if key not in self._known:
            self._known[key] = _corrections(carried, requests, instance.series.study)
        return self._known[key]


def patient_of(study: Study) -> Patient:
    """Whose images these are, under the record that counts."""
    patient = study.patient
    if patient is None:
        raise ValueError("a held study belongs to nobody yet")
    return patient.merged_into or patient


@contextmanager
def outgoing_file(instance: Instance, accepted: Container[str], corrector: Corrector) -> Iterator[Path]:
    """A Part-10 file to send, in one of the transfer syntaxes that the receiver ``accepted``.

    The stored file itself where nothing differs; else one that is gone behind the block. Raises
    ``CannotSend``.
    """
    corrections = corrector.corrections(instance)
    syntax = _syntax_for(instance, accepted)
    if syntax == instance.transfer_syntax_uid and not corrections:
        if not instance.path.is_file():
            raise CannotSend(_("The file of an image is missing in the archive."))
        yield instance.path
        return
    draft = _folder() / f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(4)}.dcm"
    try:
        _write(instance, corrections, syntax, draft)
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def remove_stale_files() -> None:
    """What a killed process left behind."""
    for file in _folder().iterdir():
        if time.time() - file.stat().st_mtime > _STALE_SECONDS:
            file.unlink(missing_ok=True)


# --- what the clinic says -----------------------------------------------------------------------------


def _corrections(carried: dict[str, str], requests: list[str], study: Study) -> Corrections:
    patient = patient_of(study)
    told = Identity(
        patient_id=carried["PatientID"],
        issuer=carried["IssuerOfPatientID"],
        name=carried["PatientName"],
        birth_date=carried["PatientBirthDate"],
        sex=carried["PatientSex"],
    )
    others = differences(told, patient)
    wanted = {
        "PatientName": _wanted_name(told.name, patient),
        "PatientID": patient.mrn,
        "PatientBirthDate": _wanted_birth_date(told.birth_date, patient, is_another=bool(others)),
        "PatientSex": _wanted_sex(told.sex, patient, is_another=bool(others)),
        "AccessionNumber": _wanted_accession(carried["AccessionNumber"], study),
    }
    changes = {keyword: text for keyword, text in wanted.items() if text != carried[keyword]}
    remove: list[str] = []
    if "PatientID" in changes and told.issuer and not told.is_of_this_clinic:
        changes["IssuerOfPatientID"] = ClinicProfile.get().name[:64]
        remove += _FOREIGN_ISSUER
    if others:
        remove += _OTHER_NAMES
    numbers = _wanted_numbers(requests, carried["AccessionNumber"], wanted["AccessionNumber"], study)
    return Corrections(changes, remove, study.resolved_by_id is not None, numbers)


def _request_numbers(element: Any) -> list[str]:
    """The accession numbers that the items of the Request Attributes Sequence name."""
    items = (element or {}).get("Value") or []
    return sorted({_text(item.get("00080050")) for item in items})


def _wanted_numbers(requests: list[str], carried: str, wanted: str, study: Study) -> dict[str, str]:
    """What becomes of those numbers: that of another person's order goes, that of a second order of the same
    patient (one examination for both) stays, and so does one that another clinic gave."""
    asked = set(requests) - {"", wanted}
    if not asked:
        return {}
    others = Order.objects.filter(accession_number__in=asked).exclude(patient=patient_of(study))
    gone = set(others.values_list("accession_number", flat=True))
    if carried != wanted:
        gone.add(carried)
    return dict.fromkeys(sorted(asked & gone), wanted)


def _text(element: Any) -> str:
    """The first value of an element in the DICOM JSON model; a name with its groups."""
    value = ((element or {}).get("Value") or [""])[0]
    if isinstance(value, dict):
        groups = [value.get(group, "") for group in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")
    return str(value if value is not None else "").strip()


def _wanted_name(carried: str, patient: Patient) -> str:
    """A name that differs only in case and needless separators is the same one."""

    def plain(name: str) -> list[str]:
        return [group.strip().rstrip("^ ").casefold() for group in name.split("=")]

    return carried if plain(carried) == plain(patient.dicom_name) else patient.dicom_name


def _wanted_birth_date(carried: str, patient: Patient, *, is_another: bool) -> str:
    """A date that the record does not know to the day is kept, unless the images name another person."""
    if patient.birth_date is not None and patient.birth_precision == BirthPrecision.DAY:
        return f"{patient.birth_date:%Y%m%d}"
    return "" if is_another else carried


def _wanted_sex(carried: str, patient: Patient, *, is_another: bool) -> str:
    if patient.sex != Sex.UNKNOWN:
        return patient.sex
    return "" if is_another else carried


def _wanted_accession(carried: str, study: Study) -> str:
    if study.order is not None:
        return study.order.accession_number
    # A person has decided that these are not the images of the order whose number they carry.
    return "" if study.candidate_order_id is not None else carried


# --- the file -----------------------------------------------------------------------------------------


def _syntax_for(instance: Instance, accepted: Container[str]) -> str:
    stored = instance.transfer_syntax_uid
    for syntax in (stored, str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian)):
        if syntax in accepted:
            return syntax
    raise CannotSend(
        _("The receiver takes this kind of object neither as it is stored (%(stored)s) nor uncompressed.")
        % {"stored": UID(stored).name}
    )


def _write(instance: Instance, corrections: Corrections, syntax: str, draft: Path) -> None:
    stored = instance.transfer_syntax_uid
    meta = spool.file_meta(
        sop_class_uid=instance.sop_class_uid,
        sop_instance_uid=instance.sop_instance_uid,
        transfer_syntax_uid=syntax,
        calling_ae_title=settings.DICOM_AE_TITLE,
        called_ae_title="",
        address="",
    )
    request = {
        "path": str(instance.path),
        "data_offset": spool.read_envelope(instance.path).data_offset,
        "transfer_syntax": stored,
        "to": syntax,
        "target": str(draft),
        "changes": corrections.changes,
        "remove": corrections.remove,
        "request_numbers": corrections.request_numbers,
        "note": _note(instance, corrections),
        "frames_path": str(instance.frames_path),
        "frames": Instance.objects.values_list("frame_offsets", flat=True).get(pk=instance.pk)
        if syntax != stored
        else [],
        "frames_syntax": instance.frame_transfer_syntax_uid,
        "is_lossy": stored in _LOSSY,
    }
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(meta)
    try:
        with sandbox() as child:
            child.ask("rewrite", **request)
    except Refused as refused:
        raise CannotSend(picture_problem(refused)) from None
    except SandboxUnavailable as error:
        raise CannotSend(_("The reading process did not start: %(error)s") % {"error": error}) from None


def _note(instance: Instance, corrections: Corrections) -> dict[str, str]:
    """The time is not that of this sending: the same object is the same bytes each time it is sent."""
    at = max(instance.received_at, patient_of(instance.series.study).updated_at)
    return {
        "source": ClinicProfile.get().name[:64] if not instance.source_ae_title else instance.source_ae_title,
        "at": f"{at.astimezone(dt.UTC):%Y%m%d%H%M%S.%f}+0000",
        "system": settings.DICOM_AE_TITLE,
        "reason": "CORRECT" if corrections.is_by_person else "COERCE",
    }


def _folder() -> Path:
    folder = Path(settings.CEDAR_DATA) / "outgoing"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
