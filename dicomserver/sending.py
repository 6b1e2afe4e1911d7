"""C-STORE as SCU: studies on their way to other archives and workstations."""

from collections import Counter

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, InvalidInput
from clinic.jobs import enqueue_once
from clinic.live import announce
from clinic.models import User
from imaging.models import Instance, Study

from .models import RemoteAE, Send
from .scu import CallFailed, NothingAccepted, called
from .sub_operations import Storing, contexts_for, loaded, record_sent
from .transfers import TASK, begin, end, is_wanted, note_progress, require_exchange, require_reachable

_NOTED_EVERY = 50


@transaction.atomic
def send_study(study: Study, *, by: User, to: RemoteAE) -> Send:
    """Queue ``study`` for ``to``; images that arrive while it waits go with it."""
    require_exchange(by)
    require_reachable(to)
    if not study.is_served:
        raise InvalidInput(_("It is not decided yet whose images these are; they cannot be sent."))
    try:
        with transaction.atomic():
            send = Send.objects.create(
                study=study, node=to, asked_by=by, next_try_at=timezone.now(), total=study.instance_count
            )
    except IntegrityError:
        raise Conflict(_("These images are on their way to %(node)s already.") % {"node": to}) from None
    record(
        by=by,
        action="study.queued",
        subject=study,
        patient=study.patient,
        changes={"destination": [None, to.ae_title]},
    )
    announce("nodes")
    enqueue_once(TASK)
    return send


def attempt_send(send: Send) -> None:
    """Send what the receiver has not acknowledged yet."""
    if not begin(send):
        return
    there = set(send.acknowledged)
    images = Instance.objects.filter(series__study=send.study_id).order_by("series__number", "number", "pk")
    rows = images.values_list("pk", "sop_class_uid", "transfer_syntax_uid")
    missing = [(pk, sop_class, syntax) for pk, sop_class, syntax in rows if pk not in there]
    problem, is_refusal = "", False
    try:
        if missing:
            problem = _store_missing(send, missing)
            is_refusal = bool(problem)
    except CallFailed as failure:
        problem, is_refusal = str(failure), isinstance(failure, NothingAccepted)
    with transaction.atomic():
        total, done = images.count(), len(send.acknowledged)
        if not problem and done < total:
            problem = _("Images have arrived meanwhile; they follow.")
        end(
            send,
            problem,
            is_refusal=is_refusal,
            acknowledged=send.acknowledged,
            done=done,
            total=total,
        )
        send.refresh_from_db(fields=["state"])
        if send.acknowledged and not send.is_open:
            record_sent(Counter({send.study_id: done}), send.node.ae_title, send.node.host, by=send.asked_by)


def _store_missing(send: Send, missing: list[tuple[int, str, str]]) -> str:
    """Why not all of them are there now; empty when they are. ``send.acknowledged`` grows."""
    node = send.node
    contexts = contexts_for({(sop_class, syntax) for _pk, sop_class, syntax in missing})
    with called(node, contexts, answer_seconds=settings.DICOM_IDLE_SECONDS) as association:
        storing = Storing(association)
        for number, instance in enumerate(loaded([pk for pk, _class, _syntax in missing]), start=1):
            if storing.store(instance):
                send.acknowledged.append(instance.pk)
            if not association.is_established:
                return storing.problem or _("The connection broke off.")
            if number % _NOTED_EVERY == 0:
                note_progress(send, acknowledged=send.acknowledged, done=len(send.acknowledged))
                if not is_wanted(send):
                    return _("Cancelled.")
    return storing.problem
