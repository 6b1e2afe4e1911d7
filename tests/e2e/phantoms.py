"""Images whose every pixel is known, for the viewer's tests."""

from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    EncapsulatedPDFStorage,
    RLELossless,
    UltrasoundMultiFrameImageStorage,
)

from clinic.demo.images import StudyIdentity, derived_uid
from clinic.demo.images.identity import new_object

WEDGE_ROWS, WEDGE_COLUMNS = 90, 120


def wedge(
    identity: StudyIdentity,
    values: Sequence[int] = (0, 2048, 4095),
    *,
    photometric: str = "MONOCHROME2",
    scale: int = 1,
) -> Dataset:
    """An X-ray of three level steps, one below the other; the window covers all twelve bits."""
    ds = new_object(
        identity,
        sop_class=DigitalXRayImageStorageForPresentation,
        modality="DX",
        series=f"wedge/{photometric}",
    )
    ds.SeriesNumber = 1
    ds.SeriesDescription = "Wedge"
    picture = np.repeat(np.array(values, "<u2"), WEDGE_ROWS // 3 * scale)[:, None]
    _put_grey(ds, np.tile(picture, (1, WEDGE_COLUMNS * scale)), bits=12, photometric=photometric)
    ds.WindowCenter, ds.WindowWidth = "2048", "4096"
    ds.ImagerPixelSpacing = ["0.2", "0.2"]
    ds.PatientOrientation = ["L", "F"]
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = "1", "0", "US"
    return ds


def ct_steps(identity: StudyIdentity, count: int = 12, *, compressed: bool = False) -> list[Dataset]:
    """Slices of 64 × 64 pixels of 0.5 mm: the left half has 10 HU more in each slice, the right has 40."""
    made = []
    for number in range(1, count + 1):
        ds = new_object(identity, sop_class=CTImageStorage, modality="CT", series="steps", number=number)
        ds.SeriesNumber = 2
        ds.SeriesDescription = "Steps"
        picture = np.full((64, 64), 40 + 1024, "<u2")
        picture[:, :32] = 10 * number + 1024
        _put_grey(ds, picture, bits=12)
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = "1", "-1024", "HU"
        ds.WindowCenter, ds.WindowWidth = "40", "400"
        ds.PixelSpacing = ["0.5", "0.5"]
        ds.SliceThickness = "5"
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.ImagePositionPatient = [0, 0, 5 * number]
        ds.FrameOfReferenceUID = derived_uid(identity.study_instance_uid, "frame of reference")
        if compressed:
            ds.compress(RLELossless, generate_instance_uid=False)
        made.append(ds)
    return made


def damage(ds: Dataset) -> Dataset:
    """The same object with image data that no decoder can read."""
    ds.PixelData = encapsulate([b"\xff" * 200])
    return ds


def clip(identity: StudyIdentity, frames: int = 8) -> Dataset:
    """A colour film at 10 images per second whose frame ``n`` is all of red ``n`` × 20."""
    ds = new_object(identity, sop_class=UltrasoundMultiFrameImageStorage, modality="US", series="clip")
    ds.SeriesNumber = 3
    ds.SeriesDescription = "Film"
    picture = np.zeros((frames, 48, 64, 3), np.uint8)
    picture[..., 0] = 20 * np.arange(1, frames + 1)[:, None, None]
    ds.NumberOfFrames = frames
    ds.FrameTime = "100"
    ds.FrameIncrementPointer = 0x00181063
    ds.Rows, ds.Columns = 48, 64
    ds.SamplesPerPixel, ds.PlanarConfiguration, ds.PhotometricInterpretation = 3, 0, "RGB"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.LossyImageCompression = "01"
    ds.LossyImageCompressionRatio = "12"
    ds.PixelData = picture.tobytes()
    ds["PixelData"].VR = "OB"
    return ds


def letter(identity: StudyIdentity) -> Dataset:
    """An encapsulated PDF: an object of the study that is no image."""
    ds = new_object(identity, sop_class=EncapsulatedPDFStorage, modality="DOC", series="letter")
    ds.SeriesNumber = 9
    ds.DocumentTitle = "Referral letter"
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    ds.EncapsulatedDocument = b"%PDF-1.4\n%%EOF\n"
    return ds


def _put_grey(ds: Dataset, picture: np.ndarray, *, bits: int, photometric: str = "MONOCHROME2") -> None:
    ds.Rows, ds.Columns = picture.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, photometric
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, bits, bits - 1, 0
    ds.PixelData = picture.tobytes()
    ds["PixelData"].VR = "OW"
