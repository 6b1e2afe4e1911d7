"""Encrypted connections: DCMTK's tools call us, we call others; nobody waits for another's handshake."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import JPEGBaseline8Bit
from pynetdicom import AE
from pynetdicom.sop_class import Verification

from dicomserver import certificates, tls
from dicomserver.certificates import describe, ensure_own, own_certificate, shown_by
from dicomserver.echo import echo
from dicomserver.listeners import tls_state
from dicomserver.models import Association, Outcome, RemoteAE
from dicomserver.server import DicomServer
from dicomserver.services import record_calls
from dicomserver.tls import CannotEncrypt, client_context
from dicomserver.words import explain
from imaging import spool
from tests.dicomserver.conftest import wait_for
from tests.dicomserver.keys import Pair, make_pair
from tests.dicomserver.peers import (
    CT,
    EXPLICIT,
    associate_request,
    associated,
    data_set_of,
    is_closed,
    sample,
    send,
    spooled,
)

pytestmark = pytest.mark.needs_tool("storescu", package="dcmtk")


@pytest.fixture(scope="session")
def pairs(tmp_path_factory) -> dict[str, Pair]:
    folder = tmp_path_factory.mktemp("keys")
    return {
        "ours": make_pair(folder, "ours"),
        "modality": make_pair(folder, "modality"),
        "stranger": make_pair(folder, "stranger"),
        "expired": make_pair(folder, "expired", valid_days=-1),
    }


@pytest.fixture
def ours(pairs, settings) -> Pair:
    """The clinic's own certificate, by its settings."""
    settings.DICOM_TLS_CERT, settings.DICOM_TLS_KEY = str(pairs["ours"].certificate), str(pairs["ours"].key)
    return pairs["ours"]


@pytest.fixture
def mutual(pairs, settings) -> None:
    """Who calls has to show the modality's certificate."""
    settings.DICOM_TLS_CLIENT_CA = str(pairs["modality"].certificate)


@pytest.fixture
def tls_server(ours, data_folder) -> Iterator[DicomServer]:
    """In this process; without its background thread, so that calls wait in its log."""
    server = DicomServer("127.0.0.1", 0, tls_port=0)
    server.listeners.start()
    yield server
    server.listeners.shutdown()
    for association in server.listeners.associations:
        association.abort()


def dcmtk(program: str, port: int, *options: str | Path) -> int:
    command = [program, "-aet", "MODALITY", "-aec", "CEDAR", "-to", "5", "127.0.0.1", str(port), *options]
    return subprocess.run([str(word) for word in command], capture_output=True, timeout=60).returncode


def failures(server: DicomServer) -> list[str]:
    return [call.problem for call in server.call_log._notes if call.outcome == Outcome.NOT_ENCRYPTED]


# --- DCMTK calls us ---------------------------------------------------------------------------------
def test_what_comes_encrypted_ends_like_what_comes_plain(tls_server, way, ours):
    images = [["CT_small.dcm"], ["MR_small_RLE.dcm", "-xr"], ["examples_overlay.dcm"]]
    came = {}

    for kind, port, options in (
        ("plain", tls_server.port, []),
        ("encrypted", tls_server.tls_port, ["+tla", "+cf", ours.certificate]),
    ):
        codes = [dcmtk("storescu", port, *options, *more, sample(name)) for name, *more in images]
        came[kind] = (codes, spooled())
        for path in spool.waiting():
            path.unlink()

    assert came["encrypted"] == came["plain"]
    assert (came["plain"][0], len(came["plain"][1])) == ([0, 0, 0], 3)
    assert [call.is_encrypted for call in tls_server.call_log._notes if call.outcome] == [False] * 3 + [
        True
    ] * 3


def test_a_large_object_comes_whole_through_encryption(tls_server, way, ours, tmp_path):
    """Larger than every buffer on the way, in PDUs that are larger than a TLS record."""
    context = client_context(ours.pem)
    image = pydicom.dcmread(sample("CT_small.dcm"))
    image.Rows, image.Columns, image.PixelData = 2000, 2000, bytes(range(250)) * 32_000
    image.save_as(tmp_path / "large.dcm")

    with associated(tls_server.tls_port, (CT, EXPLICIT), tls_args=(context, None)) as association:
        answers = [association.send_c_store(tmp_path / "large.dcm").Status for _ in range(3)]

    assert answers == [0x0000] * 3
    assert spooled() == [data_set_of(tmp_path / "large.dcm")] * 3


@pytest.mark.parametrize("program", ["echoscu", "findscu"])
def test_echoscu_and_findscu(program, ours, clinic_server_with_tls):
    options = ["-W", "-k", "PatientName"] if program == "findscu" else []

    code = dcmtk(program, clinic_server_with_tls.tls_port, "+tla", "+cf", ours.certificate, *options)

    assert code == 0


@pytest.fixture
def clinic_server_with_tls(ours, data_folder, transactional_db) -> Iterator[DicomServer]:
    RemoteAE.objects.create(ae_title="MODALITY", state="accepted")
    server = DicomServer("127.0.0.1", 0, tls_port=0)
    server.policy.refresh()
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("shown", "code"), [("modality", 0), ("stranger", 1), (None, 1)], ids=["known", "unknown", "anonymous"]
)
def test_with_mutual_tls_only_known_certificates_are_let_in(pairs, ours, mutual, tls_server, shown, code):
    options = ["+tls", pairs[shown].key, pairs[shown].certificate] if shown else ["+tla"]
    trust = ["+cf", ours.certificate]

    found = dcmtk("storescu", tls_server.tls_port, *options, *trust, sample("CT_small.dcm"))

    assert (min(found, 1), len(spooled())) == (code, 1 - code)


def test_a_device_that_does_not_trust_us_is_named_in_the_log(pairs, tls_server):
    code = dcmtk("echoscu", tls_server.tls_port, "+tla", "+cf", pairs["stranger"].certificate)

    assert code != 0
    wait_for(lambda: failures(tls_server))
    assert failures(tls_server) == [tls.FAILURES["ALERT"]]


# --- what is no handshake ---------------------------------------------------------------------------
def test_handshakes_that_hang_stop_nobody(tls_server, settings):
    settings.DICOM_ARTIM_SECONDS = 1
    silent = [socket.create_connection(("127.0.0.1", tls_server.tls_port)) for _ in range(9)]
    silent[0].sendall(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a ClientHello
    wait_for(lambda: tls_server.listeners.tls.greeting() == 9)

    answers = [answer.Status for answer in send(tls_server.port, sample("CT_small.dcm"))]
    waiting = tls_server.listeners.tls.greeting()
    wait_for(lambda: not tls_server.listeners.tls.greeting())

    assert (answers, waiting) == ([0x0000], 9)
    assert set(failures(tls_server)) == {tls.FAILURES["TIMED_OUT"]}
    for connection in silent:
        connection.close()


def test_hanging_handshakes_from_everywhere_give_way_to_a_modality(tls_server, settings):
    settings.DICOM_MAX_ASSOCIATIONS = 2  # eight connections at most
    silent = [
        socket.create_connection(("127.0.0.1", tls_server.tls_port), source_address=(f"127.0.0.{number}", 0))
        for number in range(2, 10)
    ]
    wait_for(lambda: tls_server.listeners.tls.greeting() == 8)

    answers = [answer.Status for answer in send(tls_server.port, sample("CT_small.dcm"))]

    assert answers == [0x0000]
    wait_for(lambda: tls_server.listeners.tls.greeting() == 7)
    for connection in silent:
        connection.close()


def test_the_limit_for_an_address_counts_handshakes(tls_server):
    """Of thirty silent connections ten are kept, on both ports together."""
    first = [socket.create_connection(("127.0.0.1", tls_server.port)) for _ in range(4)]
    wait_for(lambda: len(tls_server.listeners.associations) == 4)
    more = [socket.create_connection(("127.0.0.1", tls_server.tls_port)) for _ in range(26)]
    dropped = 0
    for connection in more:
        connection.settimeout(0.1)
        try:
            dropped += connection.recv(1) == b""
        except TimeoutError:
            pass
        except ConnectionResetError:
            dropped += 1

    assert (dropped, tls_server.listeners.tls.greeting()) == (20, 6)
    for connection in [*first, *more]:
        connection.close()


def test_a_plain_call_on_the_encrypted_port_ends_at_once_and_is_explained(tls_server, transactional_db):
    with socket.create_connection(("127.0.0.1", tls_server.tls_port), timeout=10) as connection:
        connection.sendall(associate_request([(CT, [EXPLICIT])], "MODALITY"))
        ended = is_closed(connection)
    wait_for(lambda: failures(tls_server))

    record_calls([*tls_server.call_log._notes] * 2)

    row = Association.objects.get()
    assert (ended, row.times, row.is_rejection) == (True, 2, True)
    assert explain(row) == (
        "Somebody at 127.0.0.1 called the encrypted port. "
        "It spoke without encryption. Enter the other port in the device, or switch on its encryption (TLS)."
    )


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_outdated_encryption_is_refused(tls_server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1

    with (
        socket.create_connection(("127.0.0.1", tls_server.tls_port), timeout=10) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain)

    wait_for(lambda: failures(tls_server))
    assert failures(tls_server) == [tls.FAILURES["UNSUPPORTED_PROTOCOL"]]


# --- our certificate --------------------------------------------------------------------------------
def test_a_certificate_is_made_once_and_its_key_is_secret(data_folder, monkeypatch):
    monkeypatch.setattr(certificates, "_KEY_BITS", 2048)

    certificate, key = ensure_own()
    made = certificate.read_bytes()
    again = ensure_own()

    assert (again, certificate.read_bytes()) == ((certificate, key), made)
    assert [path.stat().st_mode & 0o777 for path in (certificate, key)] == [0o600, 0o600]
    assert own_certificate().subject.startswith("OU=CEDAR,CN=")
    assert not own_certificate().expires_soon


def test_what_is_shown_is_what_the_page_says(tls_server):
    assert shown_by("127.0.0.1", tls_server.tls_port, 10).fingerprint == own_certificate().fingerprint


def test_a_renewed_certificate_is_shown_without_a_restart(pairs, settings, tmp_path):
    for name in ("certificate", "key"):
        shutil.copy(getattr(pairs["ours"], name), tmp_path / name)
    settings.DICOM_TLS_CERT, settings.DICOM_TLS_KEY = str(tmp_path / "certificate"), str(tmp_path / "key")
    server = DicomServer("127.0.0.1", 0, tls_port=0)
    server.listeners.start()
    try:
        for name in ("certificate", "key"):
            shutil.copy(getattr(pairs["stranger"], name), tmp_path / name)
        server.listeners.mend_tls()
        shown = shown_by("127.0.0.1", server.tls_port, 10)
    finally:
        server.listeners.shutdown()

    assert shown.fingerprint == describe(pairs["stranger"].pem).fingerprint


def test_without_a_certificate_the_plain_port_serves_and_the_page_says_why(ours, settings, pairs):
    settings.DICOM_TLS_KEY = str(pairs["stranger"].key)
    server = DicomServer("127.0.0.1", 0, tls_port=0)
    server.listeners.start()
    try:
        (answer,) = send(server.port, sample("CT_small.dcm"))
        before = tls_state()
        settings.DICOM_TLS_KEY = str(pairs["ours"].key)
        server.listeners.mend_tls()
        after = tls_state()
        with associated(server.tls_port, (CT, EXPLICIT), tls_args=(client_context(ours.pem), None)) as there:
            is_established = there.is_established
    finally:
        server.listeners.shutdown()

    assert (answer.Status, before["tls_port"]) == (0x0000, 0)
    assert before["problem"][:61] == "The certificate ours.crt with the key stranger.key cannot be "
    assert (after, is_established) == ({"tls_port": server.tls_port, "problem": ""}, True)


# --- we call others ---------------------------------------------------------------------------------
@pytest.fixture
def device(pairs) -> Iterator[int]:
    """A device that takes calls on an encrypted port only, and asks for our certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pairs["modality"].certificate, pairs["modality"].key)
    context.load_verify_locations(pairs["ours"].certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    ae = AE(ae_title="XR1")
    ae.add_supported_context(Verification)
    server = ae.start_server(("127.0.0.1", 0), block=False, ssl_context=context)
    yield server.socket.getsockname()[1]
    server.shutdown()


def node_at(port: int, trusted: str, *, uses_tls: bool = True) -> RemoteAE:
    return RemoteAE(
        ae_title="XR1", host="127.0.0.1", port=port, uses_tls=uses_tls, trusted_certificate=trusted
    )


def test_a_device_is_called_encrypted_and_known_by_its_certificate(pairs, ours, device):
    result = echo(node_at(device, pairs["modality"].pem))

    assert (result.is_success, result.text) == (True, f"XR1 at 127.0.0.1 port {device} answers.")


def test_somebody_else_in_its_place_gets_nothing(pairs, ours, device):
    result = echo(node_at(device, pairs["stranger"].pem))

    assert result.text == (
        "XR1 shows another certificate than the one that is trusted; it may be somebody else."
    )


def test_a_device_that_does_not_trust_our_certificate(pairs, settings, device):
    stranger = pairs["stranger"]
    settings.DICOM_TLS_CERT, settings.DICOM_TLS_KEY = str(stranger.certificate), str(stranger.key)

    result = echo(node_at(device, pairs["modality"].pem))

    assert result.text == (
        "XR1 broke off the encrypted connection. It may not trust our certificate: load it there from the "
        "page of devices."
    )


def test_a_plain_call_to_an_encrypted_port_says_so(device, ours):
    result = echo(node_at(device, "", uses_tls=False))

    assert result.text == (
        f"Somebody at 127.0.0.1 port {device} takes the call but does not answer it. Is it the port for "
        "DICOM, and does it want encryption (TLS)?"
    )


def test_an_encrypted_call_to_a_plain_port_says_so(server, pairs, ours):
    result = echo(node_at(server.port, pairs["modality"].pem))

    assert result.text == f"127.0.0.1 port {server.port} broke off while the encryption was agreed upon." or (
        result.text == f"127.0.0.1 port {server.port} speaks no encryption that we accept (TLS 1.2 or newer)."
    )


def test_without_a_certificate_to_know_it_by_nobody_is_called(ours):
    with pytest.raises(CannotEncrypt):
        client_context("")
    assert echo(node_at(1, "")).text == "XR1: No certificate is entered by which to know the device."


def test_an_expired_certificate_is_said(pairs, ours):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pairs["expired"].certificate, pairs["expired"].key)
    ae = AE(ae_title="XR1")
    ae.add_supported_context(Verification, [JPEGBaseline8Bit])
    server = ae.start_server(("127.0.0.1", 0), block=False, ssl_context=context)
    try:
        result = echo(node_at(server.socket.getsockname()[1], pairs["expired"].pem))
    finally:
        server.shutdown()

    assert result.text == ("The certificate of XR1 is not valid today. Renew it there, or check the clocks.")
