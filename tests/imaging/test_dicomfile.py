"""Metadata and frame places of real files, against pydicom reading the same files in its own way."""

import io
import json
import struct
from pathlib import Path

import numpy
import pydicom
import pytest
from pydicom.encaps import generate_frames
from pydicom.filereader import _read_file_meta_info
from pydicom.uid import (
    MPEG4HP41,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
)

from imaging.dicomfile.framemap import map_frames
from imaging.dicomfile.header import read_header
from imaging.dicomfile.jsonmodel import INLINE_LIMIT, to_json_model, without_private
from imaging.dicomfile.problems import Unreadable
from imaging.dicomfile.worker import examine

from .sender import PYDICOM_FILES, encoded, identity_of, slices

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


# --- metadata -----------------------------------------------------------------------------------------


def readable_files() -> list[Path]:
    """pydicom's test files that it can turn into JSON itself."""
    chosen = []
    for path in sorted([*PYDICOM_FILES.glob("test_files/*.dcm"), *PYDICOM_FILES.glob("charset_files/*.dcm")]):
        try:
            dataset = pydicom.dcmread(path, stop_before_pixels=True)
            dataset.to_json()
        except Exception:
            continue
        if "TransferSyntaxUID" in dataset.file_meta and "truncated" not in path.name:
            chosen.append(path)
    return chosen


def comparable(model: dict) -> dict:
    """Without what only one of both writes: bulk data, group lengths, empty name groups."""
    kept = {}
    for tag, entry in sorted(model.items()):
        if tag.endswith("0000") or tag[:4] in ("7FE0", "FFFC", "FFFA") or tag in ("00420011", "54001010"):
            continue
        if entry["vr"] == "SQ":
            items = [comparable(item) for item in entry.get("Value", [])]
            entry = {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
        elif entry["vr"] == "PN" and "Value" in entry:
            entry = {
                "vr": "PN",
                "Value": [{k: v for k, v in (name or {}).items() if v} for name in entry["Value"]],
            }
        if len(entry.get("InlineBinary", "")) > INLINE_LIMIT * 4 // 3:
            continue
        # F.2.5: an empty one of several values is null
        values = [None if value == "" else value for value in entry.get("Value", [])]
        if "Value" in entry:
            entry = {"vr": entry["vr"], "Value": values}
        if not any(value is not None for value in values) and "InlineBinary" not in entry:
            entry = {"vr": entry["vr"]}
        kept[tag] = json.loads(json.dumps(entry).replace("\\u0000", "").replace("NaN", '"NaN"'))
    return kept


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", readable_files(), ids=lambda path: path.name)
def test_metadata_are_what_pydicom_writes_as_json(path):
    dataset = pydicom.dcmread(path, stop_before_pixels=True)

    model = to_json_model(header_of(path).dataset)

    assert comparable(model) == comparable(dataset.to_json_dict())


def test_metadata_hold_nothing_that_a_database_refuses(tmp_path):
    (dataset,) = slices(identity_of(FakePatient()), 1)
    dataset.ImageComments = "a\0b"
    dataset.add_new(0x00189073, "FD", float("nan"))
    dataset.add_new(0x00189074, "DT", "20260101")
    dataset.add_new(0x00281050, "DS", "40")
    dataset.add_new(0x00186024, "SL", 7)
    path = tmp_path / "odd.dcm"
    dataset.save_as(path, enforce_file_format=True)

    model = to_json_model(header_of(path).dataset)

    assert model["00204000"]["Value"] == ["ab"]
    assert model["00189073"]["Value"] == ["NaN"]
    assert model["00281050"]["Value"] == [40.0]
    json.dumps(model, allow_nan=False)


def test_tables_are_inlined_and_bulk_data_left_out(tmp_path):
    (dataset,) = slices(identity_of(FakePatient()), 1)
    dataset.add_new(0x00281201, "OW", bytes(65536 * 2))
    dataset.add_new(0x00091010, "OB", bytes(300_000))
    dataset.add_new(0x60003000, "OW", bytes(1024 * 1024))
    dataset.add_new(0x00420011, "OB", b"%PDF")
    path = tmp_path / "tables.dcm"
    dataset.save_as(path, enforce_file_format=True)

    model = to_json_model(header_of(path).dataset)

    assert len(model["00281201"]["InlineBinary"]) > 65536 * 2
    assert len(model["60003000"]["InlineBinary"]) > 1024 * 1024
    assert {"00091010", "00420011", "7FE00010"} & model.keys() == set()


def test_words_of_tables_are_little_endian_whatever_the_file_is(tmp_path):
    table = numpy.arange(256, dtype="<u2")
    (dataset,) = slices(identity_of(FakePatient()), 1)
    dataset.add_new(0x00281201, "OW", table.byteswap().tobytes())
    dataset.PixelData = numpy.frombuffer(dataset.PixelData, "<u2").byteswap().tobytes()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    path = tmp_path / "big.dcm"
    path.write_bytes(bytes(128) + b"DICM" + meta_bytes(ExplicitVRBigEndian) + encoded_big_endian(dataset))
    header = header_of(path)

    model = to_json_model(header.dataset, is_big_endian=header.is_big_endian)

    import base64

    read = numpy.frombuffer(base64.b64decode(model["00281201"]["InlineBinary"]), "<u2")
    assert (read == table).all()


def meta_bytes(syntax: UID) -> bytes:
    from imaging.spool import file_meta

    values = dict.fromkeys(
        ["sop_class_uid", "sop_instance_uid", "calling_ae_title", "called_ae_title", "address"], ""
    )
    return file_meta(transfer_syntax_uid=str(syntax), **values)[132:]


def encoded_big_endian(dataset) -> bytes:
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    file = DicomBytesIO()
    file.is_little_endian, file.is_implicit_VR = False, False
    del dataset.file_meta
    write_dataset(file, dataset)
    return file.getvalue()


def test_private_elements_can_be_left_out_at_every_depth():
    model = {
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00091010": {"vr": "UN", "InlineBinary": "AA=="},
        "00400275": {"vr": "SQ", "Value": [{"00091011": {"vr": "LO"}, "00400007": {"vr": "LO"}}]},
    }

    assert without_private(model) == {
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00400275": {"vr": "SQ", "Value": [{"00400007": {"vr": "LO"}}]},
    }


def test_the_worker_says_how_frames_will_be_served(tmp_path):
    (dataset,) = slices(identity_of(FakePatient()), 1)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path = tmp_path / "one.dcm"
    path.write_bytes(bytes(128) + b"DICM" + meta_bytes(ExplicitVRLittleEndian) + encoded(dataset))
    from imaging import spool

    found, metadata = examine(
        {
            "path": str(path),
            "data_offset": spool.read_envelope(path).data_offset,
            "transfer_syntax": str(ExplicitVRLittleEndian),
            "sop_class_uid": str(dataset.SOPClassUID),
            "sop_instance_uid": str(dataset.SOPInstanceUID),
            "side_file": str(tmp_path / "side"),
        }
    )

    assert json.load(io.BytesIO(metadata))["00083002"]["Value"] == [str(ExplicitVRLittleEndian)]
    assert found["frame_offsets"][0][1] == 32 * 32 * 2
    assert (found["modality"], found["patient_id"], found["frames"]) == ("CT", "A1", 1)
