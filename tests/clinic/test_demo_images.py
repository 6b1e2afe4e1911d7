"""The synthetic images: valid DICOM, the same for the same seed, geometry and calibration that add up."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from clinic.demo.images import (
    StudyIdentity,
    chest_xray,
    ct_series,
    doppler_still,
    hand_xray,
    ultrasound_clip,
    ultrasound_still,
    write_part10,
)

IDENTITY = StudyIdentity(
    patient_id="CVC-0007",
    patient_name="Yamada^Tarou=山田^太郎=やまだ^たろう",
    study_instance_uid="2.25.98765432101234567890",
    birth_date="19610203",
    sex="M",
    accession_number="A000007",
    study_date="20260105",
    study_time="101500",
    referring_physician="Müller^Änne",
    description="Test study",
    station_ae="CEDAR_XR",
)

KINDS: dict[str, Callable[[], list[Dataset]]] = {
    "chest": lambda: chest_xray(IDENTITY, rows=280, columns=240),
    "chest inverted": lambda: chest_xray(IDENTITY, rows=280, columns=240, finding="nodule", inverted=True),
    "hand": lambda: hand_xray(IDENTITY, rows=240, columns=200, side="R", fracture=True),
    "ct": lambda: ct_series(IDENTITY, slices=3, size=64),
    "clip": lambda: ultrasound_clip(IDENTITY, frames=3, rows=120, columns=160),
    "still": lambda: ultrasound_still(IDENTITY, rows=120, columns=160, scene="fetus"),
    "doppler": lambda: doppler_still(IDENTITY, rows=120, columns=160),
}


@pytest.mark.needs_tool("dciodvfy", package="dicom3tools")
@pytest.mark.parametrize("kind", KINDS)
def test_objects_have_no_errors_for_dciodvfy(kind: str, tmp_path: Path) -> None:
    complaints = ""

    for ds in KINDS[kind]():
        write_part10(ds, tmp_path / "image.dcm")
        done = subprocess.run(
            ["dciodvfy", tmp_path / "image.dcm"], capture_output=True, text=True, check=False
        )
        complaints += "".join(line for line in done.stderr.splitlines() if line.startswith("Error"))

    assert complaints == ""


@pytest.mark.needs_tool("dcmdump", package="dcmtk")
@pytest.mark.parametrize("kind", KINDS)
def test_dcmtk_reads_the_files(kind: str, tmp_path: Path) -> None:
    write_part10(KINDS[kind]()[0], tmp_path / "image.dcm")

    done = subprocess.run(
        ["dcmdump", "+P", "PatientID", tmp_path / "image.dcm"], capture_output=True, text=True
    )

    assert done.returncode == 0
    assert "[CVC-0007]" in done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_gives_the_same_object(kind: str, tmp_path: Path) -> None:
    for name, objects in (("first", KINDS[kind]()), ("second", KINDS[kind]())):
        write_part10(objects[-1], tmp_path / name)

    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_identity_survives_the_file(kind: str, tmp_path: Path) -> None:
    write_part10(KINDS[kind]()[0], tmp_path / "image.dcm")

    ds = dcmread(tmp_path / "image.dcm")

    assert ds.PatientName.ideographic == "山田^太郎"
    assert (ds.PatientID, ds.PatientBirthDate, ds.PatientSex) == ("CVC-0007", "19610203", "M")
    assert (ds.AccessionNumber, ds.StudyInstanceUID) == ("A000007", IDENTITY.study_instance_uid)
    assert ds.pixel_array.size > 0


def test_other_seed_gives_another_picture_of_another_series() -> None:
    first = chest_xray(IDENTITY, seed=1, rows=280, columns=240)[0]
    second = chest_xray(IDENTITY, seed=2, rows=280, columns=240)[0]

    assert first.PixelData != second.PixelData
    assert first.SeriesInstanceUID != second.SeriesInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID


def test_chest_film_uses_twelve_bits_and_shows_dark_lungs_beside_a_bright_heart() -> None:
    ds = chest_xray(IDENTITY, rows=560, columns=480)[0]

    film = ds.pixel_array
    lung, heart, air = film[200:260, 110:140], film[330:360, 240:300], film[:20, :20]
    assert (ds.BitsStored, ds.HighBit, film.max() <= 4095) == (12, 11, True)
    assert air.mean() < lung.mean() < heart.mean()
    assert np.unique(film).size > 1500


def test_inverted_film_is_the_same_picture() -> None:
    plain = chest_xray(IDENTITY, rows=280, columns=240)[0]
    inverted = chest_xray(IDENTITY, rows=280, columns=240, inverted=True)[0]

    assert inverted.PhotometricInterpretation == "MONOCHROME1"
    assert np.array_equal(4095 - inverted.pixel_array, plain.pixel_array)


def test_ct_slices_stand_evenly_from_head_to_feet() -> None:
    objects = ct_series(IDENTITY, slices=6, size=64)

    heights = [float(ds.ImagePositionPatient[2]) for ds in objects]
    assert [ds.InstanceNumber for ds in objects] == [1, 2, 3, 4, 5, 6]
    assert np.allclose(np.diff(heights), -50)
    assert {float(ds.SliceThickness) for ds in objects} == {50.0}
    assert len({ds.FrameOfReferenceUID for ds in objects}) == 1
    assert len({ds.SeriesInstanceUID for ds in objects}) == 1
    assert len({ds.SOPInstanceUID for ds in objects}) == 6


def test_ct_is_in_hounsfield_units() -> None:
    middle = ct_series(IDENTITY, slices=5, size=128)[2]

    hu = middle.pixel_array * float(middle.RescaleSlope) + float(middle.RescaleIntercept)
    assert hu.dtype.kind == "f"
    assert -1024 <= hu[:5, :5].mean() < -950  # air
    assert -920 < np.median(hu[60:70, 24:34]) < -780  # right lung
    assert hu.max() > 400  # bone


def test_clip_moves_and_is_calibrated_in_centimetres() -> None:
    ds = ultrasound_clip(IDENTITY, frames=4)[0]

    region = ds.SequenceOfUltrasoundRegions[0]
    frames = ds.pixel_array.astype(int)
    assert (ds.NumberOfFrames, frames.shape) == (4, (4, 480, 640, 3))
    assert (region.PhysicalUnitsXDirection, region.PhysicalUnitsYDirection) == (3, 3)
    assert (region.RegionLocationMaxY1 - region.RegionLocationMinY0) * region.PhysicalDeltaY == pytest.approx(
        16.43, abs=0.1
    )  # 15.5 cm of depth and the curve of the probe
    assert np.abs(frames[2] - frames[0]).mean() > 5


def test_doppler_still_has_colour_in_its_flow_region() -> None:
    ds = doppler_still(IDENTITY)[0]

    flow = ds.SequenceOfUltrasoundRegions[1]
    pixels = ds.pixel_array[
        flow.RegionLocationMinY0 : flow.RegionLocationMaxY1,
        flow.RegionLocationMinX0 : flow.RegionLocationMaxX1,
    ].astype(int)
    assert flow.RegionDataType == 2
    assert (pixels[..., 0] - pixels[..., 2] > 80).mean() > 0.15
    assert (pixels[..., 2] - pixels[..., 0] > 80).any()


def test_unknown_finding_is_named() -> None:
    with pytest.raises(
        ValueError, match="Unknown chest finding 'mumps'; known: nodule, consolidation, effusion"
    ):
        chest_xray(IDENTITY, finding="mumps", rows=280, columns=240)


def test_identity_is_copied_from_a_worklist_item() -> None:
    step = Dataset()
    step.ScheduledStationAETitle = "CEDAR_US"
    step.ScheduledProcedureStepStartDate = "20260107"
    step.ScheduledProcedureStepStartTime = "141500"
    item = Dataset()
    item.PatientID, item.PatientName, item.PatientSex = "CVC-0009", "Ω^Α", "F"
    item.StudyInstanceUID, item.AccessionNumber = "2.25.5", "A9"
    item.ScheduledProcedureStepSequence = [step]

    identity = StudyIdentity.from_worklist(item, description="Abdomen")

    assert (identity.patient_id, identity.patient_name, identity.sex) == ("CVC-0009", "Ω^Α", "F")
    assert (identity.study_instance_uid, identity.accession_number) == ("2.25.5", "A9")
    assert (identity.station_ae, identity.study_date, identity.study_time) == (
        "CEDAR_US",
        "20260107",
        "141500",
    )
    assert identity.description == "Abdomen"
