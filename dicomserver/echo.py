"""C-ECHO as SCU: does that device answer, and if not, why, in words for the person who pressed the button."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from .models import RemoteAE
from .scu import CallFailed, called

_SECONDS = 5


@dataclass(frozen=True)
class EchoResult:
    is_success: bool
    text: str


def echo(node: RemoteAE) -> EchoResult:
    """Call ``node`` and ask for a sign of life; takes a few seconds at most."""
    place = {"title": node.ae_title, "host": node.called_host, "port": node.port}
    try:
        with called(node, [build_context(Verification)], seconds=_SECONDS) as association:
            status = association.send_c_echo()
    except CallFailed as failure:
        return EchoResult(False, str(failure))
    if status and status.Status == 0x0000:
        return EchoResult(True, _("%(title)s at %(host)s port %(port)s answers.") % place)
    return EchoResult(False, _("%(title)s took the call but did not answer the echo.") % place)
