"""The patient's way through the clinic: arrived, called in, examined, ready for review, did not come."""

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.errors import Conflict
from clinic.models import User

from .appointments import give_back_orders, take_up_orders
from .days import clinic_today, clinic_zone, day_bounds
from .models import Appointment
from .moves import changed_already, lock_appointment, move_appointment, move_order
from .reminders import drop_messages
from .safety import require_safe_start
from .statuses import STEP_BACK, AppointmentStatus, OrderStatus
from .taking import taking_slot_again


@transaction.atomic
def check_in_appointment(appointment: Appointment, *, by: User) -> Appointment:
    """The patient is here; also one who was given up as not coming."""
    _expect(appointment, AppointmentStatus.BOOKED, AppointmentStatus.NO_SHOW)
    came_late = appointment.status == AppointmentStatus.NO_SHOW
    with taking_slot_again(appointment, by=by):
        orders = lock_appointment(appointment)
        move_appointment(appointment, AppointmentStatus.WAITING, by=by, action="appointment.checked_in")
    if came_late:
        take_up_orders(orders, by=by)
    return appointment


@transaction.atomic
def call_in_appointment(appointment: Appointment, *, by: User) -> Appointment:
    """The patient goes into the room."""
    _expect(appointment, AppointmentStatus.WAITING)
    move_appointment(appointment, AppointmentStatus.IN_ROOM, by=by, action="appointment.called_in")
    return appointment


@transaction.atomic
def start_examination(appointment: Appointment, *, by: User, emergency_reason: str = "") -> Appointment:
    """The examination begins: safety questions are answered and orders signed, or it is an emergency."""
    _expect(appointment, AppointmentStatus.BOOKED, AppointmentStatus.WAITING, AppointmentStatus.IN_ROOM)
    lock_appointment(appointment)
    reason = require_safe_start(appointment, by=by, emergency_reason=emergency_reason)
    changes: dict[str, Any] = {"emergency_reason": reason} if reason else {}
    move_appointment(
        appointment,
        AppointmentStatus.IN_SCAN,
        by=by,
        action="appointment.started",
        reason=reason,
        **changes,
    )
    return appointment


@transaction.atomic
def finish_examination(appointment: Appointment, *, by: User) -> Appointment:
    """Ready for review: every order that was still to be done has its images, the visit waits for the reader.

    When the machine said so a moment earlier there is nothing left to do, and that is no error.
    """
    orders = lock_appointment(appointment)
    fresh = Appointment.objects.values_list("status", flat=True).get(pk=appointment.pk)
    if fresh == AppointmentStatus.REVIEW:
        appointment.refresh_from_db()
        return appointment
    if not any(order.status != OrderStatus.CANCELLED for order in orders):
        raise Conflict(_("This visit has no examination to be read. Use “Done” instead."))
    if fresh == AppointmentStatus.IN_ROOM:
        require_safe_start(appointment, by=by)
    move_appointment(appointment, AppointmentStatus.REVIEW, by=by, action="appointment.finished")
    for order in orders:
        if order.status in {OrderStatus.ORDERED, OrderStatus.SCHEDULED}:
            move_order(
                order, OrderStatus.ACQUIRED, by=by, action="order.acquired", acquired_at=timezone.now()
            )
    return appointment


@transaction.atomic
def complete_appointment(appointment: Appointment, *, by: User) -> Appointment:
    """A visit without an examination (a consultation) is over when somebody says so."""
    orders = lock_appointment(appointment)
    if any(order.status != OrderStatus.CANCELLED for order in orders):
        raise Conflict(_("This visit has examinations: it is completed when each of them is reported."))
    move_appointment(appointment, AppointmentStatus.COMPLETED, by=by, action="appointment.completed")
    return appointment


@transaction.atomic
def mark_no_show(appointment: Appointment, *, by: User) -> Appointment:
    """The patient did not come; the orders can be booked again."""
    orders = lock_appointment(appointment)
    move_appointment(appointment, AppointmentStatus.NO_SHOW, by=by, action="appointment.no_show")
    drop_messages(appointment, by=by)
    give_back_orders(orders, by=by)
    return appointment


@transaction.atomic
def step_back(appointment: Appointment, *, by: User) -> Appointment:
    """Undo the last step of the desk or of the room, where that is possible."""
    to = STEP_BACK.get(appointment.status)
    if to is None:
        raise changed_already(appointment)
    was_given_up = appointment.status == AppointmentStatus.NO_SHOW
    changes: dict[str, Any] = {"arrived_at": None} if to == AppointmentStatus.BOOKED else {}
    with taking_slot_again(appointment, by=by):
        orders = lock_appointment(appointment)
        move_appointment(appointment, to, by=by, action="appointment.stepped_back", **changes)
    if was_given_up:
        take_up_orders(orders, by=by)
    return appointment


def mark_no_shows(*, by: User) -> int:
    """Give up the booked appointments of days that are over; how many there were. Run by the clock."""
    today_starts_at, _end = day_bounds(clinic_today(), clinic_zone())
    given_up = 0
    overdue = Appointment.objects.filter(status=AppointmentStatus.BOOKED, starts_at__lt=today_starts_at)
    for appointment in overdue.order_by("pk"):
        try:
            mark_no_show(appointment, by=by)
        except Conflict:
            continue  # somebody just did something with it, which is more than the clock knows
        given_up += 1
    return given_up


def _expect(appointment: Appointment, *statuses: str) -> None:
    if appointment.status not in statuses:
        raise changed_already(appointment)
