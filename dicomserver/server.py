"""The DICOM server: one application entity, its listener, and the threads around it."""

import logging
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from pynetdicom import AE, _config, evt
from pynetdicom.association import Association
from pynetdicom.events import EventHandlerType, EventType

from imaging import spool

from . import commitment, handlers, mpps, services
from .background import Background
from .calls import Call, CallLog, clean
from .contexts import supported_contexts
from .fast_receive import FastSocket
from .listeners import Listeners
from .models import Outcome
from .policy import Policy
from .storage import Answer, Reception, StoreRequest, prepare_incoming
from .transport import GuardedServer, GuardedSocket
from .waking import IngestWaker

log = logging.getLogger(__name__)

_STOP_SECONDS = 3.0
_MINUTE = 60.0
_STALE_SECONDS = 600.0


class DicomServer:
    """``start``, then ``stop``. Everything a handler needs of the server is an attribute of this."""

    def __init__(self, host: str, port: int, tls_port: int | None = None) -> None:
        """Listens from now on; port 0 is any free one. ``tls_port`` None: nobody may call encrypted."""
        self.policy = Policy()
        self.call_log = CallLog()
        self.waker = IngestWaker()
        self.open_reports = commitment.OpenReports()
        self.background = Background(
            self.waker.wake_if_due,
            self.policy.refresh,
            self._end_dead_calls,
            self.call_log.flush,
            self.open_reports.report,
            self._do_minutely,
        )
        self.stopping = False
        self._calls: dict[Association, Call] = {}
        self._calls_lock = threading.Lock()
        self._last_minute = 0.0
        self._incoming = prepare_incoming()
        tempfile.tempdir = str(self._incoming)
        removed = spool.remove_leftovers()
        if removed:
            log.info("DICOM server: removed %d unfinished objects of an earlier run", removed)
        self._ae = _application_entity()
        self.listeners = Listeners(self._make_listener, host, port, tls_port, self._note_no_encryption)

    @property
    def port(self) -> int:
        return int(self.listeners.plain.server_address[1])

    @property
    def tls_port(self) -> int:
        """0: there are no encrypted connections."""
        return int(self.listeners.tls.server_address[1]) if self.listeners.tls else 0

    @property
    def established(self) -> int:
        return sum(association.is_established for association in self.listeners.associations)

    def start(self) -> None:
        self.background.start()
        self.listeners.start()

    def stop(self) -> None:
        """Take no more calls, let objects under way arrive, abort what is still there, write the log."""
        self.listeners.shutdown()
        deadline = time.monotonic() + _STOP_SECONDS
        while self.listeners.associations and time.monotonic() < deadline:
            time.sleep(0.05)
        self.stopping = True
        for association in self.listeners.associations:
            threading.Thread(target=association.abort, daemon=True).start()
        deadline = time.monotonic() + 1.0
        while self.listeners.associations and time.monotonic() < deadline:
            time.sleep(0.05)
        self.background.stop(_STOP_SECONDS)

    def open_call(self, association: Association) -> Call:
        """Remember who calls. Text of the peer is cleaned here, once."""
        request = association.requestor.primitive
        address = clean(association.requestor.address, 64).removeprefix("::ffff:")
        call = Call(
            calling_ae_title=clean(request and request.calling_ae_title, 16),
            called_ae_title=clean(request and request.called_ae_title, 16),
            address=address,
            is_encrypted=getattr(association.dul.socket, "is_encrypted", False),
        )
        with self._calls_lock:
            self._calls[association] = call
        return call

    def call_of(self, association: Association) -> Call | None:
        return self._calls.get(association)

    def begin(
        self, association: Association, sop_class_uid: str, sop_instance_uid: str, transfer_syntax: str
    ) -> Reception:
        """An object starts to arrive."""
        call = self._calls[association]
        return Reception(
            StoreRequest(
                sop_class_uid=sop_class_uid,
                sop_instance_uid=sop_instance_uid,
                transfer_syntax_uid=transfer_syntax,
                calling_ae_title=call.calling_ae_title,
                called_ae_title=call.called_ae_title,
                address=call.address,
            )
        )

    def note_answer(self, association: Association, answer: Answer) -> None:
        """Count it for the log, and let the worker know of what was stored."""
        call = self.call_of(association)
        if answer.is_success:
            self.note_stored()
        if call is not None and answer.is_success:
            call.stored += 1
        elif call is not None:
            call.failed += 1
            call.problem = answer.comment

    def _make_listener(self, place: tuple[str, int], **more: Any) -> GuardedServer:
        listener = self._ae.make_server(
            place,
            contexts=supported_contexts(),
            evt_handlers=self._event_handlers(),
            make_socket=self._make_socket,
            **more,
        )
        self._ae._servers.append(listener)  # type: ignore[arg-type]  # where its shutdown looks for it
        return cast(GuardedServer, listener)

    def _note_no_encryption(self, address: str, problem: str) -> None:
        """A connection that ended before it became a call: nobody knows who it was."""
        address = clean(address, 64).removeprefix("::ffff:")
        self.call_log.note(Call("", "", address, outcome=Outcome.NOT_ENCRYPTED, problem=problem))
        self.background.hurry()

    def _make_socket(self, association: Association, connection: socket.socket) -> GuardedSocket:
        if settings.DICOM_FAST_RECEIVE:
            return FastSocket(self, association, connection)
        return GuardedSocket(association, connection)

    def note_stored(self) -> None:
        if self.waker.note_stored():
            self.background.hurry()

    def close_call(self, association: Association, outcome: Outcome) -> None:
        """The call is over: into the log with it. Harmless when it was closed already."""
        with self._calls_lock:
            call = self._calls.pop(association, None)
        if call is None:
            return
        call.outcome = outcome
        self.call_log.note(call)
        if call.stored:
            self.waker.note_ended()
        self.background.hurry()

    def _end_dead_calls(self) -> None:
        """Associations that ended without saying so, as after a cut connection."""
        for association in list(self._calls):
            if not association.is_alive() and association.ident is not None:
                self.close_call(association, Outcome.ABORTED)

    def _do_minutely(self) -> None:
        if time.monotonic() - self._last_minute < _MINUTE:
            return
        self._last_minute = time.monotonic()
        self.listeners.mend_tls()
        _remove_stale(self._incoming)
        services.prune_calls()

    def _event_handlers(self) -> list[EventHandlerType]:
        table: dict[EventType, Callable[..., Any]] = {
            evt.EVT_REQUESTED: handlers.handle_request,
            evt.EVT_SOP_EXTENDED: handlers.handle_extended,
            evt.EVT_RELEASED: handlers.handle_release,
            evt.EVT_ABORTED: handlers.handle_abort,
            evt.EVT_C_ECHO: handlers.handle_echo,
            evt.EVT_C_STORE: handlers.handle_store,
            evt.EVT_C_FIND: handlers.handle_find,
            evt.EVT_N_CREATE: mpps.handle_create,
            evt.EVT_N_SET: mpps.handle_set,
            evt.EVT_N_ACTION: commitment.handle_action,
        }
        return [(event, handler, [self]) for event, handler in table.items()]


def _application_entity() -> AE:
    _config.LOG_HANDLER_LEVEL = "none"
    _config.LOG_REQUEST_IDENTIFIERS = False
    _config.LOG_RESPONSE_IDENTIFIERS = False
    _config.STORE_RECV_CHUNKED_DATASET = True
    ae = AE(ae_title=settings.DICOM_AE_TITLE)
    ae.implementation_class_uid = spool.IMPLEMENTATION_CLASS_UID
    ae.implementation_version_name = spool.IMPLEMENTATION_VERSION
    ae.maximum_pdu_size = settings.DICOM_MAX_PDU
    # Only established ones count, and our own handler counts them.
    ae.maximum_associations = 100_000
    ae.acse_timeout = settings.DICOM_ARTIM_SECONDS
    ae.network_timeout = settings.DICOM_IDLE_SECONDS
    ae.dimse_timeout = settings.DICOM_IDLE_SECONDS
    return ae


def _remove_stale(incoming: Path) -> None:
    """Pieces of objects whose connection was cut."""
    for file in incoming.iterdir():
        try:
            if time.time() - file.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(file) if file.is_dir() else file.unlink()
        except FileNotFoundError:
            continue
