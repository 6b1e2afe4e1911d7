"""Storage Commitment Push Model as SCP (PS3.4 Annex J): N-ACTION in, N-EVENT-REPORT out.

The report goes to the device on an association of our own, in which we propose to be the SCP. While nobody
has entered the device's port it goes back on the association on which it was asked, if that is still open.
"""

import logging
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.utils.translation import gettext as _
from pydicom import Dataset
from pydicom.sequence import Sequence
from pynetdicom import build_role
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import N_ACTION
from pynetdicom.events import Event
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

from clinic.models import User

from . import commitment_requests as requests
from .calls import clean
from .connections import forget_connection
from .models import CommitmentRequest, CommitmentState
from .mpps import Refused, impatient_transaction, status
from .scu import CallFailed, called
from .services import MACHINE

if TYPE_CHECKING:
    from .server import DicomServer

log = logging.getLogger(__name__)

COMMITMENT, WELL_KNOWN = str(StorageCommitmentPushModel), str(StorageCommitmentPushModelInstance)
# PS3.7 Annex C.
SUCCESS, PROCESSING_FAILURE, NO_SUCH_INSTANCE = 0x0000, 0x0110, 0x0112
INVALID_ARGUMENT, NO_SUCH_ACTION, DUPLICATE_TRANSACTION = 0x0115, 0x0123, 0x0131
NO_RESOURCES = 0x0213
_REQUEST_ACTION, _ALL_STORED, _SOME_FAILED = 1, 1, 2
_ANSWER_SECONDS = 30
# A report must not come between two messages of the device.
_QUIET_SECONDS = 1.0


def handle_action(event: Event, server: "DicomServer") -> tuple[Dataset, None]:
    """N-ACTION: the device asks for commitment. Taken means remembered; the answer follows by itself."""
    call = server.call_of(event.assoc)
    ae_title, address = (call.calling_ae_title, call.address) if call else ("", "")
    try:
        transaction_uid, objects = _read(event)
        with impatient_transaction():
            by = User.objects.machine(MACHINE)
            asked = requests.take_request(transaction_uid, objects, by=by, ae_title=ae_title, address=address)
            needs_this_call = requests.reachable_node(asked) is None
        if needs_this_call:
            server.open_reports.note(event.assoc, asked.pk)
        answer = status(SUCCESS)
    except Refused as refused:
        answer = status(refused.status, str(refused))
    except requests.DuplicateTransaction:
        answer = status(DUPLICATE_TRANSACTION, "This Transaction UID was used for other objects")
    except DatabaseError:
        answer = status(NO_RESOURCES, "The clinic's database does not answer")
    except Exception:
        log.exception("Storage Commitment of %s cannot be processed", ae_title)
        answer = status(PROCESSING_FAILURE, "The request cannot be processed")
    finally:
        forget_connection()
    if call is not None and answer.Status == SUCCESS:
        call.commitments += 1
    elif call is not None:
        call.problem = f"Storage Commitment {answer.Status:04X}: {answer.ErrorComment}"
    return answer, None


def _read(event: Event) -> tuple[str, list[list[str]]]:
    """Transaction UID, and SOP class and instance of each object."""
    request = event.request
    assert isinstance(request, N_ACTION)
    if str(request.RequestedSOPInstanceUID) != WELL_KNOWN:
        raise Refused(NO_SUCH_INSTANCE, "Not the well-known Storage Commitment instance")
    if event.action_type != _REQUEST_ACTION:
        raise Refused(NO_SUCH_ACTION, "Only action 1 (request storage commitment) is known")
    try:
        asked = event.action_information
        uid = clean(asked.get("TransactionUID"), 65)
        items = asked.get("ReferencedSOPSequence") or []
        objects = [
            [clean(item.get("ReferencedSOPClassUID"), 65), clean(item.get("ReferencedSOPInstanceUID"), 65)]
            for item in items
        ]
    except (ValueError, TypeError, AttributeError, KeyError, NotImplementedError):
        raise Refused(INVALID_ARGUMENT, "The request cannot be read") from None
    if not 0 < len(uid) <= 64:
        raise Refused(INVALID_ARGUMENT, "Transaction UID is missing")
    if not objects or not all(0 < len(part) <= 64 for pair in objects for part in pair):
        raise Refused(INVALID_ARGUMENT, "Referenced SOP Sequence is missing or incomplete")
    return uid, [list(pair) for pair in dict.fromkeys(map(tuple, objects))]


# --- the answer ---------------------------------------------------------------------------------------


def answer_request(pk: int) -> None:
    """Check, then report to the device. Does nothing when it is not due or somebody else is at it."""
    request = requests.claim(pk)
    if request is None:
        return
    if request.state == CommitmentState.CHECKING and not requests.check(request):
        return
    node = requests.reachable_node(request)
    if node is None:
        problem = _("Nobody has entered the port of %(device)s yet.") % {"device": request.ae_title}
        requests.note_not_reported(request, problem)
        return
    context = build_context(COMMITMENT)
    role = build_role(COMMITMENT, scp_role=True)
    try:
        with called(node, [context], roles=[role], answer_seconds=_ANSWER_SECONDS) as association:
            problem = send_report(association, request)
    except CallFailed as failure:
        problem = str(failure)
    if problem:
        requests.note_not_reported(request, problem)
    else:
        requests.note_reported(request, address=node.called_host)


def send_report(association: Association, request: CommitmentRequest) -> str:
    """N-EVENT-REPORT; why it was not taken, in words, empty when it was."""
    event = _SOME_FAILED if request.failures else _ALL_STORED
    try:
        answer, _reply = association.send_n_event_report(report_of(request), event, COMMITMENT, WELL_KNOWN)
    except (ValueError, RuntimeError) as error:
        return _("The device does not take the report: %(error)s") % {"error": error}
    code = answer.get("Status")
    if code is None:
        return _("The device did not answer the report.")
    if code != SUCCESS:
        return _("The device refused the report (status %(status)04X).") % {"status": code}
    return ""


def report_of(request: CommitmentRequest) -> Dataset:
    """Event Information (PS3.4 Table J.3-2)."""
    stored = [_item(pair) for pair in request.objects_asked if pair[1] not in request.failures]
    report = Dataset()
    report.TransactionUID = request.transaction_uid
    if stored:
        report.RetrieveAETitle = settings.DICOM_AE_TITLE
        report.ReferencedSOPSequence = Sequence(stored)
    if request.failures:
        failed = [_item(pair) for pair in request.objects_asked if pair[1] in request.failures]
        for item in failed:
            item.FailureReason = request.failures[item.ReferencedSOPInstanceUID]
        report.FailedSOPSequence = Sequence(failed)
    return report


def _item(pair: list[str]) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = pair
    return item


class OpenReports:
    """Requests on associations that are still open, of devices that cannot be called."""

    def __init__(self) -> None:
        self._waiting: dict[Association, set[int]] = {}
        self._lock = threading.Lock()

    def note(self, association: Association, pk: int) -> None:
        with self._lock:
            self._waiting.setdefault(association, set()).add(pk)

    def report(self) -> None:
        """A chore of the background thread: report what the worker has checked, each on a thread."""
        with self._lock:
            self._waiting = {
                association: pks
                for association, pks in self._waiting.items()
                if pks and association.is_established
            }
            waiting = {association: set(pks) for association, pks in self._waiting.items()}
        for association, pks in waiting.items():
            if not _is_quiet(association):
                continue
            checked = CommitmentRequest.objects.filter(pk__in=pks, state=CommitmentState.REPORTING)
            ready = list(checked.order_by("pk"))
            with self._lock:
                self._waiting.get(association, set()).difference_update(request.pk for request in ready)
            if ready:
                threading.Thread(
                    target=_report_here, args=(association, ready), name="commitment-report", daemon=True
                ).start()


def _is_quiet(association: Association) -> bool:
    connection_of = association.dul.socket
    return time.monotonic() - getattr(connection_of, "_last_read", 0.0) > _QUIET_SECONDS


def _report_here(association: Association, ready: list[CommitmentRequest]) -> None:
    address = clean(association.requestor.address, 64)
    try:
        for request in ready:
            if _pause(association) and not send_report(association, request):
                requests.note_reported(request, address=address)
    except DatabaseError as error:
        # It stays to be reported; the device gets it once more.
        log.warning("Storage Commitment: a report could not be noted (%s)", type(error).__name__)
    finally:
        connection.close()


def _pause(association: Association) -> bool:
    """Stop the association's own loop for a message of ours; pynetdicom waits for ever for one that ended."""
    association._reactor_checkpoint.clear()
    until = time.monotonic() + _ANSWER_SECONDS
    while association.is_established and association.is_alive() and time.monotonic() < until:
        if association._is_paused:
            association.dimse_timeout = _ANSWER_SECONDS
            return True
        time.sleep(0.001)
    with suppress(AttributeError):
        association._reactor_checkpoint.set()
    return False
