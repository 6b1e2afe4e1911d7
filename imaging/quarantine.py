"""What was acknowledged but cannot be filed: the bytes are kept, with the reason, the sender and the time."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from audit.services import record
from clinic.live import announce
from clinic.models import User

from .models import Quarantined, Study
from .spool import Envelope, flush_folder
from .stored_files import link_file, make_folder


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
    item = Quarantined.objects.create(
        file=relative,
        size=envelope.size,
        sha256=sha256,
        reason=_storable(reason, 500),
        sop_instance_uid=_storable(envelope.sop_instance_uid, 200),
        source_ae_title=_storable(envelope.calling_ae_title, 64),
        source_address=_storable(envelope.address, 64),
        study=study,
        received_at=envelope.received_at,
        settled_at=timezone.now() if settlement else None,
        settled_by=by if settlement else None,
        settlement=settlement,
    )
    patient = study.patient if study is not None else None
    record(
        by=by,
        action="image.quarantined",
        subject=item,
        patient=patient,
        reason=item.reason,
        address=item.source_address,
    )
    topics = [f"study.{study.pk}"] if study is not None else []
    if study is not None and study.order_id is not None:
        topics.append(f"order.{study.order_id}")
    announce("held", *topics)
    return item


def _storable(text: str, length: int) -> str:
    return text.replace("\0", "")[:length]
