"""The calendar: booked, moved to another time, cancelled. The database forbids double booking."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.models import User
from clinic.permissions import Permission
from patients.models import Patient
from patients.records import hold_patient

from .days import spoken_clock, spoken_time
from .models import Appointment, Closure, FlowEvent, Order, Station
from .moves import (
    announce_appointment,
    cancel_visit,
    changed_already,
    lock_appointment,
    move_order,
    required_reason,
)
from .statuses import OCCUPYING, AppointmentStatus, OrderStatus

DEFAULT_MINUTES = 15
LONGEST_MINUTES = 480
_WITHOUT_IMAGES = {OrderStatus.ORDERED, OrderStatus.SCHEDULED, OrderStatus.CANCELLED}
_NO_DOUBLE_BOOKING = "appointment_no_double_booking"


@transaction.atomic
def book_appointment(
    patient: Patient,
    *,
    by: User,
    station: Station,
    starts_at: dt.datetime,
    orders: Sequence[Order] = (),
    minutes: int | None = None,
    is_walk_in: bool = False,
    overbook_reason: str = "",
) -> Appointment:
    """Book ``orders`` of ``patient`` at ``station``; without ``minutes`` the procedures say how long.

    ``overbook_reason`` books into a taken or closed time, for those who may.
    """
    _require_booking(by)
    patient = hold_patient(patient.pk)
    length = _length(orders, minutes)
    _check_station(station, orders)
    with _taking_slot(station, starts_at, starts_at + length, by=by, overbook_reason=overbook_reason):
        appointment = Appointment.objects.create(
            patient=patient,
            station=station,
            starts_at=starts_at,
            ends_at=starts_at + length,
            is_walk_in=is_walk_in,
            overbook_reason=overbook_reason.strip(),
            created_by=by,
        )
    FlowEvent.objects.create(
        by=by, appointment=appointment, to_status=appointment.status, reason=appointment.overbook_reason
    )
    record(
        by=by,
        action="appointment.booked",
        subject=appointment,
        patient=patient,
        changes={"station": [None, station.name], "starts_at": [None, starts_at.isoformat()]},
        reason=appointment.overbook_reason,
    )
    for order in orders:
        _put_on(order, appointment, by=by)
    announce_appointment(appointment)
    return appointment


@transaction.atomic
def reschedule_appointment(
    appointment: Appointment,
    *,
    by: User,
    starts_at: dt.datetime,
    station: Station | None = None,
    overbook_reason: str = "",
) -> Appointment:
    """Give the visit another time or station; its length, orders and state stay."""
    _require_booking(by)
    station = station or appointment.station
    if appointment.status not in {AppointmentStatus.BOOKED, AppointmentStatus.WAITING} or station is None:
        raise changed_already(appointment)
    orders = list(appointment.orders.select_related("procedure"))
    _check_station(station, orders)
    started_at, was_at = appointment.starts_at, appointment.station
    ends_at = starts_at + (appointment.ends_at - started_at)
    after: dict[str, Any] = {
        "station": station,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "overbook_reason": overbook_reason.strip(),
    }
    with _taking_slot(station, starts_at, ends_at, by=by, overbook_reason=overbook_reason, mover=appointment):
        rows = Appointment.objects.filter(
            pk=appointment.pk, status=appointment.status, station=was_at, starts_at=started_at
        )
        moved = rows.update(**after)
    if not moved:
        appointment.refresh_from_db()
        raise Conflict(
            _("Nothing was changed: someone else moved this appointment, it is now “%(state)s” at %(time)s.")
            % {"state": appointment.get_status_display(), "time": spoken_time(appointment.starts_at)}
        )
    record(
        by=by,
        action="appointment.rescheduled",
        subject=appointment,
        patient=appointment.patient,
        changes={
            "starts_at": [started_at.isoformat(), starts_at.isoformat()],
            "station": [str(was_at), station.name],
        },
        reason=overbook_reason.strip(),
    )
    for field, value in after.items():
        setattr(appointment, field, value)
    announce_appointment(appointment)
    return appointment


@transaction.atomic
def cancel_appointment(appointment: Appointment, *, by: User, reason: str) -> Appointment:
    """Free the time; what was to be done in it waits for another booking."""
    reason = required_reason(reason)
    orders = lock_appointment(appointment)
    taken = [order for order in orders if order.status not in _WITHOUT_IMAGES]
    if taken:
        raise Conflict(
            _(
                "“%(procedure)s” of this visit has its images already, so the visit cannot be cancelled. "
                "Cancel or take off only the order that was not done."
            )
            % {"procedure": taken[0].procedure}
        )
    cancel_visit(appointment, by=by, reason=reason)
    give_back_orders(orders, by=by, reason=reason)
    return appointment


def give_back_orders(orders: Sequence[Order], *, by: User, reason: str = "") -> None:
    """The visit did not happen: its orders can be booked again."""
    for order in orders:
        if order.status == OrderStatus.SCHEDULED:
            move_order(
                order, OrderStatus.ORDERED, by=by, action="order.unscheduled", reason=reason, follows=True
            )


def take_up_orders(orders: Sequence[Order], *, by: User) -> None:
    """The visit happens after all: the orders that still belong to it are scheduled again."""
    for order in orders:
        if order.status == OrderStatus.ORDERED:
            move_order(order, OrderStatus.SCHEDULED, by=by, action="order.scheduled", follows=True)


@contextmanager
def taking_slot_again(appointment: Appointment, *, by: User) -> Iterator[None]:
    """Around a move that occupies the appointment's own time once more."""
    if appointment.station is None:
        yield
        return
    with _taking_slot(
        appointment.station,
        appointment.starts_at,
        appointment.ends_at,
        by=by,
        overbook_reason=appointment.overbook_reason,
        mover=appointment,
        is_new=False,
    ):
        yield


@contextmanager
def _taking_slot(
    station: Station,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    *,
    by: User,
    overbook_reason: str,
    mover: Appointment | None = None,
    is_new: bool = True,
) -> Iterator[None]:
    """The write inside takes a time at ``station``; the refusal says which appointment is in the way."""
    # Bookings of one station queue here: two that conflict would else wait for each other (a deadlock).
    Station.objects.select_for_update(no_key=True).get(pk=station.pk)
    if overbook_reason.strip():
        if is_new and not by.can(Permission.APPOINTMENT_OVERBOOK):
            raise NotAllowed(_("Your role does not include overbooking. Choose a free time."))
    elif is_new:
        _refuse_closed(station, starts_at, ends_at)
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if _NO_DOUBLE_BOOKING not in str(error):
            raise
        raise _taken(station, starts_at, ends_at, mover) from None


def _taken(
    station: Station, starts_at: dt.datetime, ends_at: dt.datetime, mover: Appointment | None
) -> Conflict:
    in_the_way = (
        Appointment.objects.filter(
            station=station,
            status__in=OCCUPYING,
            overbook_reason="",
            starts_at__lt=ends_at,
            ends_at__gt=starts_at,
        )
        .exclude(pk=mover.pk if mover else 0)
        .select_related("patient")
        .earliest("starts_at")
    )
    return Conflict(
        _(
            "That time is taken: %(patient)s is booked at %(station)s on %(start)s to %(end)s. "
            "Choose another time."
        )
        % {
            "patient": in_the_way.patient,
            "station": station,
            "start": spoken_time(in_the_way.starts_at),
            "end": spoken_clock(in_the_way.ends_at),
        }
    )


def _refuse_closed(station: Station, starts_at: dt.datetime, ends_at: dt.datetime) -> None:
    closure = Closure.objects.filter(station=station, starts_at__lt=ends_at, ends_at__gt=starts_at).first()
    if closure is not None:
        raise Conflict(
            _("%(station)s is closed from %(start)s to %(end)s. %(reason)s")
            % {
                "station": station,
                "start": spoken_time(closure.starts_at),
                "end": spoken_time(closure.ends_at),
                "reason": closure.reason,
            }
        )


def _require_booking(by: User) -> None:
    if not by.can(Permission.APPOINTMENT_BOOK):
        raise NotAllowed(_("Your role does not include booking appointments."))


def _length(orders: Sequence[Order], minutes: int | None) -> dt.timedelta:
    minutes = minutes or sum(order.procedure.minutes for order in orders) or DEFAULT_MINUTES
    if not 1 <= minutes <= LONGEST_MINUTES:
        raise InvalidInput(
            _("The duration was read as %(minutes)d minutes; 1 to %(most)d are accepted.")
            % {"minutes": minutes, "most": LONGEST_MINUTES},
            field="minutes",
        )
    return dt.timedelta(minutes=minutes)


def _check_station(station: Station, orders: Sequence[Order]) -> None:
    if not station.is_active:
        raise Conflict(_("%(station)s is out of use. Choose another station.") % {"station": station})
    for order in orders:
        if not station.does(order.procedure):
            raise InvalidInput(
                _("%(station)s does not do %(modality)s. Choose another station for “%(procedure)s”.")
                % {
                    "station": station,
                    "modality": order.procedure.get_modality_display(),
                    "procedure": order.procedure,
                },
                field="station",
            )


def _put_on(order: Order, appointment: Appointment, *, by: User) -> None:
    # As it is now: a merge may have moved the order since it was read.
    if Order.objects.get(pk=order.pk).patient_id != appointment.patient_id:
        raise InvalidInput(
            _("Order %(number)s belongs to another patient: %(patient)s.")
            % {"number": order.accession_number, "patient": order.patient}
        )
    if order.status == OrderStatus.SCHEDULED:
        _put_repeat_on(order, appointment, by=by)
        return
    move_order(order, OrderStatus.SCHEDULED, by=by, action="order.scheduled", appointment=appointment)


def _put_repeat_on(order: Order, appointment: Appointment, *, by: User) -> None:
    """A repeat whose visit is over is scheduled already, but has no time yet."""
    before = order.appointment
    if before is not None and not order.needs_time:
        raise Conflict(
            _("Order %(number)s is booked already: %(time)s at %(station)s. Change that appointment instead.")
            % {
                "number": order.accession_number,
                "time": spoken_time(before.starts_at),
                "station": before.station,
            }
        )
    rows = Order.objects.filter(pk=order.pk, status=order.status, appointment=before)
    if not rows.update(appointment=appointment):
        order.refresh_from_db()
        raise changed_already(order)
    order.appointment = appointment
    record(by=by, action="order.scheduled", subject=order, patient=order.patient)
