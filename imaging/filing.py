"""Rows for received objects: studies, series and instances, in the caller's transaction.

Each object ends as exactly one of: a new instance, one more receipt of an instance that is here already, or
an entry in quarantine. Its file is in its permanent place before this returns; the spool file stays.
"""

import datetime as dt
import os
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import F, JSONField, Value
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from audit.services import record
from clinic.live import announce
from clinic.models import User
from patients.records import hold_patients
from scheduling.days import clinic_zone
from scheduling.services import note_images_arrived

from . import connection_tests
from .completeness import wake_for
from .identity import Identity, readable_name
from .linking import belongs, decide, patients_meant
from .models import Instance, Series, Study, StudyState
from .quarantine import set_aside
from .reasons import picture_problem, quarantine_reason
from .sandbox import Refused
from .spool import Envelope, flush_folder
from .stored_files import link_file, make_folder, studies_path, study_folder
from .thumbnails import draw_thumbnail, wants_thumbnail

# Thumbnails that a batch has no time for are drawn when somebody looks.
DRAWING_SECONDS = 20.0


@dataclass
class Received:
    """A spool file and what the reading process found in it, or why it refused."""

    envelope: Envelope
    facts: dict[str, Any] = field(default_factory=dict)
    metadata: str = "{}"  # JSON text, handed through to the database
    side_file: Path | None = None
    refused: Refused | None = None

    @property
    def identity(self) -> Identity:
        return Identity.of_object(self.facts)


@dataclass
class _Arrivals:
    """New objects of one study in this batch."""

    study: Study
    received: list[Received] = field(default_factory=list)
    is_new: bool = False


@transaction.atomic
def file_objects(received: Sequence[Received], *, by: User) -> None:
    """Make ``received`` visible or set it aside, whole or not at all."""
    readable = [one for one in received if one.refused is None]
    hold_patients(patients_meant([one.facts for one in readable]))
    known = {
        instance.sop_instance_uid: instance
        for instance in Instance.objects.filter(
            sop_instance_uid__in=[one.facts["sop_instance_uid"] for one in readable]
        ).select_related("series__study__patient")
    }
    arrivals = _open_arrivals(readable)
    seen: dict[str, Received] = {}
    repeats: Counter[str] = Counter()
    for one in received:
        if one.refused is not None:
            set_aside(one.envelope, quarantine_reason(one.refused), by=by)
            continue
        if connection_tests.is_test_image(one.identity):
            set_aside(one.envelope, connection_tests.reason(), by=by, settlement=connection_tests.SETTLED)
            continue
        uid = one.facts["sop_instance_uid"]
        if uid in known or uid in seen:
            _take_repeat(one, known.get(uid), seen.get(uid), repeats, by=by)
        elif _take_new(one, arrivals, readable, by=by):
            seen[uid] = one
    for uid, times in repeats.items():
        if uid in known:
            Instance.objects.filter(pk=known[uid].pk).update(times_received=F("times_received") + times)
    draw_until = time.monotonic() + DRAWING_SECONDS
    for arrival in arrivals.values():
        if arrival.received:
            _store(arrival, repeats, draw_until, by=by)
    wake_for([arrival.study for arrival in arrivals.values() if arrival.received])


# --- one object ---------------------------------------------------------------------------------------


def _open_arrivals(readable: Sequence[Received]) -> dict[str, _Arrivals]:
    """The studies that are here already, held until the transaction ends."""
    studies = (
        Study.objects.select_for_update()
        .filter(study_instance_uid__in={one.facts["study_instance_uid"] for one in readable})
        .prefetch_related("patient", "order")
        .order_by("pk")
    )
    return {study.study_instance_uid: _Arrivals(study) for study in studies}


def _take_repeat(
    one: Received, known: Instance | None, seen: Received | None, repeats: Counter[str], *, by: User
) -> None:
    """The same object again is counted; other bytes under its UID are set aside, the first ones stay."""
    uid = one.facts["sop_instance_uid"]
    first = known.data_sha256 if known is not None else seen.facts["data_sha256"]  # type: ignore[union-attr]
    if one.facts["data_sha256"] == first:
        repeats[uid] += 1
        return
    study = known.series.study if known is not None else None
    set_aside(
        one.envelope,
        _("Another object with the same SOP Instance UID is here already; that one was kept."),
        by=by,
        study=study,
    )


def _take_new(
    one: Received, arrivals: dict[str, _Arrivals], readable: Sequence[Received], *, by: User
) -> bool:
    """Put the object with its study, which is opened by its first object; False when it was set aside."""
    uid = one.facts["study_instance_uid"]
    if uid not in arrivals:
        modalities = {
            other.facts["modality"] for other in readable if other.facts["study_instance_uid"] == uid
        }
        arrivals[uid] = _Arrivals(_open_study(one, modalities - {""}, by=by), is_new=True)
    arrival = arrivals[uid]
    if not belongs(arrival.study, one.identity):
        set_aside(one.envelope, _other_patient_reason(one, arrival.study), by=by, study=arrival.study)
        return False
    arrival.received.append(one)
    return True


def _other_patient_reason(one: Received, study: Study) -> str:
    return _(
        "It names %(name)s (%(id)s), but the other images of its study name %(first)s (%(first_id)s)."
    ) % {
        "name": readable_name(one.facts["patient_name"]) or "–",
        "id": one.facts["patient_id"] or "–",
        "first": readable_name(study.received_patient_name) or "–",
        "first_id": study.received_patient_id or "–",
    }


def _open_study(one: Received, modalities: set[str], *, by: User) -> Study:
    facts, envelope = one.facts, one.envelope
    decision = decide(facts, modalities, envelope.received_at)
    study = Study.objects.create(
        study_instance_uid=facts["study_instance_uid"],
        state=decision.state,
        patient=decision.patient,
        order=decision.order,
        candidate_order=decision.candidate,
        held_reason=decision.reason,
        differences=decision.differences,
        received_patient_id=facts["patient_id"],
        received_issuer=facts["issuer"],
        received_patient_name=facts["patient_name"],
        received_birth_date=facts["birth_date"],
        received_sex=facts["sex"],
        received_accession_number=facts["accession_number"],
        description=_clip(facts["study_description"], 200),
        performed_at=_performed_at(facts),
        source_ae_title=_clip(envelope.calling_ae_title, 16),
        last_received_at=envelope.received_at,
    )
    record(
        by=by,
        action="study.held" if study.state == StudyState.HELD else "study.received",
        subject=study,
        patient=study.patient,
        changes=decision.differences,
        reason=decision.reason,
        address=_clip(envelope.address, 64),
    )
    return study


def _performed_at(facts: dict[str, Any]) -> dt.datetime | None:
    """Study Date and Time, in the clinic's zone unless the object names an offset."""
    clock = (facts["study_time"].partition(".")[0] + "000000")[:6]
    try:
        local = dt.datetime.strptime(facts["study_date"] + clock, "%Y%m%d%H%M%S")  # noqa: DTZ007
        if facts["utc_offset"]:
            return dt.datetime.strptime(f"{local:%Y%m%d%H%M%S}{facts['utc_offset']}", "%Y%m%d%H%M%S%z")
    except (ValueError, OverflowError):
        return None
    return local.replace(tzinfo=clinic_zone())


# --- all new objects of one study ---------------------------------------------------------------------


def _store(arrival: _Arrivals, repeats: Counter[str], draw_until: float, *, by: User) -> None:
    study = arrival.study
    series = _series_of(arrival)
    folder = study_folder(study.study_instance_uid)
    make_folder(studies_path(folder))
    added: dict[int, list[Instance]] = defaultdict(list)
    for one in arrival.received:
        owner = series[one.facts["series_instance_uid"]]
        instance = _instance(one, owner, folder, repeats[one.facts["sop_instance_uid"]])
        _place(one, instance)
        position = owner.instance_count + len(added[owner.pk])
        if wants_thumbnail(instance, position) and time.monotonic() < draw_until:
            draw_thumbnail(instance)
        added[owner.pk].append(instance)
    flush_folder(studies_path(folder))
    Instance.objects.bulk_create([instance for group in added.values() for instance in group])
    for pk, group in added.items():
        Series.objects.filter(pk=pk).update(instance_count=F("instance_count") + len(group))
    _count_in(arrival, len(arrival.received), by=by)


def _series_of(arrival: _Arrivals) -> dict[str, Series]:
    """The series of the new objects by UID, made where they are new."""
    first: dict[str, dict[str, Any]] = {}
    for one in arrival.received:
        first.setdefault(one.facts["series_instance_uid"], one.facts)
    here = Series.objects.filter(study=arrival.study, series_instance_uid__in=first)
    found = {series.series_instance_uid: series for series in here}
    missing = [
        Series(
            study=arrival.study,
            series_instance_uid=uid,
            modality=_clip(facts["modality"], 16),
            number=facts["series_number"],
            description=_clip(facts["series_description"], 200),
            body_part=_clip(facts["body_part"], 64),
            laterality=_clip(facts["laterality"], 16),
        )
        for uid, facts in first.items()
        if uid not in found
    ]
    for series in Series.objects.bulk_create(missing):
        found[series.series_instance_uid] = series
    arrival.study.series_count += len(missing)
    return found


def _instance(one: Received, series: Series, folder: str, repeated: int) -> Instance:
    facts, envelope = one.facts, one.envelope
    problem = facts["picture_problem"]
    return Instance(
        series=series,
        sop_instance_uid=facts["sop_instance_uid"],
        sop_class_uid=facts["sop_class_uid"],
        transfer_syntax_uid=facts["transfer_syntax_uid"],
        frame_transfer_syntax_uid=facts["frame_transfer_syntax_uid"],
        number=facts["instance_number"],
        rows=_size(facts["rows"]),
        columns=_size(facts["columns"]),
        frames=facts["frames"],
        file=f"{folder}/{facts['data_sha256']}.dcm",
        frames_file=f"{folder}/{facts['data_sha256']}.frames" if facts["in_side_file"] else "",
        size=envelope.size,
        sha256=facts["sha256"],
        data_sha256=facts["data_sha256"],
        metadata=Cast(Value(one.metadata), JSONField()),
        frame_offsets=facts["frame_offsets"],
        display_problem=picture_problem(Refused(problem)) if problem else "",
        source_ae_title=_clip(envelope.calling_ae_title, 16),
        source_address=_clip(envelope.address, 64),
        times_received=1 + repeated,
        received_at=envelope.received_at,
    )


def _place(one: Received, instance: Instance) -> None:
    """Put the bytes where the row will say they are; the caller flushes the folder."""
    link_file(one.envelope.path, instance.path)
    if instance.frames_file and one.side_file is not None:
        with one.side_file.open("rb") as written:
            os.fsync(written.fileno())
        link_file(one.side_file, instance.frames_path)


def _count_in(arrival: _Arrivals, count: int, *, by: User) -> None:
    """The study's totals, the trail, and whom it concerns: the order and the open pages."""
    study, received = arrival.study, arrival.received
    before = study.instance_count
    study.instance_count += count
    study.modalities = list(
        dict.fromkeys([*study.modalities, *(_clip(one.facts["modality"], 16) for one in received)])
    )
    study.modalities = [modality for modality in study.modalities if modality]
    study.last_received_at = max([study.last_received_at, *(one.envelope.received_at for one in received)])
    study.stable_at = None
    study.save(
        update_fields=["series_count", "instance_count", "modalities", "last_received_at", "stable_at"]
    )
    record(
        by=by,
        action="image.stored",
        subject=study,
        patient=study.patient,
        changes={"images": [before, study.instance_count]},
        address=_clip(received[-1].envelope.address, 64),
    )
    topics = [f"study.{study.pk}", "board"]
    if study.order is not None:
        note_images_arrived(study.order, by=by, count=study.order.studies.image_total())
        topics.append(f"order.{study.order.pk}")
    if study.state == StudyState.HELD:
        topics.append("held")
    if study.candidate_order_id is not None:
        topics.append(f"order.{study.candidate_order_id}")
    if study.patient_id is not None and arrival.is_new:
        topics.append(f"patient.{study.patient_id}")
    announce(*topics)


def _size(number: int | None) -> int | None:
    return number if number is not None and 0 <= number < 2**31 else None


def _clip(text: str, length: int) -> str:
    return text.replace("\0", "")[:length]
