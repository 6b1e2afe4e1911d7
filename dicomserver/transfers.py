"""The queue of what is sent to others and fetched from them: one after the other, tried until it is done.

An attempt that fails is repeated after a pause that doubles each time, up to a day. What a worker had under
way when it was killed is taken up by the next sweep; what was acknowledged is not sent again.
"""

import datetime
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.jobs import enqueue_once
from clinic.live import announce
from clinic.models import User
from clinic.permissions import Permission
from imaging.outgoing import remove_stale_files

from .calls import clean
from .models import Fetch, RemoteAE, Send, Transfer, TransferState

TASK = "dicomserver.tasks.transfer_waiting"
LONGEST_PAUSE = datetime.timedelta(days=1)
# About ten days of a peer that does not answer; a peer that answers and refuses is asked less often.
MOST_ATTEMPTS = 20
MOST_REFUSALS = 5
LOCK = 0x53454E44
SWEEP_SECONDS = 600.0


def transfer_waiting() -> None:
    """Try everything that is due. Returns at once when somebody else is doing so."""
    from .fetching import attempt_fetch
    from .sending import attempt_send

    until = time.monotonic() + SWEEP_SECONDS
    with _alone() as is_mine:
        if not is_mine:
            return
        remove_stale_files()
        kinds: list[tuple[type[Transfer], Callable[[Any], None]]] = [
            (Send, attempt_send),
            (Fetch, attempt_fetch),
        ]
        for model, attempt in kinds:
            if not _sweep(model, attempt, until):
                enqueue_once(TASK)
                return


def queue_again(transfer: Transfer, *, by: User) -> None:
    """Try what failed or waits at once."""
    require_configure(by)
    moved = _where(transfer, TransferState.WAITING, TransferState.FAILED, TransferState.CANCELLED)
    with transaction.atomic():
        if not moved.update(
            state=TransferState.WAITING, next_try_at=timezone.now(), attempts=0, finished_at=None
        ):
            raise Conflict(_("This is under way or done already."))
        change = [transfer.state, TransferState.WAITING]
        record(by=by, action="config.changed", subject=transfer, changes={"state": change})
        announce("nodes")
        enqueue_once(TASK)


def cancel(transfer: Transfer, *, by: User) -> None:
    """Stop trying; what has arrived there stays there."""
    require_configure(by)
    moved = _where(transfer, TransferState.WAITING, TransferState.RUNNING)
    with transaction.atomic():
        if not moved.update(state=TransferState.CANCELLED, finished_at=timezone.now()):
            raise Conflict(_("This is not waiting any more."))
        change = [transfer.state, TransferState.CANCELLED]
        record(by=by, action="config.changed", subject=transfer, changes={"state": change})
        announce("nodes")


def require_exchange(user: User) -> None:
    if not user.can(Permission.STUDY_EXCHANGE):
        raise NotAllowed(_("Your role does not include sending and fetching images."))


def require_configure(user: User) -> None:
    if not user.can(Permission.CONFIGURE):
        raise NotAllowed(_("Only an administrator may change the queue."))


def require_reachable(node: RemoteAE) -> None:
    if not RemoteAE.objects.reachable().filter(pk=node.pk).exists():
        raise InvalidInput(
            _("%(node)s cannot be called: it needs to be accepted, with an address and a port.")
            % {"node": node}
        )


# --- an attempt ---------------------------------------------------------------------------------------


def begin(transfer: Transfer) -> bool:
    """The attempt starts; False when it was cancelled meanwhile."""
    started = _where(transfer, TransferState.WAITING, TransferState.RUNNING).update(
        state=TransferState.RUNNING, attempts=transfer.attempts + 1
    )
    announce("nodes")
    transfer.attempts += 1
    return bool(started)


def is_wanted(transfer: Transfer) -> bool:
    """Nobody has cancelled it."""
    return _where(transfer, TransferState.RUNNING).exists()


def note_progress(transfer: Transfer, **fields: Any) -> None:
    _where(transfer, TransferState.RUNNING).update(**fields)
    announce("nodes")


def end(transfer: Transfer, problem: str, *, is_refusal: bool = False, **fields: Any) -> None:
    """Done when there is no ``problem``; else again later, or never when it was tried often enough."""
    now = timezone.now()
    fields["last_error"] = clean(problem, 300)
    if not problem:
        fields |= {"state": TransferState.DONE, "finished_at": now}
    elif transfer.attempts >= (MOST_REFUSALS if is_refusal else MOST_ATTEMPTS):
        fields |= {"state": TransferState.FAILED, "finished_at": now}
    else:
        fields |= {"state": TransferState.WAITING, "next_try_at": now + pause_after(transfer.attempts)}
    _where(transfer, TransferState.RUNNING).update(**fields)
    announce("nodes")


def pause_after(attempts: int) -> datetime.timedelta:
    seconds = settings.DICOM_RETRY_SECONDS * 2 ** min(attempts - 1, 30)
    return min(datetime.timedelta(seconds=seconds), LONGEST_PAUSE)


def _where(transfer: Transfer, *states: TransferState) -> Any:
    return type(transfer)._default_manager.filter(pk=transfer.pk, state__in=states)


def _sweep(model: type[Transfer], attempt: Callable[[Any], None], until: float) -> bool:
    """Each due one once; False when the time is up before all were tried."""
    tried: list[int] = []
    while time.monotonic() < until:
        due = model._default_manager.due(timezone.now()).exclude(pk__in=tried).select_related("node")
        transfer = due.order_by("next_try_at", "pk").first()
        if transfer is None:
            return True
        tried.append(transfer.pk)
        attempt(transfer)
    return False


@contextmanager
def _alone() -> Iterator[bool]:
    """A lock that ends with the connection, whatever ends the worker."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        (is_mine,) = cursor.fetchone()
    try:
        yield is_mine
    finally:
        if is_mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
