"""C-STORE through real associations; every test runs through both ways of receiving."""

import errno
import os
import subprocess
import zlib
from pathlib import Path

import pytest
from pydicom import dcmread
from pynetdicom.sop_class import uid_to_service_class

from dicomserver.contexts import STORAGE_CLASSES, STORAGE_TRANSFER_SYNTAXES
from imaging import spool
from tests.dicomserver.conftest import wait_for
from tests.dicomserver.peers import (
    CT,
    EXPLICIT,
    IMPLICIT,
    RawPeer,
    associated,
    ct_data_set,
    data_set_of,
    meta_of,
    p_data,
    pdv,
    sample,
    send,
    spooled,
    store_command,
)

pytestmark = pytest.mark.usefixtures("way")

SAMPLES = [
    "MR_small_implicit.dcm",
    "CT_small.dcm",
    "MR_small_bigendian.dcm",
    "image_dfl.dcm",
    "MR_small_RLE.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "JPGExtended.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "JPEGLSNearLossless_16.dcm",
    "MR_small_jp2klossless.dcm",
    "JPEG2000.dcm",
    "examples_overlay.dcm",
    "waveform_ecg.dcm",
    "test-SR.dcm",
    "rtdose_rle.dcm",
]


# --- bytes ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", SAMPLES)
def test_the_data_set_is_kept_byte_for_byte(server, name):
    path = sample(name)

    (answer,) = send(server.port, path)

    assert (answer.Status, spooled()) == (0x0000, [data_set_of(path)])


def test_the_file_says_how_the_object_came(server):
    path = sample("CT_small.dcm")

    send(server.port, path)

    envelope = spool.read_envelope(*spool.waiting())
    meta = meta_of(path)
    assert (envelope.sop_class_uid, envelope.sop_instance_uid, envelope.transfer_syntax_uid) == (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
        meta.TransferSyntaxUID,
    )
    assert (envelope.calling_ae_title, envelope.called_ae_title, envelope.address) == (
        "MODALITY",
        "CEDAR",
        "127.0.0.1",
    )


def test_a_large_object_is_kept_byte_for_byte(server):
    peer = RawPeer(server.port)
    data_set = ct_data_set(filler=6_000_000)

    peer.socket.sendall(p_data(pdv(store_command(), command=True)))
    for start in range(0, len(data_set), 100_001):
        piece = data_set[start : start + 100_001]
        peer.socket.sendall(p_data(pdv(piece, last=start + 100_001 >= len(data_set))))

    assert (peer.read_status(), spooled()) == (0x0000, [data_set])


def test_many_objects_on_one_association(server):
    paths = [sample("CT_small.dcm"), sample("MR_small_RLE.dcm")] * 30

    answers = send(server.port, *paths)

    assert [answer.Status for answer in answers] == [0x0000] * 60
    assert spooled() == [data_set_of(path) for path in paths]
    assert server._calls == {}


def test_the_same_object_twice_is_twice_in_the_spool(server):
    path = sample("CT_small.dcm")

    send(server.port, path)
    send(server.port, path)

    assert spooled() == [data_set_of(path)] * 2


def test_uids_of_the_peer_are_never_in_a_path(server, data_folder):
    peer = RawPeer(server.port)

    peer.socket.sendall(
        p_data(pdv(store_command("../../x"), command=True)) + p_data(pdv(ct_data_set("../../x")))
    )
    status = peer.read_status()

    assert (status, len(spool.waiting())) == (0x0000, 1)
    assert [path for path in data_folder.parent.rglob("x*") if path.name == "x"] == []
    assert spool.read_envelope(*spool.waiting()).sop_instance_uid == "../../x"


# --- refusals ---------------------------------------------------------------------------------------
def raw_answer(server, command: bytes, data_set: bytes, syntax: str = EXPLICIT) -> tuple[int, str]:
    peer = RawPeer(server.port, (CT, [syntax]))
    peer.socket.sendall(p_data(pdv(command, command=True)) + p_data(pdv(data_set)))
    response = peer.read_response()
    peer.close()
    return int.from_bytes(response[0x0900], "little"), response.get(0x0902, b"").decode().strip()


def test_a_data_set_of_another_class_is_refused(server):
    other = "1.2.840.10008.5.1.4.1.1.4"

    answer = raw_answer(server, store_command(), ct_data_set(sop_class_uid=other))

    assert answer == (0xA900, "SOP Class UID differs from that of the request")
    assert list(Path(spool.settings.SPOOL_DIR).iterdir()) == []


def test_a_data_set_of_another_instance_is_refused(server):
    answer = raw_answer(server, store_command("1.2.3"), ct_data_set("1.2.4"))

    assert (answer, spool.waiting()) == ((0xA900, "SOP Instance UID differs from that of the request"), [])


@pytest.mark.parametrize(
    ("syntax", "data_set"),
    [
        (EXPLICIT, b"x"),
        (EXPLICIT, bytes(64)),
        (IMPLICIT, b"\xff" * 64),
        (EXPLICIT, zlib.compress(b"no data set")),
        ("1.2.840.10008.1.2.1.99", b"\xff" * 64),
    ],
)
def test_what_is_no_data_set_is_refused(server, syntax, data_set):
    status, comment = raw_answer(server, store_command(), data_set, syntax)

    assert (status, comment[:15], spool.waiting()) == (0xC000, "Cannot be read:", [])


def test_a_deflated_object_is_looked_at_without_inflating_it_all(server):
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    data_set = ct_data_set(filler=50) + bytes(200_000_000)
    deflated = bomb.compress(data_set) + bomb.flush()

    status, _comment = raw_answer(server, store_command(), deflated, "1.2.840.10008.1.2.1.99")

    assert (status, spooled()) == (0x0000, [deflated])


def test_below_the_reserve_it_says_out_of_resources_and_recovers_by_itself(server, settings):
    path = sample("CT_small.dcm")
    settings.DISK_RESERVE_BYTES = 10**18
    (refused,) = send(server.port, path)
    settings.DISK_RESERVE_BYTES = 0

    (stored,) = send(server.port, path)

    assert (refused.Status, refused.ErrorComment) == (0xA700, "The archive's disk is full")
    assert (stored.Status, spooled()) == (0x0000, [data_set_of(path)])


def test_a_disk_that_fills_up_while_it_arrives(server, monkeypatch):
    def no_room(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spool.SpoolFile, "write_all", no_room)

    (refused,) = send(server.port, sample("CT_small.dcm"))

    assert refused.Status == 0xA700
    assert list(Path(spool.settings.SPOOL_DIR).iterdir()) == []


def test_a_disk_that_cannot_flush_is_never_a_success(server, monkeypatch):
    def broken(_fd):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)

    (refused,) = send(server.port, sample("CT_small.dcm"))

    assert (refused.Status, spool.waiting()) == (0xC001, [])


def test_the_answer_comes_only_after_the_folder_is_flushed(server, monkeypatch):
    """The peer has no answer yet when the folder is flushed, and the file is there under its final name."""
    seen = []
    peer = RawPeer(server.port)
    peer.socket.setblocking(False)

    def look(folder):
        try:
            seen.append(peer.socket.recv(1))
        except BlockingIOError:
            seen.append(len(spool.waiting()))
        real_flush(folder)

    real_flush = spool.flush_folder
    monkeypatch.setattr(spool, "flush_folder", look)

    peer.socket.sendall(p_data(pdv(store_command(), command=True)) + p_data(pdv(ct_data_set())))
    wait_for(lambda: seen)
    peer.socket.setblocking(True)

    assert (peer.read_status(), seen) == (0x0000, [1])


# --- DCMTK ------------------------------------------------------------------------------------------
@pytest.mark.needs_tool("storescu", package="dcmtk")
@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("-xi", "MR_small_implicit.dcm"),
        ("-xe", "CT_small.dcm"),
        ("-xb", "MR_small_bigendian.dcm"),
        ("-xd", "image_dfl.dcm"),
        ("-xr", "MR_small_RLE.dcm"),
        ("-xy", "SC_rgb_small_odd_jpeg.dcm"),
        ("-xx", "JPGExtended.dcm"),
        ("-xs", "SC_rgb_jpeg_gdcm.dcm"),
        ("-xt", "MR_small_jpeg_ls_lossless.dcm"),
        ("-xu", "JPEGLSNearLossless_16.dcm"),
        ("-xv", "MR_small_jp2klossless.dcm"),
        ("-xw", "JPEG2000.dcm"),
    ],
)
def test_storescu_sends_all_its_transfer_syntaxes(server, option, name):
    path = sample(name)

    result = subprocess.run(
        [
            "storescu",
            option,
            "-aet",
            "MODALITY",
            "-aec",
            "CEDAR",
            "127.0.0.1",
            str(server.port),
            path,
        ],
        capture_output=True,
        text=True,
    )

    assert result.returncode == 0, result.stderr
    envelope = spool.read_envelope(*spool.waiting())
    assert envelope.transfer_syntax_uid == meta_of(path).TransferSyntaxUID
    # DCMTK writes lengths anew and leaves out padding; the pixels come as they are.
    assert dcmread(*spool.waiting()).PixelData == dcmread(path).PixelData


# --- what is offered --------------------------------------------------------------------------------
def test_every_storage_class_and_syntax_is_accepted(server):
    classes = sorted(STORAGE_CLASSES)
    accepted = set()
    for start in range(0, len(classes), 120):
        wanted = [(name, EXPLICIT) for name in classes[start : start + 120]]
        with associated(server.port, *wanted) as association:
            accepted |= {str(context.abstract_syntax) for context in association.accepted_contexts}
    with associated(server.port, *[(CT, syntax) for syntax in STORAGE_TRANSFER_SYNTAXES]) as association:
        syntaxes = {str(context.transfer_syntax[0]) for context in association.accepted_contexts}

    assert accepted == set(classes)
    assert syntaxes == set(STORAGE_TRANSFER_SYNTAXES)
    assert {uid_to_service_class(name).__name__ for name in classes} == {"StorageServiceClass"}


def test_of_several_syntaxes_offered_none_that_loses_detail_is_chosen(server):
    peer_offers = ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70", EXPLICIT]

    with associated(server.port, (CT, peer_offers)) as association:
        chosen = [str(context.transfer_syntax[0]) for context in association.accepted_contexts]

    assert chosen == [EXPLICIT]
