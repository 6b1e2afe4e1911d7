"""The Modality Worklist: matching and return keys (PS3.4 Annex K, Table K.6-1) over the scheduled steps."""

import datetime
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from pydicom import Dataset

from clinic.models import ClinicProfile
from patients.models import Patient, Sex
from scheduling.models import Appointment, Order, Procedure, Station
from scheduling.statuses import AppointmentStatus, Priority
from scheduling.worklist import scheduled_steps

from .answers import birth_date, value_of
from .encoding import Encoder, Items, Layout, Table
from .matching import BadQuery, DateRange, NamePattern, TextPattern, TimeRange

__all__ = ["BadQuery", "Query", "find"]

_MOST_KEYS = 200
_CHUNK = 200
_CODING_SCHEME = "99CEDAR"
_PRIORITIES: dict[str, str] = {Priority.STAT: "STAT", Priority.URGENT: "HIGH", Priority.ROUTINE: "ROUTINE"}
_STEP_STATUSES: dict[str, str] = {
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


def find(query: Query, encoder: Encoder) -> Iterator[bytes]:
    """The scheduled steps that match, by start, each with the keys that were asked for."""
    layout = Layout(encoder)
    layout.add_character_set()
    layout.add_known(query.keys, _ITEM)
    clinic = ClinicProfile.get()
    with timezone.override(zoneinfo.ZoneInfo(clinic.time_zone)), transaction.atomic():
        steps = scheduled_steps().select_related("appointment__doctor").filter(_condition(query))
        for order in steps.iterator(chunk_size=_CHUNK):
            step = Step.of(order, clinic)
            if query.patient_name.matches(order.patient.dicom_name) and query.performing_physician.matches(
                step.physician
            ):
                yield layout.encode(step)


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


# --- what an item is made of --------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """A scheduled step with what all parts of its item need."""

    order: Order
    patient: Patient
    procedure: Procedure
    appointment: Appointment
    station: Station
    clinic: ClinicProfile
    starts_at: datetime.datetime

    @classmethod
    def of(cls, order: Order, clinic: ClinicProfile) -> Self:
        appointment = order.appointment
        if appointment is None or appointment.station is None:
            raise ValueError(f"order {order.pk} is on the worklist without a station")
        starts_at = timezone.localtime(appointment.starts_at)
        return cls(order, order.patient, order.procedure, appointment, appointment.station, clinic, starts_at)

    @property
    def physician(self) -> str:
        return self.appointment.doctor.full_name if self.appointment.doctor else ""

    @property
    def referrer(self) -> str:
        return self.order.referrer.name if self.order.referrer else ""


def _only(step: Step) -> list[Step]:
    return [step]


def _none(_step: Step) -> list[Step]:
    return []


# A coded entry (PS3.3 Table 8.8-1).
_PROCEDURE_CODE: Table = {
    "CodeValue": lambda step: step.procedure.code,
    "CodingSchemeDesignator": lambda _step: _CODING_SCHEME,
    "CodeMeaning": lambda step: step.procedure.name,
}
_STEP: Table = {
    "ScheduledStationAETitle": lambda step: step.station.ae_title,
    "ScheduledStationName": lambda step: step.station.name[:16],
    "ScheduledProcedureStepLocation": lambda step: step.station.room[:16],
    "ScheduledProcedureStepStartDate": lambda step: step.starts_at.strftime("%Y%m%d"),
    "ScheduledProcedureStepStartTime": lambda step: step.starts_at.strftime("%H%M%S"),
    "Modality": lambda step: step.procedure.modality,
    "ScheduledPerformingPhysicianName": lambda step: step.physician,
    "ScheduledProcedureStepDescription": lambda step: step.procedure.name,
    "ScheduledProtocolCodeSequence": Items(_only, _PROCEDURE_CODE),
    "ScheduledProcedureStepID": lambda step: step.order.accession_number,
    "ScheduledProcedureStepStatus": lambda step: _STEP_STATUSES.get(step.appointment.status, "SCHEDULED"),
}
_ITEM: Table = {
    "AccessionNumber": lambda step: step.order.accession_number,
    "InstitutionName": lambda step: step.clinic.name,
    "ReferringPhysicianName": lambda step: step.referrer,
    "RequestingPhysician": lambda step: step.referrer,
    "ReferencedStudySequence": Items(_none, {}),
    "ReferencedPatientSequence": Items(_none, {}),
    "PatientName": lambda step: step.patient.dicom_name,
    "PatientID": lambda step: step.patient.mrn,
    "PatientBirthDate": lambda step: birth_date(step.patient),
    "PatientSex": lambda step: "" if step.patient.sex == Sex.UNKNOWN else step.patient.sex,
    "MedicalAlerts": lambda step: " ".join(step.patient.alerts.split()),
    "StudyInstanceUID": lambda step: step.order.study_instance_uid,
    "RequestedProcedureID": lambda step: step.order.accession_number,
    "RequestedProcedureDescription": lambda step: step.procedure.name,
    "RequestedProcedureCodeSequence": Items(_only, _PROCEDURE_CODE),
    "RequestedProcedurePriority": lambda step: _PRIORITIES.get(step.order.priority, "ROUTINE"),
    "ReasonForTheRequestedProcedure": lambda step: " ".join(step.order.indication.split()),
    "ScheduledProcedureStepSequence": Items(_only, _STEP),
}
