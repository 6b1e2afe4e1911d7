import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pydicom
import pytest

from imaging import spool


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    settings.SPOOL_DIR = tmp_path
    return tmp_path


def header(**changes):
    values = {
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.7",
        "sop_instance_uid": "1.2.3",
        "transfer_syntax_uid": "1.2.840.10008.1.2",
        "calling_ae_title": "XR1",
        "called_ae_title": "CEDAR",
        "address": "10.0.0.7",
    }
    return spool.file_meta(**values | changes)


def test_a_file_is_seen_only_after_commit(folder):
    with spool.SpoolFile(header()) as file:
        file.write(b"data")

        before = spool.waiting()
        path = file.commit()

    assert before == []
    assert spool.waiting() == [path]
    assert sorted(entry.suffix for entry in folder.iterdir()) == [".dcm"]


def test_commit_flushes_the_file_then_renames_then_flushes_the_folder(folder, monkeypatch):
    calls = []
    real_fsync, real_rename = os.fsync, os.rename
    monkeypatch.setattr(
        os, "fsync", lambda fd: calls.append(Path(os.readlink(f"/proc/self/fd/{fd}"))) or real_fsync(fd)
    )
    monkeypatch.setattr(os, "rename", lambda *names: calls.append("rename") or real_rename(*names))

    with spool.SpoolFile(header()) as file:
        path = file.commit()

    assert calls == [path.with_suffix(".part"), "rename", folder]


def test_leaving_without_commit_leaves_nothing(folder):
    with spool.SpoolFile(header()) as file:
        file.write(b"half of it")

    assert list(folder.iterdir()) == []


def test_the_envelope_says_how_the_object_came():
    with spool.SpoolFile(header()) as file:
        file.write_all([b"da", bytearray(b"t"), memoryview(b"a")])
        path = file.commit()

    envelope = spool.read_envelope(path)

    assert path.read_bytes()[envelope.data_offset :] == b"data"
    assert envelope.size == path.stat().st_size
    assert (envelope.sop_class_uid, envelope.sop_instance_uid, envelope.transfer_syntax_uid) == (
        "1.2.840.10008.5.1.4.1.1.7",
        "1.2.3",
        "1.2.840.10008.1.2",
    )
    assert (envelope.calling_ae_title, envelope.called_ae_title, envelope.address) == (
        "XR1",
        "CEDAR",
        "10.0.0.7",
    )
    assert 0 <= time.time() - envelope.received_at.timestamp() < 60


def test_other_programs_read_the_file_meta():
    with spool.SpoolFile(header()) as file:
        path = file.commit()

    meta = pydicom.dcmread(path).file_meta

    assert meta.SourceApplicationEntityTitle == "XR1"
    assert meta.SourcePresentationAddress == "dicom://10.0.0.7"
    assert meta.TransferSyntaxUID == "1.2.840.10008.1.2"
    assert meta.FileMetaInformationGroupLength == len(path.read_bytes()) - 144


def test_names_are_ours_and_sort_by_arrival():
    paths = []
    for uid in ["../../x", "9.9", "1.1"]:
        with spool.SpoolFile(header(sop_instance_uid=uid)) as file:
            paths.append(file.commit())

    assert spool.waiting() == paths
    assert {path.parent for path in paths} == {paths[0].parent}
    assert spool.read_envelope(paths[0]).sop_instance_uid == "../../x"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda whole: b"x" + whole[1:], "it does not begin with a preamble of 128 zero bytes and DICM"),
        (lambda whole: whole[:136], "it ends within its file meta"),
        (lambda whole: whole[:150], "its file meta is longer than the file or than 64 KB"),
        (lambda whole: whole[:132] + b"\x08" + whole[133:], "its file meta does not begin with (0002,0000)"),
        (
            lambda whole: whole[:164] + b"\xff\xff" + whole[166:],
            "its file meta holds a broken element (0002,0002)",
        ),
    ],
)
def test_a_damaged_file_meta_is_named(folder, damage, reason):
    path = folder / "damaged.dcm"
    path.write_bytes(damage(header()))

    with pytest.raises(spool.BadSpoolFile) as raised:
        spool.read_envelope(path)

    assert str(raised.value) == reason


def test_leftovers_of_a_killed_process_go_and_those_in_work_stay(folder):
    code = (
        "import sys, time, django.conf as c\n"
        "c.settings.configure(SPOOL_DIR=sys.argv[1])\n"
        "from imaging import spool\n"
        "file = spool.SpoolFile(b'half')\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    root = Path(spool.__file__).parent.parent
    writer = subprocess.Popen([sys.executable, "-c", code, folder], stdout=subprocess.PIPE, cwd=root)
    writer.stdout.readline()

    removed_while_it_writes = spool.remove_leftovers()
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    removed_after = spool.remove_leftovers()

    assert (removed_while_it_writes, removed_after) == (0, 1)
    assert list(folder.iterdir()) == []


def test_files_are_for_the_owner_alone():
    with spool.SpoolFile(header()) as file:
        path = file.commit()

    assert path.stat().st_mode & 0o777 == 0o600
