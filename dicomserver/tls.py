"""DICOM on encrypted connections: the BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile
(PS3.15 B.12), for the listener beside the plain one and for calls of our own.
"""

import contextlib
import logging
import os
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from .certificates import ensure_own, own_files
from .transport import GuardedServer

log = logging.getLogger(__name__)

# With forward secrecy and authenticated encryption only (RFC 9325 4.2); TLS 1.3 has no others.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


class CannotEncrypt(Exception):
    """The certificate, its key or the list of trusted clients cannot be used; the text says why."""


def server_context() -> ssl.SSLContext:
    """For the listener. Raises ``CannotEncrypt``."""
    context = _context(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0  # a resumed session saves little here, and old devices stumble over tickets
    load_own(context)
    if settings.DICOM_TLS_CLIENT_CA:
        _trust(context, Path(settings.DICOM_TLS_CLIENT_CA))
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(trusted: str) -> ssl.SSLContext:
    """For calling one device: ``trusted`` (PEM) is its own certificate or that of who issued it.

    Its name is not looked at: in a clinic devices are called by addresses that no certificate names.
    """
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = _RememberingSocket
    context.check_hostname, context.verify_mode = False, ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cadata=trusted)
    except (ssl.SSLError, ValueError):
        raise CannotEncrypt(_("No certificate is entered by which to know the device.")) from None
    with contextlib.suppress(CannotEncrypt):  # most devices do not ask for one
        load_own(context)
    return context


def load_own(context: ssl.SSLContext) -> None:
    certificate, key = ensure_own()
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        text = _("The certificate %(certificate)s with the key %(key)s cannot be used: %(reason)s")
        place = {"certificate": certificate.name, "key": key.name, "reason": reason}
        raise CannotEncrypt(text % place) from None


def own_version() -> tuple[float, ...]:
    """Changes when the files of our certificate were replaced."""
    return tuple(os.stat(path).st_mtime for path in own_files())


def client_failure(context: ssl.SSLContext) -> str:
    """Why a call with ``context`` did not come about, in plain words; empty if encryption is not why."""
    error = getattr(context, "failure", None)
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in (9, 10):  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
            return _("The certificate of %(title)s is not valid today. Renew it there, or check the clocks.")
        return _("%(title)s shows another certificate than the one that is trusted; it may be somebody else.")
    if isinstance(error, ssl.SSLError):
        return _("%(host)s port %(port)s speaks no encryption that we accept (TLS 1.2 or newer).")
    if error is not None:
        return _("%(host)s port %(port)s broke off while the encryption was agreed upon.")
    return ""


class TlsServer(GuardedServer):
    """Agrees upon encryption on a thread for each connection: who is slow in it keeps nobody else waiting."""

    def __init__(self, *args: Any, note_failure: Callable[[str, str], None], **kwargs: Any) -> None:
        self.context = server_context()
        self._version = own_version()
        self._note_failure = note_failure
        self._greeting: Counter[str] = Counter()
        self._in_handshake: dict[socket.socket, None] = {}  # in the order in which they came
        self._lock = threading.Lock()
        super().__init__(*args, **kwargs)

    def greeting(self, address: str | None = None) -> int:
        with self._lock:
            return self._greeting.total() if address is None else self._greeting[address]

    def drop_greeting(self) -> bool:
        with self._lock:
            oldest = next(iter(self._in_handshake), None)
            if oldest is None:
                return False
            del self._in_handshake[oldest]
        with contextlib.suppress(OSError):
            socket.socket.shutdown(oldest, socket.SHUT_RDWR)
        return True

    def reload_own(self) -> None:
        """Show a renewed certificate from the next connection on."""
        with contextlib.suppress(OSError):
            version = own_version()
            if version == self._version:
                return
            try:
                load_own(self.context)
                self._version = version
            except CannotEncrypt as error:
                log.error("DICOM with TLS: %s", error)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._greeting[client_address[0]] += 1
        threading.Thread(
            target=self._greet, args=(request, client_address), name="dicom-handshake", daemon=True
        ).start()

    def _greet(self, request: socket.socket, client_address: Any) -> None:
        secured = None
        try:
            # The time for the whole handshake, not for each piece of it.
            request.settimeout(settings.DICOM_ARTIM_SECONDS)
            secured = self.context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
            with self._lock:
                self._in_handshake[secured] = None
            secured.do_handshake()
            self.finish_request(secured, client_address)
        except (OSError, ValueError) as error:
            with contextlib.suppress(OSError):
                (secured or request).close()
            self._note_failure(client_address[0], server_failure(error))
        finally:
            with self._lock:
                if secured is not None:
                    self._in_handshake.pop(secured, None)
                self._greeting[client_address[0]] -= 1
                self._greeting += Counter()  # forget who has none


def server_failure(error: Exception) -> str:
    """Why a connection to us did not come about: one of ``FAILURES``."""
    reason = str(getattr(error, "reason", None) or error).upper().replace(" ", "_")
    return next((text for sign, text in FAILURES.items() if sign in reason), _BROKEN_OFF)


_BROKEN_OFF = gettext_noop("It broke off while the encryption was agreed upon.")
# By a part of OpenSSL's reason. They are kept in the log in English and translated where they are shown.
FAILURES = {
    "WRONG_VERSION_NUMBER": gettext_noop(
        "It spoke without encryption. Enter the other port in the device, or switch on its encryption (TLS)."
    ),
    "HTTP_REQUEST": gettext_noop("It was a web browser; this port is for imaging devices."),
    "DID_NOT_RETURN_A_CERTIFICATE": gettext_noop("It showed no certificate; we ask for one."),
    "CERTIFICATE_VERIFY_FAILED": gettext_noop("It showed a certificate that is not among those we trust."),
    "ALERT": gettext_noop("It does not accept our certificate. Load our certificate into the device."),
    "UNSUPPORTED_PROTOCOL": gettext_noop("Its encryption is outdated; TLS 1.2 or newer is needed."),
    "NO_SHARED_CIPHER": gettext_noop("Its encryption is outdated; TLS 1.2 or newer is needed."),
    "TIMED_OUT": gettext_noop("It fell silent while the encryption was agreed upon."),
}


class _RememberingSocket(ssl.SSLSocket):
    """Keeps at its context why the handshake failed; pynetdicom only writes it into the log."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError as error:
            self.context.failure = error  # type: ignore[attr-defined]
            raise


def _context(protocol: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_ciphers(_CIPHERS)
    return context


def _trust(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except (OSError, ssl.SSLError) as error:
        text = _("The certificates of trusted devices in %(file)s cannot be read: %(reason)s")
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotEncrypt(text % {"file": path.name, "reason": reason}) from None
    # Each certificate in the file is trusted for itself, also without the one that issued it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
