"""Whose images these are: the identity of each object, and the attributes that all objects share."""

import uuid
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian

IMPLEMENTATION_UID = UID("2.25.329800735698586629295641978511506172929")
MANUFACTURER = "Cedar"


@dataclass(frozen=True, kw_only=True)
class StudyIdentity:
    """Values as DICOM writes them: a modality copies them from its worklist item, and so does a test.

    `patient_name` may hold all groups ("Yamada^Tarou=山田^太郎=やまだ^たろう"), dates are YYYYMMDD,
    times HHMMSS. An empty string means that the modality did not know.
    """

    patient_id: str
    patient_name: str
    study_instance_uid: str
    birth_date: str = ""
    sex: str = "O"
    accession_number: str = ""
    study_date: str = "20260105"
    study_time: str = "093000"
    referring_physician: str = ""
    description: str = ""
    study_id: str = ""
    station_ae: str = ""
    institution: str = "Cedar Village"
    operator: str = ""
    patient_age: str = ""

    @classmethod
    def from_worklist(cls, item: Dataset, **changes: str) -> Self:
        """What a modality takes from a Modality Worklist item (PS3.4 Annex K); `changes` wins over it."""
        step = (item.get("ScheduledProcedureStepSequence") or [Dataset()])[0]
        values = {
            "patient_id": item.get("PatientID", ""),
            "patient_name": item.get("PatientName", ""),
            "study_instance_uid": item.get("StudyInstanceUID", ""),
            "birth_date": item.get("PatientBirthDate", ""),
            "sex": item.get("PatientSex", ""),
            "accession_number": item.get("AccessionNumber", ""),
            "study_date": step.get("ScheduledProcedureStepStartDate", ""),
            "study_time": step.get("ScheduledProcedureStepStartTime", ""),
            "referring_physician": item.get("ReferringPhysicianName", ""),
            "description": item.get("RequestedProcedureDescription", ""),
            "station_ae": step.get("ScheduledStationAETitle", ""),
        }
        known = {field.name for field in fields(cls)}
        filled = {name: str(value) for name, value in values.items() if value and name in known}
        return cls(**{**filled, **changes})


def derived_uid(*parts: object) -> UID:
    """A UID that is always the same for the same parts (PS3.5 B.2, UUID-derived)."""
    return UID(f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, '/'.join(map(str, parts))).int}")


def new_object(
    identity: StudyIdentity, *, sop_class: UID, modality: str, series: str, number: int = 1
) -> Dataset:
    """Patient, study, series, equipment and SOP common modules of one object; `series` names the series."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = derived_uid(identity.study_instance_uid, series, number)
    ds.InstanceCreationDate = identity.study_date
    ds.InstanceCreationTime = identity.study_time
    ds.InstanceNumber = number
    _add_patient_and_study(ds, identity)
    ds.Modality = modality
    ds.SeriesInstanceUID = derived_uid(identity.study_instance_uid, series)
    ds.SeriesDate = ds.ContentDate = ds.AcquisitionDate = identity.study_date
    ds.SeriesTime = ds.ContentTime = ds.AcquisitionTime = identity.study_time
    ds.OperatorsName = identity.operator
    ds.PerformedProcedureStepStartDate = identity.study_date
    ds.PerformedProcedureStepStartTime = identity.study_time
    ds.Manufacturer = MANUFACTURER
    ds.ManufacturerModelName = "Synthetic modality"
    ds.DeviceSerialNumber = "1"
    ds.SoftwareVersions = "1"
    ds.InstitutionName = identity.institution
    if identity.station_ae:
        ds.StationName = identity.station_ae
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = "CEDAR_DEMO"
    ds.file_meta = meta
    return ds


def _add_patient_and_study(ds: Dataset, identity: StudyIdentity) -> None:
    ds.PatientName = identity.patient_name
    ds.PatientID = identity.patient_id
    ds.PatientBirthDate = identity.birth_date
    ds.PatientSex = identity.sex
    if identity.patient_age:
        ds.PatientAge = identity.patient_age
    ds.StudyInstanceUID = identity.study_instance_uid
    ds.StudyDate = identity.study_date
    ds.StudyTime = identity.study_time
    ds.AccessionNumber = identity.accession_number
    ds.ReferringPhysicianName = identity.referring_physician
    ds.StudyID = identity.study_id or identity.accession_number
    if identity.description:
        ds.StudyDescription = identity.description


def code(value: str, meaning: str, scheme: str = "SCT") -> Sequence:
    """A code sequence with one item; SNOMED CT unless told otherwise (PS3.16)."""
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = scheme
    item.CodeMeaning = meaning
    return Sequence([item])


def write_part10(ds: Dataset, path: Path) -> None:
    """Write a DICOM file (PS3.10) as a modality would export it."""
    ds.save_as(path, enforce_file_format=True)
