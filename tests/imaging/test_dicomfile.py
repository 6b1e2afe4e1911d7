"""Metadata and frame places of real files, against pydicom reading the same files in its own way."""

import struct
from pathlib import Path

import numpy
import pydicom
import pytest
from pydicom.encaps import generate_frames
from pydicom.filereader import _read_file_meta_info
from pydicom.uid import (
    MPEG4HP41,
    JPEGBaseline8Bit,
)

from imaging.dicomfile.framemap import map_frames
from imaging.dicomfile.header import read_header
from imaging.dicomfile.problems import Unreadable

from .sender import PYDICOM_FILES, identity_of, slices

ENCAPSULATED = [
    "693_J2KI.dcm",
    "JPEG2000.dcm",
    "JPEG2000-embedded-sequence-delimiter.dcm",
    "JPEG-lossy.dcm",
    "JPGExtended.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_rle_2frame.dcm",
    "SC_rgb_rle_16bit_2frame.dcm",
    "SC_rgb_rle_32bit_2frame.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "examples_jpeg2k.dcm",
    "examples_ybr_color.dcm",
    "rtdose_rle.dcm",
]
NATIVE = [
    "CT_small.dcm",
    "MR_small.dcm",
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_padded.dcm",
    "SC_rgb_small_odd.dcm",
    "SC_rgb_small_odd_big_endian.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "ExplVR_BigEnd.dcm",
    "examples_overlay.dcm",
    "examples_palette.dcm",
    "examples_rgb_color.dcm",
    "image_dfl.dcm",
    "liver_1frame.dcm",
    "liver_expb_1frame.dcm",
    "rtdose.dcm",
    "rtdose_expb.dcm",
    "rtdose_1frame.dcm",
]


def path_of(name: str) -> Path:
    return PYDICOM_FILES / "test_files" / name


def header_of(path: Path):
    with path.open("rb") as file:
        file.seek(132)
        meta = _read_file_meta_info(file)
        offset = file.tell()
    return read_header(path, offset, str(meta.TransferSyntaxUID))


def frames_of(path: Path, side_file: Path) -> list[bytes]:
    """The bytes that would be served, one entry a frame."""
    found = map_frames(header_of(path), side_file)
    data = (side_file if found.in_side_file else path).read_bytes()
    return [
        b"".join(data[frame[at] : frame[at] + frame[at + 1]] for at in range(0, len(frame), 2))
        for frame in found.frames
    ]


# --- frames -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ENCAPSULATED)
def test_compressed_frames_are_those_that_pydicom_finds(name, tmp_path):
    dataset = pydicom.dcmread(path_of(name))
    count = int(dataset.get("NumberOfFrames", 1))

    frames = frames_of(path_of(name), tmp_path / "side")

    assert frames == list(generate_frames(dataset.PixelData, number_of_frames=count))
    assert not (tmp_path / "side").exists()


@pytest.mark.parametrize("name", NATIVE)
def test_native_frames_decode_to_what_pydicom_reads(name, tmp_path):
    dataset = pydicom.dcmread(path_of(name))
    expected = pydicom.pixels.pixel_array(dataset, raw=True)
    count = int(dataset.get("NumberOfFrames", 1))
    expected = expected.reshape(count, -1)

    frames = frames_of(path_of(name), tmp_path / "side")

    assert len(frames) == count
    for frame, pixels in zip(frames, expected, strict=True):
        assert (stored_values(frame, dataset) == pixels).all()


def stored_values(frame: bytes, dataset) -> numpy.ndarray:
    """One frame, in little endian as served, as a flat array of values."""
    if dataset.BitsAllocated == 1:
        values = numpy.unpackbits(numpy.frombuffer(frame, numpy.uint8), bitorder="little")
        return values[: dataset.Rows * dataset.Columns]
    kind = "i" if dataset.PixelRepresentation else "u"
    values = numpy.frombuffer(frame, f"<{kind}{dataset.BitsAllocated // 8}")
    if dataset.SamplesPerPixel == 1:
        return values
    if dataset.PhotometricInterpretation == "YBR_FULL_422":
        pairs = values.reshape(-1, 4)
        y1, y2, blue, red = pairs.T
        return numpy.stack([y1, blue, red, y2, blue, red], axis=1).ravel()
    if dataset.PlanarConfiguration == 1:
        return values.reshape(3, -1).T.ravel()
    return values


def fragmented(tmp_path: Path, fragments: list[bytes], table: list[int], **attributes) -> Path:
    """A file whose pixel data are ``fragments`` behind a Basic Offset Table."""
    (dataset,) = slices(identity_of(FakePatient()), 1)
    for name, value in attributes.items():
        setattr(dataset, name, value)
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    items = struct.pack("<HHI", 0xFFFE, 0xE000, 4 * len(table)) + struct.pack(f"<{len(table)}I", *table)
    for fragment in fragments:
        items += struct.pack("<HHI", 0xFFFE, 0xE000, len(fragment)) + fragment
    dataset.PixelData = items + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    dataset["PixelData"].is_undefined_length = True
    path = tmp_path / "made.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


class FakePatient:
    """Enough of a patient for an identity."""

    mrn, dicom_name, birth_date, sex, pk = "A1", "Doe^Jane", None, "F", 1


EOI = b"\xff\xd9"


def test_frames_in_several_fragments_are_found_by_the_offset_table(tmp_path):
    fragments = [b"aaaa", b"aa" + EOI, b"bb" + EOI, b"cccc", b"cc", b"c" + b"\0" + EOI]

    frames = frames_of(fragmented(tmp_path, fragments, [0, 24, 36], NumberOfFrames=3), tmp_path / "side")

    assert frames == [b"aaaaaa" + EOI, b"bb" + EOI, b"ccccccc\0" + EOI]


def test_without_a_table_the_end_marker_closes_a_frame(tmp_path):
    fragments = [b"aaaa", b"aa" + EOI, b"bb" + EOI, b"cccc", b"cc" + EOI]

    frames = frames_of(fragmented(tmp_path, fragments, [], NumberOfFrames=3), tmp_path / "side")

    assert frames == [b"aaaaaa" + EOI, b"bb" + EOI, b"cccccc" + EOI]


def test_all_fragments_of_a_single_frame_are_that_frame(tmp_path):
    frames = frames_of(fragmented(tmp_path, [b"aaaa", b"bbbb", b"cc"], []), tmp_path / "side")

    assert frames == [b"aaaabbbbcc"]


def test_a_table_that_points_between_fragments_is_not_believed(tmp_path):
    path = fragmented(tmp_path, [b"aaaa", b"bbbb"], [0, 5], NumberOfFrames=2)

    assert frames_of(path, tmp_path / "side") == [b"aaaa", b"bbbb"]


def test_the_extended_table_gives_the_true_lengths(tmp_path):
    path = fragmented(
        tmp_path,
        [b"aaa\0", b"bbbbb\0"],
        [],
        NumberOfFrames=2,
        ExtendedOffsetTable=struct.pack("<2Q", 0, 12),
        ExtendedOffsetTableLengths=struct.pack("<2Q", 3, 5),
    )

    assert frames_of(path, tmp_path / "side") == [b"aaa", b"bbbbb"]


@pytest.mark.parametrize(
    ("fragments", "count", "problem", "found"),
    [
        ([b"aaaa", b"bbbb", b"cccc"], 2, "frames_unclear", 0),
        ([b"aa" + EOI, b"bbbb", b"cc" + EOI, b"dddd"], 3, "frames_unclear", 0),
        ([b"aaaa"], 2, "pixel_data_short", 1),
        ([], 1, "frames_unclear", 0),
    ],
)
def test_frames_that_do_not_fit_the_count_are_a_problem_and_no_guess(
    fragments, count, problem, found, tmp_path
):
    path = fragmented(tmp_path, fragments, [], NumberOfFrames=count)

    mapped = map_frames(header_of(path), None)

    assert (mapped.problem, len(mapped.frames)) == (problem, found)


def test_a_fragment_that_ends_behind_the_file_is_refused(tmp_path):
    path = fragmented(tmp_path, [b"aaaa", b"b" * 100], [])
    path.write_bytes(path.read_bytes()[:-50])

    with pytest.raises(Unreadable, match="pixel_data_cut"):
        map_frames(header_of(path), None)


def test_a_missing_end_of_the_fragments_is_forgiven(tmp_path):
    path = fragmented(tmp_path, [b"aaaa"], [])
    path.write_bytes(path.read_bytes()[:-8])

    assert frames_of(path, tmp_path / "side") == [b"aaaa"]


def test_a_video_is_one_stream_and_no_frames(tmp_path):
    path = fragmented(tmp_path, [b"aaaa", b"bbbb"], [], NumberOfFrames=100)
    data = path.read_bytes().replace(JPEGBaseline8Bit.encode() + b"\0\0", b"1.2.840.10008.1.2.4.102\0")
    header = header_of(path)
    video = type(header)(**{**header.__dict__, "transfer_syntax": MPEG4HP41})

    mapped = map_frames(video, None)

    assert data
    assert mapped.problem == "video"
    assert len(mapped.frames) == 1


def test_single_bits_across_bytes_get_frames_of_their_own(tmp_path):
    """3 × 3 pixels of one bit, five frames: only the first begins at a byte (PS3.5 8.1.1)."""
    (dataset,) = slices(identity_of(FakePatient()), 1)
    bits = numpy.random.default_rng(3).integers(0, 2, (5, 9), dtype=numpy.uint8)
    dataset.Rows = dataset.Columns = 3
    dataset.NumberOfFrames = 5
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = dataset.PixelRepresentation = 0
    dataset.PixelData = numpy.packbits(bits.ravel(), bitorder="little").tobytes()
    dataset["PixelData"].VR = "OB"
    path = tmp_path / "bits.dcm"
    dataset.save_as(path, enforce_file_format=True)

    frames = frames_of(path, tmp_path / "side")

    read = [numpy.unpackbits(numpy.frombuffer(frame, numpy.uint8), bitorder="little")[:9] for frame in frames]
    assert [len(frame) for frame in frames] == [2] * 5
    assert (numpy.array(read) == bits).all()


def test_fewer_bytes_than_the_size_needs_are_a_problem(tmp_path):
    (dataset,) = slices(identity_of(FakePatient()), 1)
    dataset.NumberOfFrames = 3
    dataset.PixelData = bytes(32 * 32 * 2 * 2)
    path = tmp_path / "short.dcm"
    dataset.save_as(path, enforce_file_format=True)

    mapped = map_frames(header_of(path), None)

    assert (mapped.problem, len(mapped.frames)) == ("pixel_data_short", 2)
