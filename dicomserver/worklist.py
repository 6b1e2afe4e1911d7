"""The Modality Worklist: matching and return keys (PS3.4 Annex K, Table K.6-1) over the scheduled steps."""

import zoneinfo

from django.db.models import Q
from django.utils import timezone
from pydicom import Dataset
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence

from clinic.models import ClinicProfile
from patients.models import Patient, Sex
from scheduling.models import Order
from scheduling.statuses import AppointmentStatus, Priority
from scheduling.worklist import scheduled_steps

from .answers import birth_date, person_name, value_of
from .character_sets import attribute, writable
from .matching import BadQuery, DateRange, NamePattern, TextPattern, TimeRange

__all__ = ["BadQuery", "Query", "find"]

_MOST_KEYS = 200
_CODING_SCHEME = "99CEDAR"
_PRIORITIES = {Priority.STAT: "STAT", Priority.URGENT: "HIGH", Priority.ROUTINE: "ROUTINE"}
_STEP_STATUSES = {
    AppointmentStatus.BOOKED: "SCHEDULED",
    AppointmentStatus.WAITING: "ARRIVED",
    AppointmentStatus.IN_ROOM: "READY",
    AppointmentStatus.IN_SCAN: "STARTED",
}
_IDENTITY_KEYS = {"PatientName", "PatientID", "PatientBirthDate"}


class Query:
    """A worklist request, read once. Raises ``BadQuery`` in words that the modality's log can show."""

    def __init__(self, identifier: Dataset) -> None:
        if len(identifier) > _MOST_KEYS:
            raise BadQuery("The query has too many keys")
        self.keys = identifier
        steps = identifier.get("ScheduledProcedureStepSequence") or [Dataset()]
        self.step_keys = steps[0]
        self.station = self._text(self.step_keys, "ScheduledStationAETitle")
        self.modality = self._text(self.step_keys, "Modality")
        self.step_id = self._text(self.step_keys, "ScheduledProcedureStepID")
        self.performing_physician = NamePattern(value_of(self.step_keys, "ScheduledPerformingPhysicianName"))
        self.date = DateRange(value_of(self.step_keys, "ScheduledProcedureStepStartDate"))
        self.time = TimeRange(value_of(self.step_keys, "ScheduledProcedureStepStartTime"))
        self.patient_name = NamePattern(value_of(identifier, "PatientName"))
        self.patient_id = self._text(identifier, "PatientID")
        self.accession_number = self._text(identifier, "AccessionNumber")
        self.procedure_id = self._text(identifier, "RequestedProcedureID")
        self.study_uids = [uid for uid in value_of(identifier, "StudyInstanceUID").split("\\") if uid]

    @property
    def summary(self) -> str:
        """What was asked for, for the log; identities of patients are left out."""
        asked = []
        for keys in (self.step_keys, self.keys):
            for element in keys:
                if element.VR != "SQ" and element.value and element.keyword:
                    value = "…" if element.keyword in _IDENTITY_KEYS else value_of(keys, element.keyword)
                    asked.append(f"{element.keyword}={value}")
        return "; ".join(asked)

    @staticmethod
    def _text(keys: Dataset, keyword: str) -> TextPattern:
        return TextPattern(value_of(keys, keyword))


def find(query: Query, *, character_set: str) -> list[Dataset]:
    """The scheduled steps that match, by start, each with the keys that were asked for."""
    clinic = ClinicProfile.get()
    with timezone.override(zoneinfo.ZoneInfo(clinic.time_zone)):
        orders = scheduled_steps().select_related("appointment__doctor").filter(_condition(query))
        return [
            _project(_item(order, clinic, character_set), query.keys, character_set)
            for order in orders
            if query.patient_name.matches(order.patient.dicom_name)
            and query.performing_physician.matches(_physician(order))
        ]


def _condition(query: Query) -> Q:
    """What the database can decide; names are decided behind it."""
    condition = (
        query.station.condition("appointment__station__ae_title")
        & query.modality.condition("procedure__modality")
        & query.step_id.condition("accession_number")
        & query.procedure_id.condition("accession_number")
        & query.accession_number.condition("accession_number")
        & query.date.condition("appointment__starts_at")
        & query.time.condition("appointment__starts_at")
    )
    if number := query.patient_id.condition("mrn", ignore_case=True):
        condition &= Q(patient__in=Patient.objects.filter(number).resolved())
    if query.study_uids:
        condition &= Q(study_instance_uid__in=query.study_uids)
    if query.patient_name.longest_word:
        condition &= Q(patient__name_key__contains=query.patient_name.longest_word)
    return condition


def _item(order: Order, clinic: ClinicProfile, character_set: str) -> Dataset:
    """Everything that a worklist item can say about an order."""
    patient, procedure, appointment = order.patient, order.procedure, order.appointment
    if appointment is None or appointment.station is None:
        raise ValueError(f"order {order.pk} is on the worklist without a station")

    def text(value: str, length: int = 64) -> str:
        return writable(value.replace("\\", "/"), character_set)[:length]

    item = Dataset()
    item.SpecificCharacterSet = attribute(character_set)
    item.AccessionNumber = order.accession_number
    item.InstitutionName = text(clinic.name)
    item.ReferringPhysicianName = item.RequestingPhysician = text(
        order.referrer.name if order.referrer else ""
    )
    item.ReferencedStudySequence = Sequence()
    item.ReferencedPatientSequence = Sequence()
    item.PatientName = person_name(patient.dicom_name, character_set)
    item.PatientID = text(patient.mrn)
    item.PatientBirthDate = birth_date(patient)
    item.PatientSex = "" if patient.sex == Sex.UNKNOWN else patient.sex
    item.MedicalAlerts = text(" ".join(patient.alerts.split()))
    item.StudyInstanceUID = order.study_instance_uid
    item.RequestedProcedureID = order.accession_number
    item.RequestedProcedureDescription = text(procedure.name)
    item.RequestedProcedureCodeSequence = _code(procedure.code, text(procedure.name))
    item.RequestedProcedurePriority = _PRIORITIES.get(Priority(order.priority), "ROUTINE")
    item.ReasonForTheRequestedProcedure = text(" ".join(order.indication.split()))
    step = Dataset()
    starts_at = timezone.localtime(appointment.starts_at)
    step.ScheduledStationAETitle = appointment.station.ae_title
    step.ScheduledStationName = text(appointment.station.name, 16)
    step.ScheduledProcedureStepLocation = text(appointment.station.room, 16)
    step.ScheduledProcedureStepStartDate = starts_at.strftime("%Y%m%d")
    step.ScheduledProcedureStepStartTime = starts_at.strftime("%H%M%S")
    step.Modality = procedure.modality
    step.ScheduledPerformingPhysicianName = text(_physician(order))
    step.ScheduledProcedureStepDescription = text(procedure.name)
    step.ScheduledProtocolCodeSequence = _code(procedure.code, text(procedure.name))
    step.ScheduledProcedureStepID = order.accession_number
    step.ScheduledProcedureStepStatus = _STEP_STATUSES.get(AppointmentStatus(appointment.status), "SCHEDULED")
    item.ScheduledProcedureStepSequence = Sequence([step])
    return item


def _code(code: str, meaning: str) -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, _CODING_SCHEME, meaning
    return Sequence([item])


def _physician(order: Order) -> str:
    doctor = order.appointment.doctor if order.appointment else None
    return doctor.full_name if doctor else ""


def _project(item: Dataset, keys: Dataset, character_set: str | None = None) -> Dataset:
    """Of ``item`` what was asked for; what Cedar does not know is returned empty (PS3.4 K.2.2.1.2)."""
    answer = Dataset()
    if character_set is not None:
        answer.SpecificCharacterSet = item.SpecificCharacterSet
    for asked in keys:
        if asked.tag.element == 0 or asked.keyword == "SpecificCharacterSet":
            continue
        if asked.tag not in item:
            answer.add(DataElement(asked.tag, asked.VR, Sequence() if asked.VR == "SQ" else None))
        elif asked.VR == "SQ" and asked.value and len(asked.value[0]):
            parts = [_project(part, asked.value[0]) for part in item[asked.tag].value]
            answer.add(DataElement(asked.tag, "SQ", Sequence(parts)))
        else:
            answer.add(item[asked.tag])
    return answer
