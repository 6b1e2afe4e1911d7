"""Pictures and documents that are not DICOM, wrapped so that the archive takes them (PS3.3 A.8.1, A.45.1)."""

import datetime as dt
import hashlib
import io
import uuid
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    SecondaryCaptureImageStorage,
)

from clinic.errors import InvalidInput
from patients.models import Patient

MOST_PIXELS = 60_000_000
_SPACE = uuid.UUID("5d0c3a86-3f0e-4f39-9c07-9a4f0a0c5e11")
_BASELINE = b"\xff\xc0"


def uid_of(*parts: object) -> str:
    """Always the same UID for the same things (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid5(_SPACE, '|'.join(map(str, parts))).int}"


def wrap(
    path: Path,
    data: bytes,
    patient: Patient,
    *,
    study_uid: str,
    accession_number: str,
    taken_on: dt.date,
    description: str,
) -> Dataset:
    """A Secondary Capture of a picture, or an Encapsulated PDF, in the patient's name."""
    ds = _about(patient, study_uid, accession_number, taken_on, description)
    ds.SOPInstanceUID = uid_of("instance", study_uid, hashlib.sha256(data).hexdigest())
    if data.startswith(b"%PDF-"):
        _hold_pdf(ds, data)
    elif data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n")):
        _hold_picture(ds, path, data)
    else:
        raise InvalidInput(
            _("“%(name)s” is neither DICOM nor JPEG, PNG or PDF.") % {"name": path.name}, field="file"
        )
    return ds


def _about(patient: Patient, study_uid: str, number: str, taken_on: dt.date, description: str) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PatientName, ds.PatientID = patient.dicom_name, patient.mrn
    known = patient.birth_date if patient.birth_precision == "day" else None
    ds.PatientBirthDate = f"{known:%Y%m%d}" if known else ""
    ds.PatientSex = patient.sex if patient.sex in ("M", "F", "O") else ""
    ds.StudyInstanceUID = study_uid
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = ds.AcquisitionDate = f"{taken_on:%Y%m%d}"
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = ""
    ds.StudyID, ds.AccessionNumber, ds.ReferringPhysicianName = "", number, ""
    ds.StudyDescription = description[:64]
    ds.SeriesDescription = description[:64]
    ds.InstanceNumber = 1
    ds.Laterality = ds.PatientOrientation = ""
    return ds


def _hold_pdf(ds: Dataset, data: bytes) -> None:
    ds.SOPClassUID = EncapsulatedPDFStorage
    ds.SeriesInstanceUID, ds.SeriesNumber = uid_of("documents", ds.StudyInstanceUID), 902
    ds.Modality, ds.ConversionType = "DOC", "SD"
    ds.BurnedInAnnotation = "YES"
    ds.DocumentTitle = ds.SeriesDescription
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    ds.ConceptNameCodeSequence = []
    ds.EncapsulatedDocumentLength = len(data)
    ds.EncapsulatedDocument = data + b"\0" * (len(data) % 2)
    _in_syntax(ds, ExplicitVRLittleEndian)


def _hold_picture(ds: Dataset, path: Path, data: bytes) -> None:
    ds.SOPClassUID = SecondaryCaptureImageStorage
    ds.SeriesInstanceUID, ds.SeriesNumber = uid_of("pictures", ds.StudyInstanceUID), 901
    ds.Modality, ds.ConversionType = "OT", "DI"
    ds.BurnedInAnnotation = "YES"
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise InvalidInput(
                    _("“%(name)s” has %(width)d × %(height)d pixels; that is too large.")
                    % {"name": path.name, "width": picture.width, "height": picture.height},
                    field="file",
                )
            is_turned = picture.getexif().get(0x0112, 1) != 1
            whole = ImageOps.exif_transpose(picture) if is_turned else picture
            whole.load()
            if (
                picture.format == "JPEG"
                and not is_turned
                and picture.mode in ("L", "RGB")
                and _is_baseline(data)
            ):
                _keep_jpeg(ds, picture, data)
            else:
                _keep_pixels(ds, whole)
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise InvalidInput(
            _("The picture “%(name)s” is damaged: %(why)s") % {"name": path.name, "why": error}, field="file"
        ) from error


def _is_baseline(data: bytes) -> bool:
    """Whether the JPEG is of the kind that every viewer knows; looked for among its first markers."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place : place + 2]
        if marker == _BASELINE:
            return True
        if 0xC1 <= marker[1] <= 0xCF and marker[1] not in (0xC4, 0xC8, 0xCC):
            return False
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return False


def _keep_jpeg(ds: Dataset, picture: Any, data: bytes) -> None:
    """The bytes of the picture as they are, so that nothing is lost a second time."""
    is_grey = picture.mode == "L"
    _shape(ds, picture, samples=1 if is_grey else 3)
    ds.PhotometricInterpretation = "MONOCHROME2" if is_grey else "YBR_FULL_422"
    ds.LossyImageCompression, ds.LossyImageCompressionMethod = "01", "ISO_10918_1"
    size = picture.width * picture.height * ds.SamplesPerPixel
    ds.LossyImageCompressionRatio = f"{max(1.0, size / len(data)):.2f}"
    ds.PixelData = encapsulate([data])
    ds["PixelData"].is_undefined_length = True
    _in_syntax(ds, JPEGBaseline8Bit)


def _keep_pixels(ds: Dataset, picture: Any) -> None:
    if picture.mode.startswith("I"):  # 16 bits of grey
        picture = picture.convert("I")
        pixels = b"".join(min(max(value, 0), 65535).to_bytes(2, "little") for value in picture.getdata())
        _shape(ds, picture, samples=1, bits=16)
    else:
        if "A" in picture.mode or picture.mode == "P":
            behind = Image.new("RGBA", picture.size, "white")
            behind.alpha_composite(picture.convert("RGBA"))
            picture = behind
        picture = picture.convert("L" if picture.mode in ("L", "1") else "RGB")
        pixels = picture.tobytes()
        _shape(ds, picture, samples=len(picture.getbands()))
    ds.PhotometricInterpretation = "MONOCHROME2" if ds.SamplesPerPixel == 1 else "RGB"
    ds.PixelData = pixels + b"\0" * (len(pixels) % 2)
    ds["PixelData"].VR = "OW" if ds.BitsAllocated == 16 else "OB"
    _in_syntax(ds, ExplicitVRLittleEndian)


def _shape(ds: Dataset, picture: Any, *, samples: int, bits: int = 8) -> None:
    ds.SamplesPerPixel = samples
    if samples == 3:
        ds.PlanarConfiguration = 0
    ds.Rows, ds.Columns = picture.height, picture.width
    ds.BitsAllocated = ds.BitsStored = bits
    ds.HighBit, ds.PixelRepresentation = bits - 1, 0


def _in_syntax(ds: Dataset, syntax: UID) -> None:
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
