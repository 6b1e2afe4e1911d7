"""Digital X-ray objects (PS3.3 A.26, Digital X-Ray Image Storage - For Presentation), 12 bits stored."""

from itertools import pairwise

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import DigitalXRayImageStorageForPresentation

from clinic.demo.images.chest import FILM_WIDTH, chest_picture
from clinic.demo.images.hand import hand_picture
from clinic.demo.images.identity import StudyIdentity, code, new_object
from clinic.demo.images.painting import Picture, blur, paint_tube

CHEST_FINDINGS = ("", "nodule", "consolidation", "effusion")
HIGHEST = 4095
MARKERS = {
    "L": [[(0.2, 0.0), (0.2, 1.0), (0.8, 1.0)]],
    "R": [
        [(0.2, 1.0), (0.2, 0.0)],
        [(0.2, 0.02), (0.6, 0.02), (0.78, 0.24), (0.6, 0.5), (0.2, 0.5)],
        [(0.45, 0.5), (0.8, 1.0)],
    ],
}


def chest_xray(
    identity: StudyIdentity,
    *,
    seed: int = 1,
    rows: int = 2800,
    columns: int = 2400,
    finding: str = "",
    heart: float = 1.0,
    inverted: bool = False,
) -> list[Dataset]:
    """One PA chest film; `finding` of CHEST_FINDINGS, `heart` its relative size, `inverted` MONOCHROME1."""
    if finding not in CHEST_FINDINGS:
        raise ValueError(
            f"Unknown chest finding {finding!r}; known: {', '.join(filter(None, CHEST_FINDINGS))}."
        )
    rng = np.random.default_rng(seed)
    picture = chest_picture(rows, columns, rng, finding=finding, heart=heart)
    put_marker(picture, "L", right=True)
    ds = _film(identity, picture, series=f"chest/{seed}/{finding}", millimetres=FILM_WIDTH, inverted=inverted)
    ds.SeriesDescription = "Chest PA"
    ds.BodyPartExamined = "CHEST"
    ds.ImageLaterality = "U"
    ds.AnatomicRegionSequence = code("816094009", "Chest")
    ds.ViewPosition = "PA"
    ds.ViewCodeSequence = code("399348003", "postero-anterior")
    ds.PatientOrientation = ["L", "F"]
    ds.KVP = "120"
    ds.Exposure = "3"
    return [ds]


def hand_xray(
    identity: StudyIdentity,
    *,
    seed: int = 1,
    rows: int = 2400,
    columns: int = 2000,
    side: str = "L",
    fracture: bool = False,
) -> list[Dataset]:
    """One PA hand film; `side` is L or R. With `fracture` the fifth metacarpal's neck is broken."""
    rng = np.random.default_rng(seed)
    picture, width = hand_picture(rows, columns, rng, fracture=fracture)
    if side == "R":
        picture = np.ascontiguousarray(picture[:, ::-1])
    put_marker(picture, side, right=side == "L")
    ds = _film(identity, picture, series=f"hand/{seed}/{side}", millimetres=width, inverted=False)
    ds.SeriesDescription = "Hand PA"
    ds.BodyPartExamined = "HAND"
    ds.ImageLaterality = side
    ds.AnatomicRegionSequence = code("85562004", "Hand")
    ds.ViewPosition = "PA"
    ds.ViewCodeSequence = code("399348003", "postero-anterior")
    ds.PatientOrientation = ["R", "P"]
    ds.KVP = "52"
    ds.Exposure = "2"
    return [ds]


def put_marker(picture: Picture, letter: str, *, right: bool) -> None:
    """Lay a lead letter on the film, near the upper edge."""
    rows, columns = picture.shape
    size = rows * 0.022
    left, top = (0.925 if right else 0.045) * columns, 0.16 * rows
    lead = np.zeros_like(picture)
    for stroke in MARKERS[letter]:
        line = [(left + x * size, top + y * size, max(1.0, size * 0.085), 1.0) for x, y in stroke]
        paint_tube(lead, np.array([p for pair in pairwise(line) for p in pair]))
    box = np.s_[int(top - size) : int(top + 2 * size) + 2, int(left - size) : int(left + 2 * size) + 2]
    solid = np.clip(blur(lead[box], size * 0.02) * 2.2, 0, 1)
    picture[box] = picture[box] * (1 - solid) + 0.97 * solid


def _film(
    identity: StudyIdentity, picture: Picture, *, series: str, millimetres: float, inverted: bool
) -> Dataset:
    ds = new_object(identity, sop_class=DigitalXRayImageStorageForPresentation, modality="DX", series=series)
    rows, columns = picture.shape
    stored = np.clip(picture * HIGHEST + 0.5, 0, HIGHEST).astype("<u2")
    ds.SeriesNumber = 1
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.ImageType = ["DERIVED", "PRIMARY"]
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    ds.PresentationLUTShape = "INVERSE" if inverted else "IDENTITY"
    ds.Rows, ds.Columns = rows, columns
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelIntensityRelationship = "LOG"
    ds.PixelIntensityRelationshipSign = -1 if inverted else 1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
    ds.WindowCenter, ds.WindowWidth = "2048", "4096"
    ds.WindowCenterWidthExplanation = "NORMAL"
    ds.LossyImageCompression = "00"
    ds.BurnedInAnnotation = "NO"
    ds.ImagerPixelSpacing = ds.PixelSpacing = [f"{millimetres / columns:.6f}"] * 2
    ds.PixelSpacingCalibrationType = "GEOMETRY"
    ds.PixelSpacingCalibrationDescription = "At the detector"
    ds.DetectorType = "SCINTILLATOR"
    ds.DetectorConfiguration = "AREA"
    ds.DistanceSourceToDetector = "1800"
    ds.DistanceSourceToPatient = "1700"
    ds.PositionerType = "COLUMN"
    ds.AcquisitionContextSequence = []
    ds.PixelData = (HIGHEST - stored if inverted else stored).tobytes()
    ds["PixelData"].VR = "OW"
    return ds
