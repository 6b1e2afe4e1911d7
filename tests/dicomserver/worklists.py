"""Worklist queries and patients for the tests."""

from pydicom import Dataset
from pydicom.sequence import Sequence
from pynetdicom.sop_class import ModalityWorklistInformationFind

from patients.models import Patient
from patients.names import PersonName, name_key
from tests.dicomserver.peers import EXPLICIT, associated
from tests.factories import make_patient

MWL = str(ModalityWorklistInformationFind)


def query(*, step: dict[str, object] | None = None, **keys: object) -> Dataset:
    """The usual return keys, empty, and ``keys`` to match."""
    names = ["PatientName", "PatientID", "AccessionNumber", "StudyInstanceUID", "RequestedProcedureID"]
    identifier, part = Dataset(), Dataset()
    identifier.SpecificCharacterSet = "ISO_IR 192"
    for name in names:
        setattr(identifier, name, keys.pop(name, ""))
    for name, value in keys.items():
        setattr(identifier, name, value)
    part_names = ["ScheduledStationAETitle", "ScheduledProcedureStepStartDate", "Modality"]
    for name in [*part_names, "ScheduledProcedureStepStartTime", *(step or {})]:
        setattr(part, name, (step or {}).get(name, ""))
    identifier.ScheduledProcedureStepSequence = Sequence([part])
    return identifier


def ask(server, identifier: Dataset, calling: str = "CEDAR_XR") -> list[Dataset]:
    with associated(server.port, (MWL, EXPLICIT), calling=calling) as association:
        responses = list(association.send_c_find(identifier, MWL))
    assert responses[-1][0].Status == 0x0000, responses[-1][0]
    return [answer for _status, answer in responses[:-1]]


def numbers(answers: list[Dataset]) -> list[str]:
    return [answer.AccessionNumber for answer in answers]


def make_named(**fields) -> Patient:
    """A patient whose keys are as registration makes them."""
    patient = make_patient(**fields)
    name = PersonName(
        family=patient.family_name, given=patient.given_name, ideographic=patient.ideographic_name
    )
    Patient.objects.filter(pk=patient.pk).update(name_key=name_key(name))
    return patient
