"""Objects that lie, break or blow up cost one quarantine entry, with the reason and the bytes."""

import os
import signal
import subprocess
import sys
import threading
import time
import zlib

import numpy
import pytest
from django.conf import settings
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from imaging import spool
from imaging.ingest import ingest_spool
from imaging.models import Instance, Quarantined, Study
from imaging.sandbox import Refused, Sandbox, SandboxUnavailable
from tests.factories import make_order, make_patient

from .sender import encoded, identity_for, identity_of, receive, send, send_bytes, slices

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::UserWarning:pydicom")]


@pytest.fixture
def dataset():
    return slices(identity_of(make_patient()), 1)[0]


def deflated(data: bytes) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return squeeze.compress(data) + squeeze.flush()


def bomb(dataset) -> bytes:
    """About one megabyte that says it is a gigabyte of pixels, and is more than may be inflated."""
    squeeze = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    del dataset.PixelData
    start = encoded(dataset) + b"\xe0\x7f\x10\x00OW\x00\x00\x00\x00\x00\x40"
    zeros = bytes(16 * 1024 * 1024)
    return squeeze.compress(start) + b"".join(squeeze.compress(zeros) for _ in range(20)) + squeeze.flush()


def pixel_offset(data: bytes) -> int:
    return data.index(b"\xe0\x7f\x10\x00")


def with_length(data: bytes, tag: bytes, length: int) -> bytes:
    """The element ``tag`` of a short VR says that it has ``length`` bytes."""
    at = data.index(tag) + 6
    return data[:at] + length.to_bytes(2, "little") + data[at + 2 :]


def nested(depth: int) -> bytes:
    """Sequences in sequences, without an end."""
    return (b"\x40\x00\x75\x02SQ\x00\x00\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff") * depth


def quarantined() -> Quarantined:
    assert Instance.objects.count() == 0
    assert Study.objects.count() == 0
    assert spool.waiting() == []
    return Quarantined.objects.get()


# --- what cannot be read ------------------------------------------------------------------------------

DAMAGES = [
    (lambda data: b"", "It has no content."),
    (
        lambda data: b"GET / HTTP/1.1\r\n\r\n",
        "It is cut short or lies about a length: element (4547,2054) 1414012975 ends behind the file.",
    ),
    (lambda data: data[: pixel_offset(data) // 2], "It has no StudyInstanceUID."),
    (lambda data: data[:-100], "Its image data are cut short (present and declared bytes: 1948 2048)."),
    (
        lambda data: with_length(data, b"\x10\x00\x20\x00LO", 60000),
        "It is cut short or lies about a length: element (0010,0020) 60000 ends behind the file.",
    ),
    (
        lambda data: data[: pixel_offset(data)] + nested(5000),
        "Its sequences are nested deeper than any real object's.",
    ),
]


@pytest.mark.parametrize(("damage", "reason"), DAMAGES)
def test_a_damaged_object_is_kept_in_quarantine(damage, reason, dataset):
    path = send_bytes(damage(encoded(dataset)), dataset)
    received = path.read_bytes()

    ingest_spool()

    item = quarantined()
    assert item.path.read_bytes() == received
    assert item.size == len(received)
    assert item.reason == reason


def test_a_deflated_bomb_costs_one_entry_within_the_limits(dataset):
    data = bomb(dataset)
    send_bytes(data, dataset, transfer_syntax_uid=DeflatedExplicitVRLittleEndian)

    ingest_spool()

    assert len(data) < 2 * 1024 * 1024
    assert quarantined().reason == "It inflates to more than 256 MB."


def test_what_is_not_deflated_says_so(dataset):
    send_bytes(encoded(dataset), dataset, transfer_syntax_uid=DeflatedExplicitVRLittleEndian)

    ingest_spool()

    assert quarantined().reason.startswith("It says that it is deflated, but cannot be inflated:")


def test_a_file_that_is_not_from_the_dicom_server_goes_to_quarantine(settings):
    (settings.SPOOL_DIR / "stray.dcm").write_bytes(b"not DICOM at all")

    ingest_spool()

    item = quarantined()
    assert item.path.read_bytes() == b"not DICOM at all"
    assert item.reason.startswith("The received file is damaged:")


# --- what lies ----------------------------------------------------------------------------------------


def test_another_class_than_announced(dataset):
    send(dataset, sop_class_uid="1.2.840.10008.5.1.4.1.1.1")

    ingest_spool()

    assert quarantined().reason == (
        "It is of another SOP class than announced (announced and found: "
        "1.2.840.10008.5.1.4.1.1.1 1.2.840.10008.5.1.4.1.1.2)."
    )


def test_another_instance_than_announced(dataset):
    send(dataset, sop_instance_uid="1.2.3")

    ingest_spool()

    assert quarantined().reason.startswith("It has another SOP Instance UID than announced")


@pytest.mark.parametrize("uid", ["../../etc/passwd", "1.2.3; DROP TABLE", "x" * 64])
def test_a_uid_that_is_none(uid, dataset):
    dataset.StudyInstanceUID = uid
    send(dataset)

    ingest_spool()

    assert quarantined().reason.startswith("A UID in it is not one")


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_a_missing_uid(keyword, dataset):
    delattr(dataset, keyword)
    send(dataset)

    ingest_spool()

    assert quarantined().reason == f"It has no {keyword}."


def test_a_path_as_instance_uid_touches_no_file(dataset, folders):
    dataset.SOPInstanceUID = "../../../outside"
    send(dataset)

    ingest_spool()

    assert quarantined().sop_instance_uid == "../../../outside"
    assert [path.name for path in folders.rglob("*outside*")] == []


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("PatientID", "A\0B", "PatientID holds a NUL character."),
        ("PatientName", "A\0B", "PatientName holds a NUL character."),
        ("PatientID", "9" * 5000, "A value is too long (attribute, characters, allowed: PatientID 5000 64)."),
        (
            "PatientName",
            "N" * 5000,
            "A value is too long (attribute, characters, allowed: PatientName 5000 324).",
        ),
        (
            "AccessionNumber",
            "9" * 65,
            "A value is too long (attribute, characters, allowed: AccessionNumber 65 64).",
        ),
    ],
)
def test_an_identity_that_cannot_be_kept_as_it_is(keyword, value, reason, dataset):
    setattr(dataset, keyword, value)
    send(dataset)

    ingest_spool()

    assert quarantined().reason == reason


def test_long_and_strange_descriptions_are_no_reason_to_hide_an_image():
    made = slices(identity_for(make_order(status="scheduled")), 1)
    made[0].StudyDescription = "D\0" * 600
    made[0].SeriesDescription = "S" * 5000
    made[0].BodyPartExamined = "B" * 500
    made[0].add_new("SeriesNumber", "IS", "99999999999999999999999")
    made[0].ImageComments = "a\0b"

    study = receive(*made)

    assert study.instance_count == 1
    assert len(study.description) == 200
    assert study.series.get().number is None


# --- what is too large --------------------------------------------------------------------------------


def test_a_picture_that_would_take_gigabytes_is_filed_without_a_preview():
    made = slices(identity_for(make_order(status="scheduled")), 1)
    made[0].Rows = made[0].Columns = 65535
    made[0].PixelData = encapsulate([bytes(64) + bytes(1000)])
    made[0]["PixelData"].is_undefined_length = True
    made[0].file_meta.TransferSyntaxUID = RLELossless

    receive(*made)

    instance = Instance.objects.get()
    assert instance.thumbnail == ""
    assert instance.display_problem.startswith("No preview")


def test_an_object_after_a_bomb_is_read_as_ever(dataset):
    send_bytes(bomb(dataset), dataset, transfer_syntax_uid=DeflatedExplicitVRLittleEndian)

    study = receive(*slices(identity_for(make_order(status="scheduled")), 1))

    assert study.instance_count == 1
    assert Quarantined.objects.count() == 1


# --- the child process --------------------------------------------------------------------------------


@pytest.fixture
def box():
    box = Sandbox(time_limit=5)
    yield box
    box.close()


def examine(box: Sandbox, dataset) -> dict[str, object]:
    (path,) = send(dataset)
    envelope = spool.read_envelope(path)
    return box.ask(
        "examine",
        path=str(path),
        data_offset=envelope.data_offset,
        transfer_syntax=envelope.transfer_syntax_uid,
        sop_class_uid=envelope.sop_class_uid,
        sop_instance_uid=envelope.sop_instance_uid,
        side_file=str(path.with_suffix(".frames")),
    ).values


def test_a_request_that_takes_too_long_is_ended(box, dataset):
    examine(box, dataset)
    box.time_limit = 0.2
    os.kill(box._child.pid, signal.SIGSTOP)

    with pytest.raises(Refused) as refused:
        examine(box, dataset)

    assert refused.value.code == "timeout"
    box.time_limit = 5
    assert examine(box, dataset)["frames"] == 1


def test_a_child_that_somebody_killed_is_replaced_without_blaming_the_object(box, dataset):
    examine(box, dataset)
    os.kill(box._child.pid, signal.SIGSTOP)
    threading.Timer(0.3, box._child.kill).start()

    found = examine(box, dataset)

    assert found["frames"] == 1


def test_an_object_that_kills_the_child_twice_is_refused(box, dataset):
    def killer():
        for _ in range(2):
            deadline = time.monotonic() + 10
            while (box._child is None or box._child.pid in killed) and time.monotonic() < deadline:
                time.sleep(0.01)
            killed.add(box._child.pid)
            time.sleep(0.05)
            os.kill(box._child.pid, signal.SIGKILL)

    killed: set[int] = set()
    start = box._start

    def start_stopped():
        child = start()
        os.kill(child.pid, signal.SIGSTOP)
        return child

    box._start = start_stopped
    thread = threading.Thread(target=killer)
    thread.start()

    with pytest.raises(Refused) as refused:
        examine(box, dataset)

    thread.join()
    assert refused.value.code == "child_died"


def test_the_child_may_not_use_more_than_its_memory(box, dataset):
    examine(box, dataset)

    with open(f"/proc/{box._child.pid}/limits") as limits:
        lines = {line[:26].strip(): line[26:].split()[0] for line in limits}

    assert lines["Max address space"] == str(1024**3)
    assert lines["Max core file size"] == "0"


def test_a_child_that_cannot_start_says_nothing_about_the_object(box, dataset, monkeypatch):
    monkeypatch.setattr("imaging.sandbox.sys.executable", "/bin/false")

    with pytest.raises(SandboxUnavailable):
        examine(box, dataset)


def test_the_reading_package_needs_no_django():
    modules = ", ".join(f"imaging.dicomfile.{name}" for name in ("worker", "picture", "framemap"))
    code = f"import sys, {modules}; print('django' in sys.modules)"

    shown = subprocess.run([sys.executable, "-c", code], cwd=settings.BASE_DIR, capture_output=True)

    assert shown.stdout.strip() == b"False"


# --- odd but sound ------------------------------------------------------------------------------------


def test_a_deflated_object_is_filed_with_frames_beside_it():
    made = slices(identity_for(make_order(status="scheduled")), 1)
    made[0].file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    pixels = made[0].PixelData
    send_bytes(deflated(encoded(made[0])), made[0], transfer_syntax_uid=DeflatedExplicitVRLittleEndian)

    ingest_spool()

    instance = Instance.objects.get()
    assert instance.frames_path.read_bytes() == pixels
    assert instance.frame_offsets == [[0, len(pixels)]]
    assert instance.frame_transfer_syntax_uid == ExplicitVRLittleEndian
    assert instance.thumbnail != ""


def test_a_document_of_megabytes_is_filed_without_a_picture():
    made = slices(identity_for(make_order(status="scheduled")), 1)
    del made[0].PixelData
    made[0].EncapsulatedDocument = b"%PDF" + bytes(3_000_000)
    made[0].MIMETypeOfEncapsulatedDocument = "application/pdf"

    study = receive(*made)

    instance = Instance.objects.get()
    assert study.instance_count == 1
    assert (instance.frames, instance.thumbnail, instance.display_problem) == (0, "", "")
    assert instance.metadata["00420012"]["Value"] == ["application/pdf"]


def test_an_implicit_object_is_filed_like_an_explicit_one():
    made = slices(identity_for(make_order(status="scheduled")), 1)
    made[0].file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    pixels = numpy.frombuffer(made[0].PixelData, dtype="<i2")

    receive(*made)

    instance = Instance.objects.get()
    offset, length = instance.frame_offsets[0]
    stored = numpy.frombuffer(instance.path.read_bytes()[offset : offset + length], dtype="<i2")
    assert (stored == pixels).all()
