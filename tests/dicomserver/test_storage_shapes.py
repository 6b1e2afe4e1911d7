"""C-STORE requests put together as the standard allows, and as it does not; both ways of receiving."""

import time
from pathlib import Path

import pytest

from imaging import spool
from tests.dicomserver.conftest import wait_for
from tests.dicomserver.peers import (
    CT,
    EXPLICIT,
    IMPLICIT,
    VERIFICATION,
    RawPeer,
    associated,
    ct_data_set,
    meta_of,
    p_data,
    pdv,
    sample,
    send,
    spooled,
    store_command,
)

pytestmark = pytest.mark.usefixtures("way")


def shapes() -> dict[str, list[bytes]]:
    """The same request as writers of all kinds may send it."""
    command, data = store_command(), ct_data_set()
    third = len(data) // 3
    return {
        "command and data in one PDU": [p_data(pdv(command, command=True), pdv(data))],
        "command in two fragments": [
            p_data(pdv(command[:20], command=True, last=False)),
            p_data(pdv(command[20:], command=True)),
            p_data(pdv(data)),
        ],
        "data in three fragments of one PDU": [
            p_data(pdv(command, command=True)),
            p_data(
                pdv(data[:third], last=False),
                pdv(data[third : 2 * third], last=False),
                pdv(data[2 * third :]),
            ),
        ],
        "an empty last fragment": [
            p_data(pdv(command, command=True)),
            p_data(pdv(data, last=False)),
            p_data(pdv(b"")),
        ],
        "a byte a fragment": [
            p_data(pdv(command, command=True)),
            *[p_data(pdv(data[n : n + 1], last=n == len(data) - 1)) for n in range(len(data))],
        ],
        "more than was agreed in one PDU": [
            p_data(pdv(command, command=True)),
            p_data(pdv(ct_data_set(filler=100_000))),
        ],
    }


@pytest.mark.parametrize("shape", list(shapes()))
def test_every_shape_of_request_is_understood(server, shape):
    pdus = shapes()[shape]
    peer = RawPeer(server.port)

    peer.socket.sendall(b"".join(pdus))
    response = peer.read_response()

    expected = ct_data_set(filler=100_000) if shape == "more than was agreed in one PDU" else ct_data_set()
    assert spooled() == [expected]
    assert (response[0x0002], response[0x0100], response[0x0120], response[0x0900], response[0x1000]) == (
        CT.encode() + b"\0",
        b"\x01\x80",
        b"\x01\x00",
        b"\x00\x00",
        b"1.2.3\0",
    )
    assert peer.release() == 0x06


def test_requests_sent_ahead_are_all_answered(server):
    peer = RawPeer(server.port, (CT, [EXPLICIT]), (VERIFICATION, [IMPLICIT]))
    requests = [
        p_data(pdv(store_command(f"1.2.{n}", message_id=n), command=True))
        + p_data(pdv(ct_data_set(f"1.2.{n}")))
        for n in range(1, 6)
    ]

    peer.socket.sendall(b"".join(requests))
    answered = {int.from_bytes(peer.read_response()[0x0120], "little") for _ in requests}

    assert (answered, len(spooled())) == ({1, 2, 3, 4, 5}, 5)


def test_an_echo_between_two_images(server):
    path = sample("CT_small.dcm")
    meta = meta_of(path)
    contexts = [(VERIFICATION, IMPLICIT), (str(meta.MediaStorageSOPClassUID), str(meta.TransferSyntaxUID))]

    with associated(server.port, *contexts) as association:
        statuses = [
            association.send_c_store(path).Status,
            association.send_c_echo().Status,
            association.send_c_store(path).Status,
        ]

    assert (statuses, len(spooled())) == ([0, 0, 0], 2)


def test_a_release_right_behind_the_last_image_is_answered_at_once(server):
    peer = RawPeer(server.port)
    peer.socket.sendall(p_data(pdv(store_command(), command=True)) + p_data(pdv(ct_data_set())))
    peer.read_status()
    peer.socket.settimeout(5)

    assert peer.release() == 0x06


@pytest.mark.parametrize(
    "broken",
    [
        b"\x09\x00\x00\x00\x00\x04rest",
        p_data(b"\x00\x00\xff\xff\x01\x00rest"),
        p_data(b"\x00\x00\x00\x01\x01\x00"),
        b"\x04\x00\xff\xff\xff\xff" + b"x" * 100,
    ],
    ids=["unknown PDU", "fragment longer than its PDU", "fragment of one byte", "PDU of 4 GB"],
)
def test_nonsense_within_an_object_ends_the_association_and_leaves_nothing(server, data_folder, broken):
    peer = RawPeer(server.port)

    peer.socket.sendall(
        p_data(pdv(store_command(), command=True)) + p_data(pdv(ct_data_set()[:50], last=False)) + broken
    )
    kind, _body = peer.read_pdu()
    peer.close()

    assert kind in (0x07, 0)
    wait_for(lambda: not server.listeners.associations)
    assert spool.waiting() == []
    assert list(Path(spool.settings.SPOOL_DIR).iterdir()) == []


@pytest.mark.parametrize("ending", ["close", "abort", "release"])
def test_a_connection_that_ends_within_an_object_leaves_nothing(server, ending):
    peer = RawPeer(server.port)
    peer.socket.sendall(p_data(pdv(store_command(), command=True)))
    peer.socket.sendall(p_data(pdv(ct_data_set()[:50], last=False)))
    time.sleep(0.1)

    if ending == "abort":
        peer.socket.sendall(b"\x07\x00\x00\x00\x00\x04" + bytes(4))
    elif ending == "release":
        assert peer.release() == 0x06
    peer.close()

    wait_for(lambda: not server.listeners.associations)
    assert list(Path(spool.settings.SPOOL_DIR).iterdir()) == []
    assert send(server.port, sample("CT_small.dcm"))[0].Status == 0x0000
