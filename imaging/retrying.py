"""A quarantined object once more on the way of every received one; and how it would look."""

import dataclasses
import logging
import tempfile
from pathlib import Path

from django.conf import settings
from django.db import OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict
from clinic.models import User
from patients.models import Patient

from . import spool
from .filing import Received, file_objects
from .ingest import DATABASE_AWAY, examine_one, wait_for_lock, work_folder
from .models import Instance, Quarantined, Settlement, Study
from .quarantine import announce_item, lock_open, preview_path, set_aside, settle
from .reasons import quarantine_reason
from .sandbox import Refused, SandboxUnavailable, sandbox
from .stored_files import write_file
from .thumbnails import EDGE, QUALITY

LOCK_SECONDS = 10.0
log = logging.getLogger(__name__)


@transaction.atomic
def retry_object(item: Quarantined, *, by: User) -> Quarantined:
    """File it as if it had just come: it becomes an image, or stays where it is with the reason of now.

    Both in one transaction, so it is never counted twice and never on neither side. What has been decided or
    registered meanwhile counts.
    """
    _wait_for_sweepers()
    item = lock_open(item)
    before = item.reason
    Quarantined.objects.filter(pk=item.pk).update(tried_at=None)
    received = _examined(item)
    _file(received)
    item.refresh_from_db()
    patient: Patient | None = None
    if item.tried_at is None:  # nobody set it aside again
        study = _study_of(received)
        words, patient = _outcome(study), study.patient
        item.tried_at, item.study = timezone.now(), study
        item.save(update_fields=["tried_at", "study"])
        settle(item, Settlement.FILED, words, by=by)
    else:
        words = item.reason
    record(by=by, action="image.retried", subject=item, patient=patient, changes={"reason": [before, words]})
    announce_item(item)
    return item


def preview(item: Quarantined) -> bytes | None:
    """A small JPEG of it where it can be drawn; the answer is kept, also that there is none."""
    kept = preview_path(item)
    if kept.exists():
        return kept.read_bytes() or None
    if item.removed_at is not None or not item.path.exists():
        return None
    try:
        picture = _drawn(item)
    except Refused as refused:
        if refused.code == "system":
            return None
        picture = b""
    except (OSError, SandboxUnavailable, spool.BadSpoolFile):
        log.exception("a preview could not be drawn")
        return None
    write_file(kept, picture, durable=False)
    return picture or None


def kept_instance(item: Quarantined) -> Instance | None:
    """The image that has the same SOP Instance UID, where other bytes came under it."""
    if not item.sop_instance_uid:
        return None
    kept = Instance.objects.filter(sop_instance_uid=item.sop_instance_uid)
    return kept.select_related("series__study__patient").defer("metadata", "frame_offsets").first()


# --- inside -------------------------------------------------------------------------------------------


def _wait_for_sweepers() -> None:
    try:
        wait_for_lock(LOCK_SECONDS)
    except OperationalError:
        raise Conflict(_("Images are being filed right now. Try again in a moment.")) from None


def _examined(item: Quarantined) -> Received:
    """Read as a sweeper does; named so that ``set_aside`` finds the entry that is here."""
    try:
        with sandbox() as child:
            received, _size = examine_one(child, item.path, work_folder() / f"{item.path.stem}.frames")
    except (OSError, SandboxUnavailable) as error:
        raise Conflict(_("It cannot be read right now: %(error)s") % {"error": error}) from None
    received.envelope = dataclasses.replace(received.envelope, received_at=item.received_at)
    return received


def _file(received: Received) -> None:
    machine = User.objects.machine("dicom")
    try:
        with transaction.atomic():
            file_objects([received], by=machine)
    except DATABASE_AWAY:
        raise
    except OSError as error:
        raise Conflict(_("It could not be placed: %(error)s") % {"error": error.strerror}) from None
    except Exception as error:
        log.exception("a quarantined object could not be filed")
        set_aside(
            received.envelope, quarantine_reason(Refused("not_recorded", type(error).__name__)), by=machine
        )


def _study_of(received: Received) -> Study:
    uid = received.facts["sop_instance_uid"]
    found = Instance.objects.select_related("series__study__patient", "series__study__order")
    return found.get(sop_instance_uid=uid).series.study


def _outcome(study: Study) -> str:
    """What it became, in words."""
    if study.patient is None:
        return _("Filed as an image that is held or discarded with its study.")
    return _("Filed as an image of %(patient)s.") % {"patient": study.patient}


def _drawn(item: Quarantined) -> bytes:
    """The middle frame, read and decoded in the sandbox."""
    with tempfile.TemporaryDirectory(dir=settings.QUARANTINE_DIR) as folder, sandbox() as child:
        side_file = Path(folder) / "frames"
        received, _size = examine_one(child, item.path, side_file)
        if received.refused is not None:
            raise received.refused
        facts = received.facts
        if not facts["frame_offsets"]:
            return b""
        frame = len(facts["frame_offsets"]) // 2 + 1
        answer = child.ask(
            "draw",
            path=str(item.path),
            data_offset=received.envelope.data_offset,
            transfer_syntax=facts["transfer_syntax_uid"],
            frames_path=str(side_file if facts["in_side_file"] else item.path),
            ranges=facts["frame_offsets"][frame - 1],
            frame_transfer_syntax=facts["frame_transfer_syntax_uid"],
            frame=frame,
            edge=EDGE,
            quality=QUALITY,
            window=None,
        )
    return answer.attachment
