"""``manage.py runscp`` as a process: without a database, killed, stopped, with peers of DCMTK."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pydicom
import pytest

from imaging import spool
from tests.dicomserver.conftest import NO_DATABASE, wait_for
from tests.dicomserver.peers import (
    CT,
    EXPLICIT,
    RawPeer,
    ct_data_set,
    p_data,
    pdv,
    sample,
    send,
    store_command,
)


@pytest.fixture
def process(start_process, way):
    """Without a database, in both ways of receiving."""
    return start_process(DATABASE_URL=NO_DATABASE, CEDAR_FAST_RECEIVE="1" if way == "fast" else "0")


def make_images(folder: Path, count: int) -> list[Path]:
    """CT images that differ in their SOP Instance UID."""
    folder.mkdir()
    image = pydicom.dcmread(sample("CT_small.dcm"))
    paths = []
    for number in range(count):
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.{number}"
        paths.append(folder / f"{number}.dcm")
        image.save_as(paths[-1])
    return paths


def spooled_uids() -> list[str]:
    return [spool.read_envelope(path).sop_instance_uid for path in spool.waiting()]


def test_it_receives_while_the_database_is_away(process):
    answers = send(process.port, *[sample("CT_small.dcm"), sample("MR_small_RLE.dcm")] * 5)

    assert [answer.Status for answer in answers] == [0x0000] * 10
    assert len(spool.waiting()) == 10
    assert wait_for(lambda: "the database is away" in process.log.read_text())


@pytest.mark.needs_tool("storescu", package="dcmtk")
def test_kill_9_in_a_push_of_200_loses_nothing_acknowledged(process, tmp_path):
    folder = tmp_path / "out"
    make_images(folder, 200)
    command = [
        "storescu",
        "-v",
        "-aet",
        "MODALITY",
        "-aec",
        "CEDAR",
        "+sd",
        "127.0.0.1",
        str(process.port),
        folder,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as sender:
        acknowledged, current = [], ""
        for line in sender.stdout:
            if "Sending file:" in line:
                current = Path(line.split("Sending file:")[1].strip()).stem
            if "Received Store Response (Success)" in line:
                acknowledged.append(f"1.2.826.0.1.{current}")
                if len(acknowledged) == 60:
                    process.kill()

    assert 60 <= len(acknowledged) < 200
    assert set(acknowledged) <= set(spooled_uids())
    assert len(spooled_uids()) - len(acknowledged) in (0, 1)


def test_after_a_kill_9_half_an_object_is_gone_and_it_receives_again(process):
    peer = RawPeer(process.port)
    peer.socket.sendall(p_data(pdv(store_command(), command=True)))
    peer.socket.sendall(p_data(pdv(ct_data_set(filler=50_000)[:60_000], last=False)))
    time.sleep(0.3)
    process.kill()

    process.start()
    left = [path for path in Path(spool.settings.SPOOL_DIR).iterdir() if path.suffix != ".dcm"]
    (answer,) = send(process.port, sample("CT_small.dcm"))

    assert (left, answer.Status, len(spool.waiting())) == ([], 0x0000, 1)


def test_term_lets_an_object_under_way_arrive(process):
    peer = RawPeer(process.port)
    data_set = ct_data_set(filler=1000)
    peer.socket.sendall(p_data(pdv(store_command(), command=True)))
    peer.socket.sendall(p_data(pdv(data_set[:500], last=False)))
    time.sleep(0.2)

    process.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    peer.socket.sendall(p_data(pdv(data_set[500:])))
    status = peer.read_status()
    peer.release()

    assert (status, process.process.wait(timeout=20)) == (0x0000, 0)
    assert spooled_uids() == ["1.2.3"]


def test_term_does_not_wait_for_a_peer_that_stalls(process):
    peer = RawPeer(process.port)
    peer.socket.sendall(p_data(pdv(store_command(), command=True)))
    peer.socket.sendall(p_data(pdv(ct_data_set()[:50], last=False)))

    assert process.terminate() == 0
    assert process.log.read_text().splitlines()[-1] == "DICOM server: stopped"


def test_a_port_in_use_is_said_in_one_sentence(start_process, data_folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        environment = {**os.environ, "CEDAR_DATA": str(data_folder), "DATABASE_URL": NO_DATABASE}
        result = subprocess.run(
            [sys.executable, "-m", "django", "runscp", "--port", str(port)],
            env={**environment, "DJANGO_SETTINGS_MODULE": "clinic.settings"},
            cwd=spool.settings.BASE_DIR,
            capture_output=True,
            text=True,
        )

    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        f"CommandError: The DICOM server cannot listen on 127.0.0.1 port {port}: Address already in use. "
        "Choose another port with --dicom-port, or stop what uses this one."
    )


def test_memory_and_descriptors_stay_bounded(process):
    """After a warm-up, many associations and objects of all endings leave nothing behind."""
    server = psutil.Process(process.process.pid)

    def work(rounds: int) -> None:
        for _ in range(rounds):
            send(process.port, sample("CT_small.dcm"))
            peer = RawPeer(process.port, (CT, [EXPLICIT]))
            peer.socket.sendall(p_data(pdv(store_command(), command=True)))
            peer.close()
            RawPeer(process.port, calling="STRANGER").close()

    work(15)
    wait_for(lambda: server.num_threads() < 8)
    before, descriptors = server.memory_info().rss, server.num_fds()
    work(60)
    wait_for(lambda: server.num_threads() < 8)

    assert server.num_fds() < descriptors + 30
    assert server.memory_info().rss - before < 12 * 1024 * 1024


def test_a_large_object_does_not_fill_the_memory(process):
    server = psutil.Process(process.process.pid)
    send(process.port, sample("CT_small.dcm"))
    before = server.memory_info().rss
    peer = RawPeer(process.port)
    piece = bytes(65_000)

    peer.socket.sendall(p_data(pdv(store_command(), command=True)))
    peer.socket.sendall(p_data(pdv(ct_data_set(), last=False)))
    for _ in range(2000):
        peer.socket.sendall(p_data(pdv(piece, last=False)))
    grown = server.memory_info().rss - before
    peer.socket.sendall(p_data(pdv(b"")))

    assert peer.read_status() == 0x0000
    assert grown < 30 * 1024 * 1024
    assert spool.waiting()[-1].stat().st_size > 130_000_000


def test_a_flood_of_nonsense_does_not_flood_the_log(process):
    for _ in range(100):
        peer = RawPeer(process.port)
        peer.socket.sendall(p_data(pdv(b"\xff" * 50, command=True)))
        peer.close()
    (answer,) = send(process.port, sample("CT_small.dcm"))
    process.terminate()

    lines = process.log.read_text().splitlines()
    assert answer.Status == 0x0000
    assert len([line for line in lines if " ERROR pynetdicom" in line]) <= 61
    assert "Exception in thread" not in process.log.read_text()
