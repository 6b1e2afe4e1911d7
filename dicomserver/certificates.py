"""The certificate with which Cedar shows who it is on encrypted connections, and those of others.

At its first start Cedar makes one for itself. A clinic that has certificates of its own names their files in
the settings; nothing is ever written to those.
"""

import datetime as dt
import os
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings
from django.utils.translation import gettext as _

# What BCP 195 (RFC 9325 4.5) asks for at least is 2048; every device of the last fifteen years takes this.
_KEY_BITS = 3072
_VALID_FOR = dt.timedelta(days=3650)
_EXPIRES_SOON = dt.timedelta(days=30)
LONGEST_PEM = 64 * 1024


class BadCertificate(Exception):
    """The text is no certificate, or its file cannot be read; the message says what is wrong."""


@dataclass(frozen=True)
class Certificate:
    """What a person compares."""

    subject: str
    fingerprint: str  # SHA-256, in pairs
    valid_until: dt.datetime
    pem: str

    @property
    def expires_soon(self) -> bool:
        return self.valid_until < dt.datetime.now(dt.UTC) + _EXPIRES_SOON


def own_files() -> tuple[Path, Path]:
    """Certificate (with its chain) and private key: the clinic's, or else those made by Cedar."""
    if settings.DICOM_TLS_CERT:
        return Path(settings.DICOM_TLS_CERT), Path(settings.DICOM_TLS_KEY)
    folder = Path(settings.CEDAR_DATA) / "secrets"
    return folder / "dicom-tls.crt", folder / "dicom-tls.key"


def ensure_own() -> tuple[Path, Path]:
    """The files, made at the first time. Of several processes that make them at once, one's are kept."""
    certificate, key = own_files()
    if settings.DICOM_TLS_CERT or (certificate.exists() and key.exists()):
        return certificate, key
    certificate.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    encoded = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    certificate.unlink(missing_ok=True)  # one without its key is of no use
    _write(key, encoded)
    _write(certificate, _self_signed(private))
    return certificate, key


def own_certificate() -> Certificate | None:
    """None before the first start of the DICOM server, and where the file cannot be read."""
    try:
        return describe(own_files()[0].read_text())
    except (OSError, ValueError, BadCertificate):
        return None


def describe(pem: str) -> Certificate:
    """The first certificate in ``pem``. Raises ``BadCertificate``."""
    if len(pem) > LONGEST_PEM:
        raise BadCertificate(_("This is too long for a certificate."))
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise BadCertificate(
            _("This is no certificate. It begins with -----BEGIN CERTIFICATE----- and ends with -----END.")
        ) from None
    first = found[0]
    digest = first.fingerprint(hashes.SHA256()).hex(":").upper()
    return Certificate(first.subject.rfc4514_string(), digest, first.not_valid_after_utc, pem)


def shown_by(host: str, port: int, seconds: float) -> Certificate:
    """What the computer at this address shows now; whether to trust it is for a person. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout=seconds) as plain,
        context.wrap_socket(plain) as secured,
    ):
        encoded = secured.getpeercert(binary_form=True)
    if not encoded:
        raise ConnectionError("no certificate")
    return describe(ssl.DER_cert_to_PEM_cert(encoded))


def _self_signed(private: rsa.RSAPrivateKey) -> bytes:
    host = socket.gethostname()[:64] or "localhost"
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, host),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, settings.DICOM_AE_TITLE),
        ]
    )
    now = dt.datetime.now(dt.UTC)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + _VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=False)
        .add_extension(names, critical=False)
        .sign(private, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, content: bytes) -> None:
    draft = path.with_suffix(f"{path.suffix}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
