"""Who may do what: every permission and every role of Cedar, in one place."""

from collections.abc import Iterable
from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Permission(StrEnum):
    """One thing a person may be allowed to do. The value is what tests and audit show."""

    # everybody who works in the clinic
    BOARD_VIEW = "board.view"
    PATIENT_VIEW = "patient.view"
    # front desk
    PATIENT_EDIT = "patient.edit"
    # Who answers for identity: the desk, which sees the person, and the administrator. It can be undone.
    PATIENT_MERGE = "patient.merge"
    DOCUMENT_VIEW = "document.view"  # consent, referral letters: whoever treats the patient needs them
    DOCUMENT_EDIT = "document.edit"
    ORDER_PLACE = "order.place"
    ORDER_CANCEL = "order.cancel"
    APPOINTMENT_BOOK = "appointment.book"
    APPOINTMENT_OVERBOOK = "appointment.overbook"
    APPOINTMENT_CHECK_IN = "appointment.check_in"
    ORDER_SIGN = "order.sign"
    # examination room
    EXAM_PERFORM = "exam.perform"
    STUDY_VIEW = "study.view"
    STUDY_RECONCILE = "study.reconcile"
    STUDY_EXCHANGE = "study.exchange"  # send to other archives, ask them for earlier studies
    CONSULTATION_HOLD = "consultation.hold"
    # reading room
    STUDY_READ = "study.read"
    REPORT_VIEW = "report.view"
    REPORT_WRITE = "report.write"
    REPORT_SIGN = "report.sign"
    REPORT_RELEASE = "report.release"
    # administration
    AUDIT_VIEW = "audit.view"
    CONFIGURE = "clinic.configure"
    RECORDS_IMPORT = "records.import"  # earlier examinations and reports from the clinic's own lists


class Role(models.TextChoices):
    RECEPTIONIST = "receptionist", _("Receptionist")
    TECHNICIAN = "technician", _("Technician")
    RADIOLOGIST = "radiologist", _("Radiologist")
    ADMINISTRATOR = "administrator", _("Administrator")


_P = Permission
ROLE_PERMISSIONS: dict[str, frozenset[Permission]] = {
    Role.RECEPTIONIST: frozenset(
        {
            _P.BOARD_VIEW,
            _P.PATIENT_VIEW,
            _P.DOCUMENT_VIEW,
            _P.DOCUMENT_EDIT,
            _P.PATIENT_EDIT,
            _P.PATIENT_MERGE,
            _P.ORDER_PLACE,
            _P.ORDER_CANCEL,
            _P.APPOINTMENT_BOOK,
            _P.APPOINTMENT_CHECK_IN,
            _P.CONSULTATION_HOLD,
            _P.REPORT_RELEASE,
        }
    ),
    Role.TECHNICIAN: frozenset(
        {
            _P.BOARD_VIEW,
            _P.PATIENT_VIEW,
            _P.DOCUMENT_VIEW,
            _P.DOCUMENT_EDIT,
            _P.PATIENT_EDIT,
            _P.ORDER_PLACE,
            _P.APPOINTMENT_BOOK,
            _P.APPOINTMENT_CHECK_IN,
            _P.EXAM_PERFORM,
            _P.CONSULTATION_HOLD,
            _P.STUDY_VIEW,
            _P.STUDY_RECONCILE,
            _P.STUDY_EXCHANGE,
        }
    ),
    Role.RADIOLOGIST: frozenset(
        {
            _P.BOARD_VIEW,
            _P.PATIENT_VIEW,
            _P.DOCUMENT_VIEW,
            _P.DOCUMENT_EDIT,
            _P.ORDER_PLACE,
            _P.ORDER_CANCEL,
            _P.ORDER_SIGN,
            _P.CONSULTATION_HOLD,
            _P.STUDY_VIEW,
            _P.STUDY_READ,
            _P.STUDY_RECONCILE,
            _P.STUDY_EXCHANGE,
            _P.REPORT_VIEW,
            _P.REPORT_WRITE,
            _P.REPORT_SIGN,
            _P.REPORT_RELEASE,
        }
    ),
    Role.ADMINISTRATOR: frozenset(
        {
            _P.BOARD_VIEW,
            _P.PATIENT_VIEW,
            _P.DOCUMENT_VIEW,
            _P.DOCUMENT_EDIT,
            _P.PATIENT_EDIT,
            _P.PATIENT_MERGE,
            _P.ORDER_PLACE,
            _P.ORDER_CANCEL,
            _P.APPOINTMENT_BOOK,
            _P.APPOINTMENT_OVERBOOK,
            _P.APPOINTMENT_CHECK_IN,
            _P.STUDY_VIEW,
            _P.STUDY_RECONCILE,
            _P.STUDY_EXCHANGE,
            _P.AUDIT_VIEW,
            _P.CONFIGURE,
            _P.RECORDS_IMPORT,
        }
    ),
}

# What the machines of the clinic (DICOM server, worker, night jobs) may do: everything that
# arriving images and clocks cause, nothing that only a person may decide.
MACHINE_PERMISSIONS: frozenset[Permission] = frozenset(
    {_P.EXAM_PERFORM, _P.APPOINTMENT_CHECK_IN, _P.APPOINTMENT_BOOK}
)


def permissions_of(roles: Iterable[str]) -> frozenset[Permission]:
    """All permissions that any of ``roles`` gives."""
    return frozenset().union(*(ROLE_PERMISSIONS.get(role, frozenset()) for role in roles))
