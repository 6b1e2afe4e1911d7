"""The two state machines of the clinic, as data: ``{from: {to: permission that the move needs}}``.

Back-steps that happen in life are in the tables too: a repeat (``acquired → scheduled``) and a reader
who hands a study back (``reading → acquired``).
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.permissions import Permission as P


class Priority(models.TextChoices):
    STAT = "stat", _("STAT")
    URGENT = "urgent", _("Urgent")
    ROUTINE = "routine", _("Routine")


class OrderStatus(models.TextChoices):
    ORDERED = "ordered", _("Ordered")
    SCHEDULED = "scheduled", _("Scheduled")
    ACQUIRED = "acquired", _("Images taken")
    READING = "reading", _("Being read")
    REPORTED = "reported", _("Reported")
    RELEASED = "released", _("Released")
    CANCELLED = "cancelled", _("Cancelled")


ORDER_MOVES: dict[str, dict[str, P]] = {
    OrderStatus.ORDERED: {
        OrderStatus.SCHEDULED: P.APPOINTMENT_BOOK,
        OrderStatus.ACQUIRED: P.EXAM_PERFORM,
        OrderStatus.CANCELLED: P.ORDER_CANCEL,
    },
    OrderStatus.SCHEDULED: {
        OrderStatus.ORDERED: P.APPOINTMENT_BOOK,
        OrderStatus.ACQUIRED: P.EXAM_PERFORM,
        OrderStatus.CANCELLED: P.ORDER_CANCEL,
    },
    OrderStatus.ACQUIRED: {
        OrderStatus.SCHEDULED: P.EXAM_PERFORM,
        OrderStatus.READING: P.STUDY_READ,
        OrderStatus.CANCELLED: P.ORDER_CANCEL,
    },
    OrderStatus.READING: {
        OrderStatus.ACQUIRED: P.STUDY_READ,
        OrderStatus.REPORTED: P.REPORT_SIGN,
        OrderStatus.CANCELLED: P.ORDER_CANCEL,
    },
    OrderStatus.REPORTED: {OrderStatus.RELEASED: P.REPORT_RELEASE},
    OrderStatus.RELEASED: {},
    OrderStatus.CANCELLED: {},
}


class AppointmentKind(models.TextChoices):
    IMAGING = "imaging", _("Examination")
    CONSULTATION = "consultation", _("Consultation")


class AppointmentStatus(models.TextChoices):
    BOOKED = "booked", _("Booked")
    WAITING = "waiting", _("Waiting")
    IN_ROOM = "in_room", _("In the room")
    IN_SCAN = "in_scan", _("Being examined")
    REVIEW = "review", _("To be read")
    COMPLETED = "completed", _("Completed")
    NO_SHOW = "no_show", _("Did not come")
    CANCELLED = "cancelled", _("Cancelled")


_A = AppointmentStatus
APPOINTMENT_MOVES: dict[str, dict[str, P]] = {
    _A.BOOKED: {
        _A.WAITING: P.APPOINTMENT_CHECK_IN,
        _A.IN_SCAN: P.EXAM_PERFORM,
        _A.NO_SHOW: P.APPOINTMENT_CHECK_IN,
        _A.CANCELLED: P.APPOINTMENT_BOOK,
    },
    _A.WAITING: {
        _A.BOOKED: P.APPOINTMENT_CHECK_IN,
        _A.IN_ROOM: P.EXAM_PERFORM,
        _A.IN_SCAN: P.EXAM_PERFORM,
        _A.COMPLETED: P.EXAM_PERFORM,
        _A.CANCELLED: P.APPOINTMENT_BOOK,
    },
    _A.IN_ROOM: {
        _A.WAITING: P.EXAM_PERFORM,
        _A.IN_SCAN: P.EXAM_PERFORM,
        _A.REVIEW: P.EXAM_PERFORM,
        _A.COMPLETED: P.EXAM_PERFORM,
        _A.CANCELLED: P.APPOINTMENT_BOOK,
    },
    _A.IN_SCAN: {
        _A.IN_ROOM: P.EXAM_PERFORM,
        _A.REVIEW: P.EXAM_PERFORM,
        _A.CANCELLED: P.APPOINTMENT_BOOK,
    },
    _A.REVIEW: {_A.IN_ROOM: P.EXAM_PERFORM, _A.IN_SCAN: P.EXAM_PERFORM, _A.COMPLETED: P.REPORT_SIGN},
    _A.COMPLETED: {},
    _A.NO_SHOW: {_A.BOOKED: P.APPOINTMENT_BOOK, _A.WAITING: P.APPOINTMENT_CHECK_IN},
    _A.CANCELLED: {},
}
# A consultation is talked through in a room: nothing is scanned, and it is completed by hand.
CONSULTATION_MOVES: dict[str, dict[str, P]] = {
    _A.BOOKED: {
        _A.WAITING: P.APPOINTMENT_CHECK_IN,
        _A.NO_SHOW: P.APPOINTMENT_CHECK_IN,
        _A.CANCELLED: P.APPOINTMENT_BOOK,
    },
    _A.WAITING: {
        _A.BOOKED: P.APPOINTMENT_CHECK_IN,
        _A.IN_ROOM: P.CONSULTATION_HOLD,
        _A.COMPLETED: P.CONSULTATION_HOLD,
        _A.CANCELLED: P.APPOINTMENT_BOOK,
    },
    _A.IN_ROOM: {
        _A.WAITING: P.CONSULTATION_HOLD,
        _A.COMPLETED: P.CONSULTATION_HOLD,
        _A.CANCELLED: P.APPOINTMENT_BOOK,
    },
    _A.IN_SCAN: {},
    _A.REVIEW: {},
    _A.COMPLETED: {},
    _A.NO_SHOW: {_A.BOOKED: P.APPOINTMENT_BOOK, _A.WAITING: P.APPOINTMENT_CHECK_IN},
    _A.CANCELLED: {},
}
VISIT_MOVES: dict[str, dict[str, dict[str, P]]] = {
    AppointmentKind.IMAGING: APPOINTMENT_MOVES,
    AppointmentKind.CONSULTATION: CONSULTATION_MOVES,
}
READABLE = [OrderStatus.ACQUIRED, OrderStatus.READING, OrderStatus.REPORTED, OrderStatus.RELEASED]
# While an appointment is in one of these its station is taken.
OCCUPYING = [_A.BOOKED, _A.WAITING, _A.IN_ROOM, _A.IN_SCAN, _A.REVIEW, _A.COMPLETED]

# What "undo" means: the step back from each state into which a person may have moved by mistake.
STEP_BACK: dict[str, str] = {
    _A.WAITING: _A.BOOKED,
    _A.IN_ROOM: _A.WAITING,
    _A.IN_SCAN: _A.IN_ROOM,
    _A.NO_SHOW: _A.BOOKED,
}
# The person is in the clinic and not yet done.
PRESENT = [_A.WAITING, _A.IN_ROOM, _A.IN_SCAN]
BEFORE_SCAN = [_A.BOOKED, _A.WAITING, _A.IN_ROOM]
UNFINISHED = [_A.BOOKED, *PRESENT]


class RepeatReason(models.TextChoices):
    """Why images are taken again, after AAPM TG-305."""

    POSITIONING = "positioning", _("Positioning")
    MOTION = "motion", _("Patient moved")
    EXPOSURE = "exposure", _("Exposure too low or too high")
    ARTEFACT = "artefact", _("Artefact or object in the image")
    EQUIPMENT = "equipment", _("Equipment fault")
    WRONG_PATIENT_OR_SIDE = "wrong_patient_or_side", _("Wrong patient or side")
    OTHER = "other", _("Other")
