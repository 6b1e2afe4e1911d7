"""Reading a Modality Performed Procedure Step: from the DICOM JSON model (PS3.18 F.2) to what Cedar asks it.

A machine may write anything: what cannot be read is left out, never an error.
"""

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Any

from pydicom.datadict import keyword_for_tag

from scheduling.days import clinic_zone
from scheduling.statuses import RepeatReason

from .identity import Identity

Attributes = dict[str, Any]

_STATUS = "00400252"
_END_DATE, _END_TIME, _SERIES = "00400250", "00400251", "00400340"
_SCHEDULED = "00400270"
_STUDY_UID, _ACCESSION, _SCHEDULED_STEP_ID = "0020000D", "00080050", "00400009"
_REASON_CODES = "00400281"
_REFERENCED_INSTANCE = "00081155"
_IMAGES, _OTHER_OBJECTS = "00081140", "00400220"
# The Radiation Dose module (PS3.3 C.4.16) and where CT scanners put theirs.
_DOSE = [
    "0018115E", "00181405", "00189345", "00189346", "00400300", "00400301", "00400302", "00400303",
    "00400306", "0040030E", "00400310", "00400312", "00400314", "00400316", "00400318", "00408302",
]  # fmt: skip
# Reasons of CID 9300 and 9301 that mean: these images have to be taken again.
_REPEATS = {
    "110501": RepeatReason.EQUIPMENT,
    "110512": RepeatReason.WRONG_PATIENT_OR_SIDE,
    "110514": RepeatReason.WRONG_PATIENT_OR_SIDE,
    "110516": RepeatReason.EQUIPMENT,
    "110518": RepeatReason.MOTION,
}
_MOST_TEXT = 200


@dataclass(frozen=True)
class Scheduled:
    """What the machine says that it was asked to do: one item of Scheduled Step Attributes."""

    study_instance_uid: str
    accession_number: str
    step_id: str


@dataclass(frozen=True)
class StepFacts:
    status: str
    identity: Identity
    scheduled: list[Scheduled]
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    reason: str
    reason_code: str
    instance_uids: list[str]
    # Of what a final state needs (PS3.4 Table F.7.2-1), what is not there.
    missing: list[str]
    dose: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


def read_facts(attributes: Attributes) -> StepFacts:
    reason, code = _discontinuation(attributes)
    needed = {
        _END_DATE: "PerformedProcedureStepEndDate",
        _END_TIME: "PerformedProcedureStepEndTime",
        _SERIES: "PerformedSeriesSequence",
    }
    return StepFacts(
        status=text_of(attributes, _STATUS),
        identity=Identity(
            patient_id=text_of(attributes, "00100020")[:64],
            issuer=text_of(attributes, "00100021")[:64],
            name=text_of(attributes, "00100010")[:324],
            birth_date=text_of(attributes, "00100030")[:18],
            sex=text_of(attributes, "00100040")[:16],
        ),
        scheduled=[
            Scheduled(text_of(item, _STUDY_UID), text_of(item, _ACCESSION), text_of(item, _SCHEDULED_STEP_ID))
            for item in items_of(attributes, _SCHEDULED)
        ],
        started_at=_instant(text_of(attributes, "00400244"), text_of(attributes, "00400245")),
        ended_at=_instant(text_of(attributes, _END_DATE), text_of(attributes, _END_TIME)),
        reason=reason,
        reason_code=code,
        instance_uids=_instance_uids(attributes),
        missing=[name for tag, name in needed.items() if not attributes.get(tag, {}).get("Value")],
        dose=_by_keyword({tag: attributes[tag] for tag in _DOSE if tag in attributes}),
        texts={
            "station_ae_title": text_of(attributes, "00400241")[:16],
            "step_id": text_of(attributes, "00400253")[:64],
            "modality": text_of(attributes, "00080060")[:16],
            "description": text_of(attributes, "00400254")[:_MOST_TEXT],
        },
    )


def text_of(attributes: Attributes, tag: str) -> str:
    """The first value as text; a name with its groups."""
    value = (attributes.get(tag, {}).get("Value") or [""])[0]
    if isinstance(value, dict):
        groups = [str(value.get(group, "")) for group in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")
    return str(value if value is not None else "").strip()


def items_of(attributes: Attributes, tag: str) -> list[Attributes]:
    values = attributes.get(tag, {}).get("Value") or []
    return [value for value in values if isinstance(value, dict)]


def _instance_uids(attributes: Attributes) -> list[str]:
    """Images and other objects of all series, each once."""
    uids = [
        text_of(item, _REFERENCED_INSTANCE)
        for series in items_of(attributes, _SERIES)
        for tag in (_IMAGES, _OTHER_OBJECTS)
        for item in items_of(series, tag)
    ]
    return [uid for uid in dict.fromkeys(uids) if 0 < len(uid) <= 64]


def _discontinuation(attributes: Attributes) -> tuple[str, str]:
    """In words, and as a ``RepeatReason`` where it is one, else as ``DCM-110505``."""
    for item in items_of(attributes, _REASON_CODES):
        code, scheme = text_of(item, "00080100"), text_of(item, "00080102")
        meaning = text_of(item, "00080104") or code
        repeat = _REPEATS.get(code) if scheme == "DCM" else None
        return meaning[:_MOST_TEXT], (repeat.value if repeat else f"{scheme}-{code}")[:40]
    return "", ""


def _instant(date: str, time: str) -> dt.datetime | None:
    """DA and TM as the machine's clock shows them: in the clinic's time."""
    read = re.fullmatch(r"(\d{2})(?::?(\d{2})(?::?(\d{2}))?)?(?:\.\d{1,6})?", time)
    hour, minute, second = (int(part or 0) for part in read.groups()) if read else (0, 0, 0)
    try:
        day = dt.datetime.strptime(date.replace(".", ""), "%Y%m%d").replace(tzinfo=clinic_zone())
        return day.replace(hour=hour, minute=minute, second=min(second, 59))
    except ValueError:
        return None


def _by_keyword(attributes: Attributes) -> dict[str, Any]:
    """``{"CTDIvol": [12.5], "ExposureDoseSequence": [{"KVP": [120], …}]}``; unknown tags stay numbers."""
    found = {}
    for tag, element in attributes.items():
        values = element.get("Value")
        if values:
            name = keyword_for_tag(int(tag, 16)) or tag
            found[name] = [_by_keyword(value) if element.get("vr") == "SQ" else value for value in values]
    return found
