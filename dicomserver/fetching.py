"""C-FIND, C-MOVE, C-GET as SCU: asking an archive for a patient's earlier studies, and letting it send them.

What it sends comes in like everything else, through the spool and the identity guard.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from pydicom import Dataset
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind as Find,
)
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelMove as Move,
)

from audit.services import record
from clinic.errors import Conflict, InvalidInput
from clinic.jobs import enqueue_once
from clinic.live import announce
from clinic.models import User
from imaging.identity import Differences, Identity, differences
from imaging.models import Study
from patients.models import Patient, PatientIdentifier
from patients.numbers import number_key

from .answers import value_of
from .calls import clean
from .getting import Get, getting_from
from .models import Fetch, RemoteAE
from .scu import CallFailed, NothingAccepted, called
from .transfers import TASK, begin, end, is_wanted, note_progress, require_exchange, require_reachable
from .waking import INGEST

MOST_STUDIES = 200
MOST_NUMBERS = 20
_FIND_SECONDS = 30
# Some archives say nothing until the last image has gone.
_MOVE_SECONDS = 600
_PENDING = (0xFF00, 0xFF01)
_ASKED = (
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ModalitiesInStudy",
    "StudyDescription",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "IssuerOfPatientID",
    "StudyInstanceUID",
    "NumberOfStudyRelatedInstances",
)


@dataclass(frozen=True)
class ArchiveStudy:
    """A study as the archive describes it. ``differences`` is what contradicts the clinic's record."""

    uid: str
    date: str
    modalities: str
    description: str
    images: str
    patient_name: str
    differences: Differences
    is_here: bool
    fetch: Fetch | None


def find_priors(patient: Patient, *, by: User, node: RemoteAE) -> list[ArchiveStudy]:
    """What ``node`` has under the patient's number, newest first. Raises ``InvalidInput`` with the reason."""
    require_exchange(by)
    require_reachable(node)
    try:
        answers = _ask(patient, node)
    except CallFailed as failure:
        raise InvalidInput(str(failure)) from None
    record(
        by=by,
        action="archive.searched",
        subject=node,
        patient=patient,
        changes={"found": [None, len(answers)]},
    )
    uids = [value_of(answer, "StudyInstanceUID") for answer in answers]
    here = set(Study.objects.filter(study_instance_uid__in=uids).values_list("study_instance_uid", flat=True))
    fetches = {
        fetch.study_instance_uid: fetch
        for fetch in Fetch.objects.filter(study_instance_uid__in=uids, node=node).order_by("pk")
    }
    found = [_described(answer, patient, here, fetches) for answer in answers]
    return sorted(found, key=lambda study: study.date, reverse=True)


@transaction.atomic
def fetch_study(
    patient: Patient, study_instance_uid: str, *, by: User, node: RemoteAE, description: str = ""
) -> Fetch:
    """Let ``node`` send us one study."""
    require_exchange(by)
    require_reachable(node)
    if not re.fullmatch(r"[0-9.]{1,64}", study_instance_uid):
        raise InvalidInput(
            _("“%(text)s” is no Study Instance UID: digits and dots.") % {"text": study_instance_uid[:64]}
        )
    try:
        with transaction.atomic():
            fetch = Fetch.objects.create(
                patient=patient,
                node=node,
                study_instance_uid=study_instance_uid,
                description=clean(description, 200),
                asked_by=by,
                next_try_at=timezone.now(),
            )
    except IntegrityError:
        raise Conflict(_("%(node)s has been asked for this study already.") % {"node": node}) from None
    record(
        by=by,
        action="study.asked_for",
        subject=fetch,
        patient=patient,
        changes={"archive": [None, node.ae_title]},
    )
    announce("nodes")
    enqueue_once(TASK)
    return fetch


def attempt_fetch(fetch: Fetch) -> None:
    """One C-MOVE to ourselves or one C-GET, and how it ended."""
    if not begin(fetch):
        return
    try:
        problem, is_refusal = _retrieve(fetch), True
    except CallFailed as failure:
        problem, is_refusal = str(failure), isinstance(failure, NothingAccepted)
    if fetch.node.fetches_with_get:
        enqueue_once(INGEST)
    end(fetch, problem, is_refusal=is_refusal, total=fetch.total, done=fetch.done)


def _ask(patient: Patient, node: RemoteAE) -> list[Dataset]:
    asked = Dataset()
    asked.SpecificCharacterSet = "ISO_IR 192"
    asked.QueryRetrieveLevel = "STUDY"
    for keyword in _ASKED:
        setattr(asked, keyword, None)
    numbers = known_numbers(patient)
    found: list[Dataset] = []
    with called(node, [build_context(Find)], answer_seconds=_FIND_SECONDS) as association:
        for asked.PatientID in numbers:
            found += _answers(association, asked, node, at_most=MOST_STUDIES - len(found))
            if len(found) >= MOST_STUDIES:
                association.abort()
                break
    # Some archives look for numbers that merely begin alike.
    keys = {number_key(number) for number in numbers}
    own = [answer for answer in found if number_key(value_of(answer, "PatientID")) in keys]
    return list({value_of(answer, "StudyInstanceUID"): answer for answer in own}.values())


def known_numbers(patient: Patient) -> list[str]:
    """By which an archive may know the patient: the number here, those of records that were merged into this
    one, and those that others gave."""
    records = [patient, *patient.aliases.order_by("pk")]
    others = PatientIdentifier.objects.filter(patient__in=records).order_by("pk")
    numbers = [*(record.mrn for record in records), *others.values_list("value", flat=True)]
    by_key = {number_key(number): number for number in reversed(numbers)}
    return [number for number in numbers if by_key.get(number_key(number)) == number][:MOST_NUMBERS]


def _answers(association: Any, asked: Dataset, node: RemoteAE, *, at_most: int) -> list[Dataset]:
    found: list[Dataset] = []
    place = {"node": node}
    for status, answer in association.send_c_find(asked, Find):
        if "Status" not in status:
            raise CallFailed(_("%(node)s did not answer the question in time.") % place)
        if status.Status in _PENDING and answer is not None:
            found.append(answer)
        elif status.Status not in (0x0000, *_PENDING):
            text = _("%(node)s could not answer (status %(status)04X).")
            raise CallFailed(text % {**place, "status": status.Status})
        if len(found) >= at_most:
            break
    return found


def _described(answer: Dataset, patient: Patient, here: set[str], fetches: dict[str, Fetch]) -> ArchiveStudy:
    uid = value_of(answer, "StudyInstanceUID")
    told = Identity(
        patient_id=value_of(answer, "PatientID"),
        issuer=value_of(answer, "IssuerOfPatientID"),
        name=value_of(answer, "PatientName"),
        birth_date=value_of(answer, "PatientBirthDate"),
        sex=value_of(answer, "PatientSex"),
    )
    return ArchiveStudy(
        uid=uid,
        date=value_of(answer, "StudyDate"),
        modalities=value_of(answer, "ModalitiesInStudy").replace("\\", ", "),
        description=value_of(answer, "StudyDescription"),
        images=value_of(answer, "NumberOfStudyRelatedInstances"),
        patient_name=told.name,
        differences=differences(told, patient),
        is_here=uid in here,
        fetch=fetches.get(uid),
    )


def _retrieve(fetch: Fetch) -> str:
    """Why it did not all come; empty when it did."""
    node = fetch.node
    asked = Dataset()
    asked.QueryRetrieveLevel = "STUDY"
    asked.StudyInstanceUID = fetch.study_instance_uid
    if node.fetches_with_get:
        with getting_from(node, answer_seconds=_MOVE_SECONDS) as association:
            return _follow(fetch, association, association.send_c_get(asked, Get))
    with called(node, [build_context(Move)], answer_seconds=_MOVE_SECONDS) as association:
        return _follow(fetch, association, association.send_c_move(asked, settings.DICOM_AE_TITLE, Move))


def _follow(fetch: Fetch, association: Any, answers: Iterable[tuple[Dataset, Dataset | None]]) -> str:
    status: Any = Dataset()
    for status, _identifier in answers:
        fetch.done = status.get("NumberOfCompletedSuboperations") or fetch.done
        fetch.total = fetch.done + (status.get("NumberOfRemainingSuboperations") or 0)
        fetch.total += status.get("NumberOfFailedSuboperations") or 0
        note_progress(fetch, done=fetch.done, total=fetch.total)
        if not is_wanted(fetch):
            association.abort()
            return _("Cancelled.")
    return _problem(fetch, status)


def _problem(fetch: Fetch, status: Dataset) -> str:
    place = {"node": fetch.node, "us": settings.DICOM_AE_TITLE}
    if "Status" not in status:
        return _("%(node)s stopped answering.") % place
    if status.Status == 0xA801:
        return _("%(node)s does not know where we are: enter %(us)s, our address and port there.") % place
    failed = status.get("NumberOfFailedSuboperations") or 0
    if status.Status == 0x0000 and not failed:
        is_nothing = "NumberOfCompletedSuboperations" in status and not fetch.done
        return _("%(node)s does not have this study any more.") % place if is_nothing else ""
    text = _("%(node)s could not send everything: %(failed)d images failed (status %(status)04X).")
    return text % {**place, "failed": failed, "status": status.Status}
