"""What was acknowledged but cannot be filed: the bytes are kept, with the reason, the sender and the time."""

import datetime as dt
import hashlib
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, InvalidInput
from clinic.live import announce
from clinic.models import User
from patients.models import Patient

from .models import Quarantined, Settlement, Study
from .spool import Envelope, flush_folder
from .stored_files import link_file, make_folder

REASON_LENGTH = 300


def set_aside(
    envelope: Envelope, reason: str, *, by: User, study: Study | None = None, settlement: str = ""
) -> Quarantined:
    """Keep the received file in quarantine; within the caller's transaction, which commits the row.

    With a ``settlement`` nobody has to decide about it.

    The place is made from the name of the spool file, so that a second try ends in the same place.
    """
    relative = f"{envelope.received_at:%Y-%m}/{envelope.path.stem}.dcm"
    target = Path(settings.QUARANTINE_DIR) / relative
    make_folder(target.parent)
    link_file(envelope.path, target)
    flush_folder(target.parent)
    with target.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    item, is_new = Quarantined.objects.get_or_create(
        file=relative,
        defaults={
            "size": envelope.size,
            "sha256": sha256,
            "reason": storable(reason, 500),
            "sop_instance_uid": storable(envelope.sop_instance_uid, 200),
            "source_ae_title": storable(envelope.calling_ae_title, 64),
            "source_address": storable(envelope.address, 64),
            "study": study,
            "received_at": envelope.received_at,
            "settled_at": timezone.now() if settlement else None,
            "settled_by": by if settlement else None,
            "settled_as": Settlement.TEST if settlement else "",
            "settlement": settlement,
        },
    )
    if not is_new:
        # Tried again, and it is no image still: the entry stays the one it was.
        item.reason, item.study, item.tried_at = storable(reason, 500), study, timezone.now()
        item.save(update_fields=["reason", "study", "tried_at"])
        return item
    patient = study.patient if study is not None else None
    record(
        by=by,
        action="image.quarantined",
        subject=item,
        patient=patient,
        reason=item.reason,
        address=item.source_address,
    )
    announce_item(item)
    return item


@transaction.atomic
def discard_object(item: Quarantined, *, by: User, reason: str) -> Quarantined:
    """Off the list. The bytes stay, and ``restore_object`` brings it back."""
    item = lock_open(item)
    reason = " ".join(reason.replace("\0", "").split())
    if not reason:
        raise InvalidInput(_("Say why it is discarded, in a few words."), field="reason")
    if len(reason) > REASON_LENGTH:
        raise InvalidInput(
            _("The reason has %(length)d characters; at most %(most)d are kept. Shorten it.")
            % {"length": len(reason), "most": REASON_LENGTH},
            field="reason",
        )
    settle(item, Settlement.DISCARDED, reason, by=by)
    record(by=by, action="image.discarded", subject=item, patient=_patient(item), reason=reason)
    announce_item(item)
    return item


@transaction.atomic
def restore_object(item: Quarantined, *, by: User) -> Quarantined:
    """A discarded object is on the list again."""
    item = Quarantined.objects.select_for_update(of=("self",)).select_related("study").get(pk=item.pk)
    if item.settled_as != Settlement.DISCARDED:
        raise Conflict(_("It is not discarded (any more)."))
    if item.removed_at is not None:
        raise Conflict(
            _("Its file was removed on %(on)s and cannot be brought back.")
            % {"on": date_format(timezone.localtime(item.removed_at), "j M Y")}
        )
    before = item.settlement
    item.settled_at, item.settled_by, item.settled_as, item.settlement = None, None, "", ""
    item.save(update_fields=["settled_at", "settled_by", "settled_as", "settlement"])
    changes = {"discarded": [before, None]}
    record(by=by, action="image.restored", subject=item, patient=_patient(item), changes=changes)
    announce_item(item)
    return item


def settle(item: Quarantined, how: Settlement, words: str, *, by: User) -> None:
    """Within the caller's transaction, which records why."""
    item.settled_at, item.settled_by, item.settled_as = timezone.now(), by, how
    item.settlement = storable(words, 300)
    item.save(update_fields=["settled_at", "settled_by", "settled_as", "settlement"])


def remove_discarded_files() -> int:
    """Free the room of what was discarded longer ago than the clinic keeps it; the entries stay. How many."""
    if not settings.DISCARDED_DAYS:
        return 0
    before = timezone.now() - dt.timedelta(days=settings.DISCARDED_DAYS)
    due = Quarantined.objects.discarded().filter(settled_at__lt=before, removed_at=None)
    pks = list(due.order_by("pk").values_list("pk", flat=True))
    return sum(_remove_file(pk, before) for pk in pks)


def preview_path(item: Quarantined) -> Path:
    return item.path.with_suffix(".jpg")


def announce_item(item: Quarantined) -> None:
    topics = []
    if item.study is not None:
        topics.append(f"study.{item.study.pk}")
        if item.study.order_id is not None:
            topics.append(f"order.{item.study.order_id}")
    announce("held", *topics)


@transaction.atomic
def _remove_file(pk: int, before: dt.datetime) -> bool:
    """The row says that the file is gone before it is: a file too many is no loss, one too few would be."""
    due = Quarantined.objects.discarded().filter(settled_at__lt=before, removed_at=None, pk=pk)
    item = due.select_for_update().first()
    if item is None:
        return False
    item.removed_at = timezone.now()
    item.save(update_fields=["removed_at"])
    record(by=User.objects.machine("worker"), action="image.removed", subject=item)
    transaction.on_commit(lambda: _unlink(item))
    return True


def _unlink(item: Quarantined) -> None:
    item.path.unlink(missing_ok=True)
    preview_path(item).unlink(missing_ok=True)


def lock_open(item: Quarantined) -> Quarantined:
    item = (
        Quarantined.objects.select_for_update(of=("self",)).select_related("study__patient").get(pk=item.pk)
    )
    if item.settled_at is not None:
        raise Conflict(_("Somebody else has dealt with it already: %(how)s") % {"how": item.settlement})
    return item


def _patient(item: Quarantined) -> Patient | None:
    return item.study.patient if item.study is not None else None


def storable(text: str, length: int) -> str:
    return text.replace("\0", "")[:length]
