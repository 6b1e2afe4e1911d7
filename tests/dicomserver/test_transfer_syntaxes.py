"""Every transfer syntax that DCMTK's tools can write: sent by ``storescu``, kept byte for byte, and shown."""

import subprocess
import zlib
from pathlib import Path

import numpy
import pydicom
import pytest
from django.urls import reverse
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HEVCM10P51,
    HEVCMP51,
    HTJ2K,
    MPEG2MPML,
    MPEG4HP41,
    MPEG4HP42STEREO,
    DeflatedExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
)

from clinic.permissions import Role
from imaging.ingest import ingest_spool
from imaging.models import Instance, Quarantined
from tests.dicomserver.archive import folders_of_images
from tests.dicomserver.peers import data_set_of, sample, send, spooled
from tests.factories import make_user

# How it is made from an image, what storescu proposes, the transfer syntax, how far a pixel may be off.
MADE = [
    ("dcmconv", "+ti", "-xi", "1.2.840.10008.1.2", 0),
    ("dcmconv", "+te", "-xe", "1.2.840.10008.1.2.1", 0),
    ("dcmconv", "+tb", "-xb", "1.2.840.10008.1.2.2", 0),
    ("dcmconv", "+td", "-xd", "1.2.840.10008.1.2.1.99", 0),
    ("dcmcrle", "", "-xr", "1.2.840.10008.1.2.5", 0),
    ("dcmcjpeg", "+eb", "-xy", "1.2.840.10008.1.2.4.50", 30),
    ("dcmcjpeg", "+ee", "-xx", "1.2.840.10008.1.2.4.51", 30),
    ("dcmcjpeg", "+e1", "-xs", "1.2.840.10008.1.2.4.70", 0),
    ("dcmcjpls", "+el", "-xt", "1.2.840.10008.1.2.4.80", 0),
    ("dcmcjpls", "+en", "-xu", "1.2.840.10008.1.2.4.81", 5),
]


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    """A grey wedge of eight bits, which every one of the tools takes."""
    made = pydicom.dcmread(sample("CT_small.dcm"))
    made.remove_private_tags()
    made.Rows = made.Columns = 64
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation = 7, 0
    made["PixelData"].VR = "OB"
    made.PixelData = numpy.tile(numpy.arange(0, 256, 4, dtype=numpy.uint8), (64, 1)).tobytes()
    # storescu leaves the trailing padding out; the others are of sixteen bits.
    for keyword in ("DataSetTrailingPadding", "PixelPaddingValue"):
        made.pop(keyword, None)
    path = tmp_path_factory.mktemp("images") / "wedge.dcm"
    made.save_as(path)
    return path


@pytest.mark.needs_tool("storescu", package="dcmtk")
@pytest.mark.parametrize(("program", "option", "proposed", "syntax", "loss"), MADE)
def test_it_is_kept_byte_for_byte_and_shown(
    transactional_db, server, client, tmp_path, settings, image, program, option, proposed, syntax, loss
):
    folders_of_images(tmp_path, settings)
    path = tmp_path / "made.dcm"
    subprocess.run([program, *([option] if option else []), image, path], check=True, capture_output=True)

    to = ["-aet", "MODALITY", "-aec", "CEDAR", "127.0.0.1", str(server.port)]
    subprocess.run(["storescu", "-R", proposed, *to, path], check=True, capture_output=True)
    kept = spooled()
    ingest_spool()

    instance = Instance.objects.select_related("series__study").get()
    assert instance.transfer_syntax_uid == syntax
    assert [unpacked(one, syntax) for one in kept] == [unpacked(data_set_of(path), syntax)]
    client.force_login(make_user(Role.RADIOLOGIST))
    uids = [instance.series.study.study_instance_uid, instance.series.series_instance_uid]
    shown = client.get(reverse("imaging:instance_rendered", args=[*uids, instance.sop_instance_uid]))
    assert shown.status_code == 200
    pixels = pydicom.dcmread(instance.path).pixel_array.astype(int)
    assert abs(pixels - pydicom.dcmread(image).pixel_array).max() <= loss


def unpacked(data: bytes, syntax: str) -> bytes:
    """storescu deflates anew what it sends deflated."""
    return zlib.decompress(data, -zlib.MAX_WBITS) if syntax == DeflatedExplicitVRLittleEndian else data


@pytest.mark.parametrize(
    "syntax",
    [HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K, MPEG2MPML, MPEG4HP41, MPEG4HP42STEREO, HEVCMP51, HEVCM10P51],
    ids=lambda syntax: syntax.name,
)
def test_what_dcmtk_cannot_write_is_kept_byte_for_byte_too(server, tmp_path, image, syntax):
    stream = pydicom.dcmread(image)
    stream.PixelData = encapsulate([bytes(range(256)) * 40])
    stream["PixelData"].is_undefined_length = True
    stream.file_meta.TransferSyntaxUID = syntax
    stream.save_as(tmp_path / "stream.dcm")

    (answer,) = send(server.port, tmp_path / "stream.dcm")

    assert (answer.Status, spooled()) == (0x0000, [data_set_of(tmp_path / "stream.dcm")])


@pytest.mark.django_db
def test_a_video_is_filed_and_not_in_quarantine(tmp_path, settings, image):
    from tests.imaging.sender import send_file

    folders_of_images(tmp_path, settings)
    video = pydicom.dcmread(image)
    video.PixelData = encapsulate([bytes(range(256)) * 40])
    video["PixelData"].is_undefined_length = True
    video.file_meta.TransferSyntaxUID = MPEG4HP41
    video.save_as(tmp_path / "video.dcm")
    send_file(tmp_path / "video.dcm")

    ingest_spool()

    assert (Instance.objects.count(), Quarantined.objects.count()) == (1, 0)
