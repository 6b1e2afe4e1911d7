"""Peers that are broken, slow or ill-willed cost nothing but their own connection; both ways of receiving."""

import contextlib
import random
import socket
import struct
from pathlib import Path

import pytest

from dicomserver import fast_receive
from imaging import spool
from tests.dicomserver.conftest import NO_DATABASE, wait_for
from tests.dicomserver.peers import (
    CT,
    EXPLICIT,
    IMPLICIT,
    VERIFICATION,
    RawPeer,
    associate_request,
    associated,
    ct_data_set,
    element,
    is_closed,
    p_data,
    pdv,
    sample,
    send,
    spooled,
    store_command,
)
from tests.dicomserver.small_disk import OnSmallDisk

pytestmark = [
    pytest.mark.usefixtures("way"),
    # pynetdicom ends a connection that it cannot understand by letting its thread die.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]


def still_stores(server) -> bool:
    before = len(spool.waiting())
    (answer,) = send(server.port, sample("CT_small.dcm"))
    return (answer.Status, len(spool.waiting()) - before) == (0x0000, 1)


# --- time -------------------------------------------------------------------------------------------
@pytest.fixture
def impatient(settings):
    settings.DICOM_ARTIM_SECONDS = settings.DICOM_IDLE_SECONDS = 1


@pytest.mark.parametrize(
    "beginning",
    [b"", b"\x01\x00", associate_request([(CT, [EXPLICIT])], "MODALITY")[:100]],
    ids=["silence", "half a header", "half a request"],
)
def test_who_never_finishes_the_request_is_dropped(impatient, server, beginning):
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as connection:
        connection.sendall(beginning)

        assert is_closed(connection)
    wait_for(lambda: not server.listeners.associations)
    assert still_stores(server)


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"\x04\x00\x00",
        p_data(pdv(store_command(), command=True)),
        p_data(pdv(store_command(), command=True)) + p_data(pdv(ct_data_set()[:40], last=False))[:-10],
    ],
    ids=["idle", "half a header", "a request without its object", "half an object"],
)
def test_who_stalls_within_an_association_is_dropped(impatient, server, beginning):
    peer = RawPeer(server.port)
    peer.socket.settimeout(15)
    peer.socket.sendall(beginning)

    assert is_closed(peer.socket)
    wait_for(lambda: not server.listeners.associations)
    assert (still_stores(server), len(spooled())) == (True, 1)


def test_idle_sockets_and_endless_pdus_do_not_take_a_modalitys_place(impatient, server, settings):
    """A hundred connections from ten addresses, silent or announcing 4 GB, while a modality stores."""
    settings.DICOM_MAX_ASSOCIATIONS = 5
    elsewhere = [(f"127.0.0.{number}", 0) for number in range(2, 12)]
    hostile = [
        socket.create_connection(("127.0.0.1", server.port), source_address=elsewhere[number % 10])
        for number in range(100)
    ]
    for connection in hostile[50:]:
        with contextlib.suppress(OSError):  # given up already
            connection.sendall(struct.pack(">BxI", 0x01, 0xFFFFFFF0) + b"x" * 100)

    assert still_stores(server)
    wait_for(lambda: not server.listeners.associations)
    assert still_stores(server)
    for connection in hostile:
        connection.close()


# --- size -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [0x01, 0x04, 0x05])
def test_a_pdu_of_4_gb_is_not_swallowed(server, kind):
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(struct.pack(">BxI", kind, 0xFFFFFFF0) + b"x" * 1000)

        assert is_closed(connection)
    assert still_stores(server)


def test_a_command_without_an_end_is_not_swallowed(server):
    peer = RawPeer(server.port)
    fragment = p_data(pdv(bytes(10_000), command=True, last=False))

    sent = 0
    try:
        for sent in range(5000):  # noqa: B007
            peer.socket.sendall(fragment)
    except OSError:
        pass

    assert sent < 4999
    assert still_stores(server)


def test_requests_without_waiting_for_answers_are_not_piled_up(server):
    peer = RawPeer(server.port, (VERIFICATION, [IMPLICIT]))
    body = b"".join(
        [
            element(0x0002, b"1.2.840.10008.1.1\0"),
            element(0x0100, b"\x30\x00"),
            element(0x0110, b"\x01\x00"),
            element(0x0800, b"\x01\x01"),
        ]
    )
    echo = p_data(pdv(element(0x0000, struct.pack("<I", len(body))) + body, command=True))
    peer.socket.settimeout(3)

    sent = 0
    try:
        for _ in range(20_000):
            peer.socket.sendall(echo * 10)
            sent += 10
    except OSError:
        pass
    peer.close()

    assert sent < 200_000
    assert still_stores(server)


# --- nonsense ---------------------------------------------------------------------------------------
def test_a_connection_cut_anywhere_leaves_a_whole_object_or_none(server):
    whole = p_data(pdv(store_command(), command=True)) + p_data(pdv(ct_data_set()[:300], last=False))
    whole += p_data(pdv(ct_data_set()[300:]))
    seed = random.randrange(10**6)
    print("seed", seed)
    cuts = random.Random(seed).sample(range(1, len(whole)), 50)

    for cut in cuts:
        peer = RawPeer(server.port)
        peer.socket.sendall(whole[:cut])
        peer.close()
    wait_for(lambda: not server.listeners.associations)

    assert [path for path in Path(spool.settings.SPOOL_DIR).iterdir() if path.suffix != ".dcm"] == []
    assert spooled() == []
    assert still_stores(server)


def test_mutated_pdus_harm_nobody(server):
    valid = p_data(pdv(store_command(), command=True)) + p_data(pdv(ct_data_set()))
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)

    for _ in range(60):
        mutated = bytearray(valid)
        for _ in range(chance.randint(1, 6)):
            mutated[chance.randrange(len(mutated))] = chance.randrange(256)
        peer = RawPeer(server.port)
        peer.socket.sendall(mutated + b"\x07\x00\x00\x00\x00\x04" + bytes(4))
        peer.close()

    wait_for(lambda: not server.listeners.associations)
    assert [path for path in Path(spool.settings.SPOOL_DIR).iterdir() if path.suffix != ".dcm"] == []
    assert still_stores(server)


@pytest.mark.parametrize(
    "command",
    [
        store_command("1." * 2500 + "1"),
        store_command(""),
        store_command("1.2.\x01"),
        store_command(sop_class_uid="1.2.3.4.5"),
        store_command()[:40],
        b"",
        b"\xff" * 200,
    ],
    ids=[
        "5000 letters",
        "no UID",
        "control letters",
        "another class",
        "cut",
        "empty",
        "noise",
    ],
)
def test_a_command_that_makes_no_sense_is_never_a_success(server, command):
    peer = RawPeer(server.port)
    peer.socket.settimeout(3)
    peer.socket.sendall(p_data(pdv(command, command=True)) + p_data(pdv(ct_data_set())))
    try:
        kind, body = peer.read_pdu()
    except TimeoutError:
        kind, body = 0, b""
    peer.close()

    assert kind != 0x04 or b"\x00\x09\x02\x00\x00\x00\x00\x00" not in body
    assert spooled() == []
    assert still_stores(server)


def test_a_peer_that_does_not_read_its_answers(server, settings):
    settings.DICOM_IDLE_SECONDS = 2
    peer = RawPeer(server.port)
    request = p_data(pdv(store_command(), command=True)) + p_data(pdv(ct_data_set(filler=1)))
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for _ in range(200):
        peer.socket.sendall(request)

    (answer,) = send(server.port, sample("CT_small.dcm"))
    peer.close()

    assert answer.Status == 0x0000
    wait_for(lambda: not server.listeners.associations)


# --- the fenced loop --------------------------------------------------------------------------------
def test_the_fast_way_is_taken_where_it_is_switched_on(server, way, monkeypatch):
    taken = []
    real = fast_receive.FastSocket._take_store
    monkeypatch.setattr(
        fast_receive.FastSocket,
        "_take_store",
        lambda self, command: taken.append(command) or real(self, command),
    )

    send(server.port, *[sample("CT_small.dcm")] * 5)

    assert len(taken) == (5 if way == "fast" else 0)


def test_a_class_that_was_not_negotiated_is_not_taken(server):
    with associated(server.port, (VERIFICATION, IMPLICIT)) as association:
        with pytest.raises(ValueError, match="context"):
            association.send_c_store(sample("CT_small.dcm"))
        assert association.send_c_echo().Status == 0x0000

    assert spooled() == []


# --- a full disk ------------------------------------------------------------------------------------
def test_a_full_disk_says_so_and_takes_images_again_when_there_is_room(data_folder, way):
    fast = "1" if way == "fast" else "0"
    environment = {"DATABASE_URL": NO_DATABASE, "CEDAR_FAST_RECEIVE": fast, "CEDAR_DISK_RESERVE_MB": "1"}
    server = OnSmallDisk(data_folder, **environment)
    paths = [sample("examples_overlay.dcm")] * 12
    try:
        answers = [answer.Status for answer in send(server.port, *paths)]
        stored = sorted(server.spool.iterdir())
        parts = [path for path in stored if path.suffix != ".dcm"]
        for path in stored:
            path.unlink()
        again = [answer.Status for answer in send(server.port, *paths[:3])]
    finally:
        server.kill()

    successes = answers.count(0x0000)
    assert set(answers) == {0x0000, 0xA700}
    assert answers == sorted(answers), "nothing is taken once the disk is full"
    assert (len(stored), parts, again) == (successes, [], [0x0000] * 3)


@pytest.mark.parametrize("way", ["fast"], indirect=True)
def test_a_single_object_larger_than_the_disk(data_folder):
    """Not in the other way: there pynetdicom writes to a folder of its own first."""
    server = OnSmallDisk(data_folder, DATABASE_URL=NO_DATABASE)
    try:
        peer = RawPeer(server.port)
        peer.socket.sendall(p_data(pdv(store_command(), command=True)))
        peer.socket.sendall(p_data(pdv(ct_data_set(), last=False)))
        for number in range(200):
            peer.socket.sendall(p_data(pdv(bytes(50_000), last=number == 199)))
        status = peer.read_status()
        left = list(server.spool.iterdir())
        (answer,) = send(server.port, sample("CT_small.dcm"))
    finally:
        server.kill()

    assert (status, left, answer.Status) == (0xA700, [], 0x0000)
