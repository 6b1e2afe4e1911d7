"""Requests to confirm that objects are stored: taken, checked against the files, answered until it arrives.

"Stored" is said only of an object whose file was read again and has the bytes it had when it came.
"""

import datetime
import hashlib
import time
from collections.abc import Iterator

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict
from clinic.jobs import enqueue
from clinic.live import announce
from clinic.models import User
from imaging import spool
from imaging.ingest import ingest_spool
from imaging.models import Instance, Quarantined

from .calls import clean
from .models import CommitmentRequest, CommitmentState, RemoteAE
from .services import MACHINE
from .transfers import require_configure

ANSWER = "dicomserver.tasks.answer_commitment"
# Failure Reason (0008,1197), PS3.3 C.14.1.1.
PROCESSING_FAILURE, NO_SUCH_INSTANCE, CLASS_CONFLICT = 0x0110, 0x0112, 0x0119
_AT_ONCE = 100
# Whoever works on a request has it for so long; then it is taken up again.
_LEASE = datetime.timedelta(minutes=10)
_FIRST_PAUSE, _LONGEST_PAUSE = datetime.timedelta(seconds=30), datetime.timedelta(hours=1)
_GIVE_UP_AFTER = datetime.timedelta(days=7)
# An object that is in the spool is waited for: in the same job, then from sweep to sweep.
_LOOKS, _LOOK_SECONDS = 20, 0.5
_SPOOL_PAUSE = datetime.timedelta(seconds=10)
_SPOOL_PATIENCE = datetime.timedelta(hours=1)
_OPEN = [CommitmentState.CHECKING, CommitmentState.REPORTING]


class DuplicateTransaction(Exception):
    """The same device has used this Transaction UID for other objects."""


@transaction.atomic
def take_request(
    transaction_uid: str, objects: list[list[str]], *, by: User, ae_title: str, address: str
) -> CommitmentRequest:
    """Remember the request and let the worker answer it. The same one again is answered again."""
    request, is_new = CommitmentRequest.objects.get_or_create(
        ae_title=ae_title,
        transaction_uid=transaction_uid,
        defaults={"address": address, "objects_asked": objects, "next_try_at": timezone.now()},
    )
    if not is_new:
        request = CommitmentRequest.objects.select_for_update().get(pk=request.pk)
        if request.objects_asked != objects:
            raise DuplicateTransaction
        if request.state not in _OPEN:
            request.state, request.attempts = CommitmentState.CHECKING, 0
            request.asked_at = request.next_try_at = timezone.now()
            request.save(update_fields=["state", "attempts", "asked_at", "next_try_at"])
    else:
        record(
            by=by,
            action="commitment.requested",
            subject=request,
            changes={"images": [None, len(objects)]},
            address=address,
        )
    enqueue(ANSWER, request.pk)
    return request


@transaction.atomic
def queue_again(request: CommitmentRequest, *, by: User) -> None:
    """Check the files anew and tell the device at once; what was given up is tried for another week."""
    require_configure(by)
    now = timezone.now()
    unfinished = CommitmentRequest.objects.filter(pk=request.pk).exclude(state=CommitmentState.REPORTED)
    fields = {"state": CommitmentState.CHECKING, "attempts": 0, "asked_at": now, "next_try_at": now}
    if not unfinished.update(**fields):
        raise Conflict(_("The device has been told already."))
    change = {"state": [request.state, CommitmentState.CHECKING]}
    record(by=by, action="config.changed", subject=request, changes=change)
    announce("nodes")
    enqueue(ANSWER, request.pk)


def due_requests() -> list[int]:
    """Keys of the requests that wait for a check or for an attempt to report."""
    due = CommitmentRequest.objects.filter(state__in=_OPEN, next_try_at__lte=timezone.now())
    return list(due.order_by("next_try_at").values_list("pk", flat=True))


def claim(pk: int) -> CommitmentRequest | None:
    """Have the request for oneself, if it is due; of several workers one gets it."""
    now = timezone.now()
    due = CommitmentRequest.objects.filter(pk=pk, state__in=_OPEN, next_try_at__lte=now)
    return CommitmentRequest.objects.get(pk=pk) if due.update(next_try_at=now + _LEASE) else None


def reachable_node(request: CommitmentRequest) -> RemoteAE | None:
    """Where to report to; None while nobody has entered the device's port."""
    node = RemoteAE.objects.accepted().filter(ae_title=request.ae_title).exclude(port=None).first()
    return node if node and (node.host or node.last_address) else None


# --- checking -----------------------------------------------------------------------------------------


def check(request: CommitmentRequest) -> bool:
    """Read every file again. False when something is still on its way from the spool to the archive."""
    for look in range(_LOOKS):
        failures, waiting = _failures_of(request)
        if not waiting:
            break
        if timezone.now() - request.asked_at > _SPOOL_PATIENCE:
            failures |= dict.fromkeys(waiting, PROCESSING_FAILURE)
            break
        ingest_spool()
        if look:
            time.sleep(_LOOK_SECONDS)
    else:
        CommitmentRequest.objects.filter(pk=request.pk).update(next_try_at=timezone.now() + _SPOOL_PAUSE)
        return False
    request.failures, request.checked_at = failures, timezone.now()
    request.state = CommitmentState.REPORTING
    request.save(update_fields=["failures", "checked_at", "state"])
    return True


def _failures_of(request: CommitmentRequest) -> tuple[dict[str, int], list[str]]:
    """Failure Reason of each object that is not safely stored; those that are still in the spool."""
    # First the spool: what leaves it from now on has its row already.
    spooled = set(_spooled_uids())
    failures: dict[str, int] = {}
    waiting: list[str] = []
    asked = request.objects_asked
    for start in range(0, len(asked), _AT_ONCE):
        some = asked[start : start + _AT_ONCE]
        uids = [uid for _sop_class, uid in some]
        known = {
            instance.sop_instance_uid: instance
            for instance in Instance.objects.filter(sop_instance_uid__in=uids).defer("metadata")
        }
        aside = Quarantined.objects.open().filter(sop_instance_uid__in=uids)
        set_aside = set(aside.values_list("sop_instance_uid", flat=True))
        for sop_class, uid in some:
            if uid in set_aside:
                failures[uid] = PROCESSING_FAILURE
            elif uid in known:
                if reason := _failure_of(known[uid], sop_class):
                    failures[uid] = reason
            elif uid in spooled:
                waiting.append(uid)
            else:
                failures[uid] = NO_SUCH_INSTANCE
        CommitmentRequest.objects.filter(pk=request.pk).update(next_try_at=timezone.now() + _LEASE)
    return failures, waiting


def _failure_of(instance: Instance, sop_class: str) -> int | None:
    if instance.sop_class_uid != sop_class:
        return CLASS_CONFLICT
    try:
        with instance.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return NO_SUCH_INSTANCE
    except OSError:
        return PROCESSING_FAILURE
    return None if digest == instance.sha256 else PROCESSING_FAILURE


def _spooled_uids() -> Iterator[str]:
    for path in spool.waiting():
        try:
            yield spool.read_envelope(path).sop_instance_uid
        except (spool.BadSpoolFile, FileNotFoundError):
            continue


# --- reporting ----------------------------------------------------------------------------------------


@transaction.atomic
def note_reported(request: CommitmentRequest, *, address: str) -> None:
    """The device has the report."""
    request.state, request.reported_at = CommitmentState.REPORTED, timezone.now()
    request.last_error = ""
    request.save(update_fields=["state", "reported_at", "last_error"])
    count = len(request.objects_asked)
    record(
        by=User.objects.machine(MACHINE),
        action="commitment.reported",
        subject=request,
        changes={"images": [None, count - len(request.failures)], "failed": [None, len(request.failures)]},
        address=address,
    )
    announce("nodes")


@transaction.atomic
def note_not_reported(request: CommitmentRequest, problem: str) -> None:
    """Try again later, less and less often, for a week. It may have been told elsewhere by now."""
    waiting = CommitmentRequest.objects.select_for_update().filter(pk=request.pk)
    if not waiting.filter(state=CommitmentState.REPORTING).exists():
        return
    request.attempts += 1
    request.last_error = clean(problem, 300)
    pause = min(_FIRST_PAUSE * 2 ** min(request.attempts - 1, 10), _LONGEST_PAUSE)
    request.next_try_at = timezone.now() + pause
    if timezone.now() - request.asked_at > _GIVE_UP_AFTER:
        request.state = CommitmentState.GIVEN_UP
        record(
            by=User.objects.machine(MACHINE),
            action="commitment.given_up",
            subject=request,
            reason=request.last_error or _("No answer"),
        )
    request.save(update_fields=["attempts", "last_error", "next_try_at", "state"])
    announce("nodes")
