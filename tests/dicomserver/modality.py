"""A modality that tells about its examinations and asks for commitment, for the tests."""

from collections.abc import Sequence as Many
from typing import Any

from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid
from pynetdicom.sop_class import ModalityPerformedProcedureStep

from scheduling.models import Order
from tests.dicomserver.peers import CT, EXPLICIT, associated

MPPS = str(ModalityPerformedProcedureStep)


def in_progress(*orders: Order, **changes: Any) -> Dataset:
    """What a modality tells that took ``orders`` from its worklist (PS3.4 Table F.7.2-1)."""
    step = Dataset()
    step.SpecificCharacterSet = "ISO_IR 192"
    step.ScheduledStepAttributesSequence = Sequence([scheduled(order) for order in orders])
    if orders:
        patient = orders[0].patient
        step.PatientName, step.PatientID = patient.dicom_name, patient.mrn
        step.PatientBirthDate, step.PatientSex = f"{patient.birth_date:%Y%m%d}", patient.sex
    step.PerformedProcedureStepID = "PPS1"
    step.PerformedStationAETitle = "MODALITY"
    step.PerformedProcedureStepStartDate, step.PerformedProcedureStepStartTime = "20310715", "093000"
    step.PerformedProcedureStepStatus = "IN PROGRESS"
    step.PerformedProcedureStepDescription = "Chest"
    step.PerformedProcedureStepEndDate = step.PerformedProcedureStepEndTime = ""
    step.PerformedSeriesSequence = Sequence()
    step.Modality = "CT"
    for name, value in changes.items():
        setattr(step, name, value)
    return step


def scheduled(order: Order) -> Dataset:
    item = Dataset()
    item.StudyInstanceUID, item.AccessionNumber = order.study_instance_uid, order.accession_number
    item.ScheduledProcedureStepID = item.RequestedProcedureID = order.accession_number
    return item


def final(status: str = "COMPLETED", uids: Many[str] = (), **changes: Any) -> Dataset:
    step, series = Dataset(), Dataset()
    step.PerformedProcedureStepStatus = status
    step.PerformedProcedureStepEndDate, step.PerformedProcedureStepEndTime = "20310715", "094500.5"
    series.SeriesInstanceUID, series.ProtocolName = generate_uid(), "Chest"
    series.ReferencedImageSequence = Sequence([reference(uid) for uid in uids])
    step.PerformedSeriesSequence = Sequence([series])
    for name, value in changes.items():
        if value is None:
            delattr(step, name)
        else:
            setattr(step, name, value)
    return step


def code(value: str, meaning: str, scheme: str = "DCM") -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return Sequence([item])


def reference(uid: str, sop_class: str = CT) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
    return item


def tell(server: Any, *messages: tuple[str, Dataset, str]) -> list[int]:
    """``("create" or "set", data set, UID)`` one after the other; their statuses."""
    with associated(server.port, (MPPS, EXPLICIT)) as association:
        assert association.is_established
        return [_tell(association, *message).Status for message in messages]


def _tell(association: Any, service: str, dataset: Dataset, uid: str | None) -> Dataset:
    send = association.send_n_create if service == "create" else association.send_n_set
    status, _answer = send(dataset, MPPS, uid)
    return status
