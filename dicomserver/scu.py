"""Calling others: one way to open an association, and plain words when it cannot be opened."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings
from django.utils.translation import gettext as _
from pynetdicom import AE, _config
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext

from imaging import spool

_config.STORE_SEND_CHUNKED_DATASET = True

CONNECT_SECONDS = 10
_CALLING_NOT_RECOGNISED, _CALLED_NOT_RECOGNISED = 0x03, 0x07


class CallFailed(Exception):
    """The other side cannot be reached or does not want us; the text says why and what to do."""


class NothingAccepted(CallFailed):
    """It answers, but takes none of the contexts that we offer."""


@contextmanager
def called(
    ae_title: str,
    host: str,
    port: int,
    contexts: Sequence[PresentationContext],
    *,
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
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
    place = {"title": ae_title, "host": host, "port": port, "us": settings.DICOM_AE_TITLE}
    try:
        association = ae.associate(
            host, port, contexts=list(contexts), ae_title=ae_title, ext_neg=list(roles) or None
        )
    except socket.gaierror:
        text = _("There is no computer with the name %(host)s in this network.")
        raise CallFailed(text % place) from None
    except (OSError, ValueError, RuntimeError) as error:
        raise CallFailed(_("Cannot call %(host)s: %(error)s") % {**place, "error": error}) from None
    if association.is_aborted and association.acceptor.primitive is not None:
        raise NothingAccepted(_("%(title)s answers but takes none of what we want to do with it.") % place)
    if not association.is_established:
        raise CallFailed(_refusal(association) % place)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def _refusal(association: Association) -> str:
    answer = association.acceptor.primitive
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
