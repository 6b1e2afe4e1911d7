"""``GET /healthz``: is every part up? For the supervisor, for monitoring, and for a person with a browser.

Public and without secrets: each part is ``ok`` or ``down``, and the status code is 503 when one is down.
"""

import threading
import time

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET
from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from .http import public
from .pulse import Pulse

CALLING_AE = "CEDAR-HEALTH"
ECHO_KEPT = 2.0  # seconds for which one C-ECHO answers for all who ask
ECHO_PATIENCE = 2.0
OK, DOWN = "ok", "down"
_LOCAL = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104
_echo_lock = threading.Lock()
_echo = (float("-inf"), False)


@public
@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    parts = {
        "database": database_answers(),
        "worker": Pulse(settings.CEDAR_DATA).is_alive(),
        "scp": scp_answers(),
    }
    body = {"status": OK if all(parts.values()) else DOWN}
    body.update({name: OK if up else DOWN for name, up in parts.items()})
    response = JsonResponse(body, status=200 if all(parts.values()) else 503)
    response["Cache-Control"] = "no-store"
    return response


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        connection.close()
        return False
    return True


def scp_answers() -> bool:
    """A C-ECHO to our own DICOM server, at most one every few seconds however many ask."""
    global _echo
    with _echo_lock:
        asked, answer = _echo
        if time.monotonic() - asked > ECHO_KEPT:
            answer = send_echo()
            _echo = (time.monotonic(), answer)
        return answer


def send_echo() -> bool:
    """C-ECHO (PS3.4 Annex A) from this machine to the port the DICOM server listens on."""
    entity = AE(ae_title=CALLING_AE)
    entity.add_requested_context(Verification)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = ECHO_PATIENCE
    entity.connection_timeout = ECHO_PATIENCE
    host = _LOCAL.get(settings.DICOM_HOST, settings.DICOM_HOST)
    association = entity.associate(host, settings.DICOM_PORT, ae_title=settings.DICOM_AE_TITLE)
    if not association.is_established:
        return False
    try:
        status = association.send_c_echo()
    finally:
        association.release()
    return bool(status) and status.Status == 0x0000
