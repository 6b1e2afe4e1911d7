"""A modality for tests: objects of an order's patient, put into the spool as the DICOM server would."""

import io
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import _read_file_meta_info
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

from clinic.demo.images import StudyIdentity, ct_series, derived_uid
from imaging import spool
from imaging.ingest import ingest_spool
from imaging.models import Instance, Study
from patients.models import Patient
from scheduling.models import Order
from tests.factories import make_order

AE = "CT1"
ADDRESS = "10.0.0.7"
PYDICOM_FILES = Path(pydicom.__file__).parent / "data"


def identity_of(patient: Patient, **changes: str) -> StudyIdentity:
    """What a modality writes that was told everything about ``patient``."""
    values = {
        "patient_id": patient.mrn,
        "patient_name": patient.dicom_name,
        "birth_date": f"{patient.birth_date:%Y%m%d}" if patient.birth_date else "",
        "sex": patient.sex,
        "study_instance_uid": derived_uid("test", patient.pk, len(changes)),
    }
    return StudyIdentity(**values | changes)


def identity_for(order: Order, **changes: str) -> StudyIdentity:
    """What a modality writes that took ``order`` from its worklist."""
    values = {"study_instance_uid": order.study_instance_uid, "accession_number": order.accession_number}
    return identity_of(order.patient, **values | changes)


def slices(identity: StudyIdentity, count: int = 3, **attributes: Any) -> list[Dataset]:
    """Small CT slices; ``attributes`` are set in each."""
    made = ct_series(identity, slices=count, size=32)
    for dataset in made:
        for name, value in attributes.items():
            setattr(dataset, name, value)
    return made


def send(*datasets: Dataset, **announced: str) -> list[Path]:
    """Put data sets into the spool; ``announced`` is what C-STORE said instead of the truth."""
    return [send_bytes(encoded(dataset), dataset, **announced) for dataset in datasets]


def send_bytes(data: bytes, dataset: Dataset, **announced: str) -> Path:
    """Put ``data`` into the spool, announced as ``dataset``."""
    values = {
        "sop_class_uid": str(dataset.SOPClassUID),
        "sop_instance_uid": str(dataset.SOPInstanceUID),
        "transfer_syntax_uid": str(dataset.file_meta.TransferSyntaxUID),
        "calling_ae_title": AE,
        "called_ae_title": "CEDAR",
        "address": ADDRESS,
    }
    with spool.SpoolFile(spool.file_meta(**values | announced)) as file:
        file.write(data)
        return file.commit()


def send_file(path: Path) -> Path:
    """Put the data set of a Part-10 file into the spool, byte for byte."""
    with path.open("rb") as file:
        file.seek(132)
        meta = _read_file_meta_info(file)
        rest = file.read()
    described = Dataset()
    described.SOPClassUID = meta.MediaStorageSOPClassUID
    described.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    described.file_meta = meta
    return send_bytes(rest, described)


def encoded(dataset: Dataset) -> bytes:
    """The data set alone, in its transfer syntax."""
    meta = getattr(dataset, "file_meta", None) or FileMetaDataset()
    meta.setdefault("TransferSyntaxUID", ExplicitVRLittleEndian)
    dataset.file_meta = meta
    file = io.BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    file.seek(132)
    _read_file_meta_info(file)
    return file.read()


def receive(*datasets: Dataset) -> Study:
    """Send and ingest; the study of the first one."""
    send(*datasets)
    ingest_spool()
    return Study.objects.get(study_instance_uid=datasets[0].StudyInstanceUID)


def receive_for_order(count: int = 3, order: Order | None = None, **attributes: Any) -> Study:
    """A linked study of ``count`` slices."""
    order = order or make_order(status="scheduled")
    return receive(*slices(identity_for(order), count, **attributes))


def receive_file(name: str) -> Instance:
    """One of pydicom's test files, ingested; its patient is unknown here, so it is held."""
    send_file(PYDICOM_FILES / name)
    ingest_spool()
    return Instance.objects.latest("pk")
