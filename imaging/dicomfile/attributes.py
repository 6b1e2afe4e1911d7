"""What filing needs to know about an object, checked: one that does not say whose it is cannot be filed."""

import re
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from .header import Header
from .problems import Unreadable

_UID = re.compile(r"[0-9.]{1,64}")
# What may stand in the identity of a study, in characters (PS3.5 6.2; SH and LO read generously).
_IDENTITY_LIMITS = {
    "PatientID": 64,
    "IssuerOfPatientID": 64,
    "PatientName": 324,
    "PatientBirthDate": 18,
    "PatientSex": 16,
    "AccessionNumber": 64,
}
_LARGEST = 2**63 - 1


def read_attributes(header: Header, announced_class: str, announced_instance: str) -> dict[str, Any]:
    """Identity, study, series and instance attributes as plain values.

    ``announced_*`` is what the sender said in C-STORE; a data set that says otherwise is refused.
    """
    dataset = header.dataset
    sop_class = _uid(dataset, "SOPClassUID")
    sop_instance = _uid(dataset, "SOPInstanceUID")
    if sop_class != announced_class:
        raise Unreadable("other_class", f"{announced_class} {sop_class}")
    if sop_instance != announced_instance:
        raise Unreadable("other_instance", f"{announced_instance} {sop_instance}")
    return {
        "sop_class_uid": sop_class,
        "sop_instance_uid": sop_instance,
        "study_instance_uid": _uid(dataset, "StudyInstanceUID"),
        "series_instance_uid": _uid(dataset, "SeriesInstanceUID"),
        "patient_id": _identity(dataset, "PatientID"),
        "issuer": _identity(dataset, "IssuerOfPatientID"),
        "patient_name": _identity(dataset, "PatientName"),
        "birth_date": _identity(dataset, "PatientBirthDate"),
        "sex": _identity(dataset, "PatientSex"),
        "accession_number": _identity(dataset, "AccessionNumber"),
        "study_description": _text(dataset, "StudyDescription"),
        "study_date": _text(dataset, "StudyDate"),
        "study_time": _text(dataset, "StudyTime"),
        "utc_offset": _text(dataset, "TimezoneOffsetFromUTC"),
        "modality": _text(dataset, "Modality"),
        "series_number": whole_number(dataset, "SeriesNumber"),
        "series_description": _text(dataset, "SeriesDescription"),
        "body_part": _text(dataset, "BodyPartExamined"),
        "laterality": _text(dataset, "Laterality") or _text(dataset, "ImageLaterality"),
        "instance_number": whole_number(dataset, "InstanceNumber"),
        "rows": whole_number(dataset, "Rows"),
        "columns": whole_number(dataset, "Columns"),
        "frames": frame_count(header),
    }


def frame_count(header: Header) -> int:
    """Number of Frames as declared; 1 when an image does not say, 0 for what is no image."""
    if header.pixels is None:
        return 0
    return max(1, min(whole_number(header.dataset, "NumberOfFrames") or 1, 1_000_000))


def whole_number(dataset: Dataset, keyword: str) -> int | None:
    """The first value as a number that a database can hold, or None."""
    value = _value(dataset, keyword)
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    try:
        number = int(float(value)) if isinstance(value, str) else int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if -_LARGEST <= number <= _LARGEST else None


def _uid(dataset: Dataset, keyword: str) -> str:
    text = _text(dataset, keyword)
    if not _UID.fullmatch(text):
        raise Unreadable("no_uid" if not text else "bad_uid", f"{keyword} {_shown(text)}".strip())
    return text


def _identity(dataset: Dataset, keyword: str) -> str:
    text = _text(dataset, keyword)
    if "\0" in text:
        raise Unreadable("holds_nul", keyword)
    if len(text) > _IDENTITY_LIMITS[keyword]:
        raise Unreadable("too_long", f"{keyword} {len(text)} {_IDENTITY_LIMITS[keyword]}")
    return text


def _text(dataset: Dataset, keyword: str) -> str:
    """The value as the sender wrote it, without the padding; several values are joined as they came."""
    value = _value(dataset, keyword)
    if value is None:
        return ""
    if isinstance(value, MultiValue | list):
        return "\\".join(str(part) for part in value).strip(" \0")
    return str(value).encode("utf-8", "replace").decode("utf-8").strip(" \0")


def _value(dataset: Dataset, keyword: str) -> Any:
    try:
        return dataset.get(keyword)
    except MemoryError:
        raise
    except Exception:
        return None


def _shown(text: str) -> str:
    return repr(text[:40] + ("…" if len(text) > 40 else "")) if text else ""
