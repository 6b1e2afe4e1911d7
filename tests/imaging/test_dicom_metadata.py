"""Metadata of real files, against pydicom reading the same files in its own way."""

import io
import json
from pathlib import Path

import numpy
import pydicom
import pytest
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
)

from imaging.dicomfile.jsonmodel import INLINE_LIMIT, to_json_model, without_private
from imaging.dicomfile.worker import examine

from .sender import PYDICOM_FILES, encoded, identity_of, slices
from .test_dicomfile import FakePatient, header_of

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
