"""C-ECHO as SCU: does that device answer, and if not, why, in words for the person who pressed the button."""

import socket
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from imaging import spool

_SECONDS = 5
_CALLING_NOT_RECOGNISED, _CALLED_NOT_RECOGNISED = 0x03, 0x07


@dataclass(frozen=True)
class EchoResult:
    is_success: bool
    text: str


def echo(ae_title: str, host: str, port: int) -> EchoResult:
    """Call ``ae_title`` and ask for a sign of life; takes a few seconds at most."""
    ae = AE(ae_title=settings.DICOM_AE_TITLE)
    ae.implementation_class_uid = spool.IMPLEMENTATION_CLASS_UID
    ae.implementation_version_name = spool.IMPLEMENTATION_VERSION
    ae.connection_timeout = ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = _SECONDS
    ae.add_requested_context(Verification)
    place = {"title": ae_title, "host": host, "port": port, "us": settings.DICOM_AE_TITLE}
    try:
        association = ae.associate(host, port, ae_title=ae_title)
    except socket.gaierror:
        return EchoResult(False, _("There is no computer with the name %(host)s in this network.") % place)
    except (OSError, ValueError) as error:
        return EchoResult(False, _("Cannot call %(host)s: %(error)s") % {**place, "error": error})
    if not association.is_established:
        return EchoResult(False, _refusal(association) % place)
    status = association.send_c_echo()
    association.release()
    if status and status.Status == 0x0000:
        return EchoResult(True, _("%(title)s at %(host)s port %(port)s answers.") % place)
    return EchoResult(False, _("%(title)s took the call but did not answer the echo.") % place)


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
