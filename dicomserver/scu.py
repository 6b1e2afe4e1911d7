"""Calling others: one way to open an association, and plain words when it cannot be opened."""

import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, Queue
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from pynetdicom import AE, _config, evt
from pynetdicom.association import Association
from pynetdicom.events import EventHandlerType
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext

from imaging import spool

from .models import RemoteAE
from .tls import CannotEncrypt, client_context, client_failure

_config.STORE_SEND_CHUNKED_DATASET = True
_config.STORE_RECV_CHUNKED_DATASET = True  # for what comes with C-GET

CONNECT_SECONDS = 10
_LOOK_SECONDS = 0.5
_CALLING_NOT_RECOGNISED, _CALLED_NOT_RECOGNISED = 0x03, 0x07


class _WatchfulQueue(Queue[Any]):
    """Answers of the peer: who waits for one learns soon that the connection is gone.

    pynetdicom says so once only, to whoever looks first, and that may be its own loop between two messages.
    """

    def __init__(self, association: Association) -> None:
        super().__init__()
        self._association = association

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        if not block:
            return super().get(block=False)
        until = time.monotonic() + (timeout if timeout is not None else float("inf"))
        while True:
            is_over = time.monotonic() >= until or self._is_gone()
            try:
                return super().get(timeout=0 if is_over else min(_LOOK_SECONDS, until - time.monotonic()))
            except Empty:
                if is_over:
                    raise

    def _is_gone(self) -> bool:
        return not self._association.dul.is_alive() or self._association.acse.is_aborted()


class CallFailed(Exception):
    """The other side cannot be reached or does not want us; the text says why and what to do."""


class NothingAccepted(CallFailed):
    """It answers, but takes none of the contexts that we offer."""


@contextmanager
def called(
    node: RemoteAE,
    contexts: Sequence[PresentationContext],
    *,
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
    handlers: Sequence[EventHandlerType] = (),
    seconds: int = CONNECT_SECONDS,
    answer_seconds: int | None = None,
) -> Iterator[Association]:
    """An established association, released behind the block. Raises ``CallFailed``."""
    ae = AE(ae_title=settings.DICOM_AE_TITLE)
    ae.implementation_class_uid = spool.IMPLEMENTATION_CLASS_UID
    ae.implementation_version_name = spool.IMPLEMENTATION_VERSION
    ae.maximum_pdu_size = settings.DICOM_MAX_PDU
    ae.connection_timeout = ae.acse_timeout = seconds
    ae.dimse_timeout = ae.network_timeout = answer_seconds or seconds
    title, host, port = node.ae_title, node.called_host, node.port or 0
    place = {"title": title, "host": host, "port": port, "us": settings.DICOM_AE_TITLE}
    connected: list[evt.Event] = []
    encryption = _encryption(node)
    try:
        association = ae.associate(
            host,
            port,
            contexts=list(contexts),
            ae_title=title,
            ext_neg=list(roles) or None,
            evt_handlers=[(evt.EVT_CONN_OPEN, connected.append), *handlers],
            tls_args=(encryption, host) if encryption else None,
        )
    except socket.gaierror:
        text = _("There is no computer with the name %(host)s in this network.")
        raise CallFailed(text % place) from None
    except (OSError, ValueError, RuntimeError) as error:
        raise CallFailed(_("Cannot call %(host)s: %(error)s") % {**place, "error": error}) from None
    if association.is_aborted and association.acceptor.primitive is not None:
        raise NothingAccepted(_("%(title)s answers but takes none of what we want to do with it.") % place)
    if not association.is_established:
        failure = client_failure(encryption) if encryption else ""
        raise CallFailed((failure or _refusal(association, encryption, bool(connected))) % place)
    association.dimse.msg_queue = _WatchfulQueue(association)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def _encryption(node: RemoteAE) -> ssl.SSLContext | None:
    if not node.uses_tls:
        return None
    try:
        return client_context(node.trusted_certificate)
    except CannotEncrypt as error:
        raise CallFailed(f"{node}: {error}") from None


def _refusal(association: Association, encryption: ssl.SSLContext | None, is_connected: bool) -> str:
    answer = association.acceptor.primitive
    if is_connected and answer is None and encryption is not None:
        return _(
            "%(title)s broke off the encrypted connection. It may not trust our certificate: load it there "
            "from the page of devices."
        )
    if is_connected and answer is None:
        return _(
            "Somebody at %(host)s port %(port)s takes the call but does not answer it. Is it the port for "
            "DICOM, and does it want encryption (TLS)?"
        )
    if not association.is_rejected or answer is None:
        return _(
            "Nobody answers at %(host)s port %(port)s. Is the device switched on, is the address right, "
            "does a firewall stand between?"
        )
    if answer.diagnostic == _CALLING_NOT_RECOGNISED:
        return _("%(title)s does not know us: enter the AE title %(us)s in its list of DICOM nodes.")
    if answer.diagnostic == _CALLED_NOT_RECOGNISED:
        return _("The device at %(host)s answers, but it is not called %(title)s. Look up its own AE title.")
    return _("%(title)s rejects the call just now. Try again later.")
