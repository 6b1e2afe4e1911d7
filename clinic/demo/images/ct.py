"""CT series (PS3.3 A.3, CT Image Storage): chest and upper abdomen, 16 bits signed."""

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from clinic.demo.images.identity import StudyIdentity, derived_uid, new_object
from clinic.demo.images.torso import FIELD_OF_VIEW, LENGTH, lung_vessels, scanner_noise, torso_slice


def ct_series(identity: StudyIdentity, *, seed: int = 1, slices: int = 60, size: int = 512) -> list[Dataset]:
    """Axial slices from the lung apices downwards, evenly spaced over 300 mm, head first and supine."""
    rng = np.random.default_rng(seed)
    tree, noise = lung_vessels(rng), scanner_noise(rng, size)
    spacing = LENGTH / slices
    series = f"ct/{seed}/{slices}/{size}"
    objects = []
    for number in range(1, slices + 1):
        s = (number - 0.5) * spacing
        hu = torso_slice(size, s, tree, np.random.default_rng(seed))
        top, left = rng.integers(0, 64, 2)
        hu += noise[top : top + size, left : left + size] * np.where(hu < -900, 0.5, 1)
        objects.append(_slice(identity, hu, series=series, number=number, z=-s, spacing=spacing))
    return objects


def _slice(
    identity: StudyIdentity, hu: np.ndarray, *, series: str, number: int, z: float, spacing: float
) -> Dataset:
    ds = new_object(identity, sop_class=CTImageStorage, modality="CT", series=series, number=number)
    size = hu.shape[0]
    corner = (-FIELD_OF_VIEW + FIELD_OF_VIEW / size) / 2
    ds.SeriesNumber = 2
    ds.SeriesDescription = "Chest and abdomen, portal venous"
    ds.BodyPartExamined = "CHESTABDOMEN"
    ds.PatientPosition = "HFS"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.AcquisitionNumber = 1
    ds.FrameOfReferenceUID = derived_uid(identity.study_instance_uid, "frame of reference")
    ds.PositionReferenceIndicator = ""
    ds.ImagePositionPatient = [f"{corner:.4f}", f"{corner:.4f}", f"{z:.4f}"]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.SliceLocation = f"{z:.4f}"
    ds.SliceThickness = f"{spacing:.4f}"
    ds.PixelSpacing = [f"{FIELD_OF_VIEW / size:.6f}"] * 2
    ds.KVP = "120"
    ds.XRayTubeCurrent = "180"
    ds.ExposureTime = "500"
    ds.ConvolutionKernel = "SOFT"
    ds.ReconstructionDiameter = f"{FIELD_OF_VIEW:.1f}"
    ds.GantryDetectorTilt = "0"
    ds.ContrastBolusAgent = "Iodinated contrast, intravenous"
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows = ds.Columns = size
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "HU"
    ds.WindowCenter, ds.WindowWidth = ["40", "-600"], ["400", "1500"]
    ds.WindowCenterWidthExplanation = ["SOFT TISSUE", "LUNG"]
    ds.PixelData = np.clip(np.rint(hu), -1024, 3071).astype("<i2").tobytes()
    ds["PixelData"].VR = "OW"
    return ds
