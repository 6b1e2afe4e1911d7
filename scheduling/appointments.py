"""The calendar: booked, moved to another time, cancelled. The database forbids double booking."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.models import User
from clinic.permissions import Permission
from patients.models import Patient
from patients.records import hold_patient

from .days import spoken_time
from .models import Appointment, Consultant, FlowEvent, Order, Station
from .moves import (
    announce_appointment,
    cancel_visit,
    changed_already,
    lock_appointment,
    move_order,
    required_reason,
)
from .reminders import drop_messages, queue_reminder
from .statuses import AppointmentKind, AppointmentStatus, OrderStatus
from .taking import taking_slot

DEFAULT_MINUTES = 15
LONGEST_MINUTES = 480
_WITHOUT_IMAGES = {OrderStatus.ORDERED, OrderStatus.SCHEDULED, OrderStatus.CANCELLED}


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
    appointment = _book(
        Appointment(patient=patient, station=station, is_walk_in=is_walk_in),
        starts_at,
        length,
        by=by,
        overbook_reason=overbook_reason,
    )
    for order in orders:
        _put_on(order, appointment, by=by)
    announce_appointment(appointment)
    return appointment


@transaction.atomic
def book_consultation(
    patient: Patient,
    *,
    by: User,
    doctor: User,
    starts_at: dt.datetime,
    minutes: int | None = None,
    note: str = "",
    overbook_reason: str = "",
) -> Appointment:
    """A talk with ``doctor``; without ``minutes`` as long as the doctor's consultations are."""
    _require_booking(by)
    consultant = _consultant(doctor)
    appointment = _book(
        Appointment(
            kind=AppointmentKind.CONSULTATION,
            patient=hold_patient(patient.pk),
            doctor=doctor,
            note=" ".join(note.split())[:300],
        ),
        starts_at,
        _length([], minutes or consultant.minutes),
        by=by,
        overbook_reason=overbook_reason,
    )
    announce_appointment(appointment)
    return appointment


def _book(
    appointment: Appointment,
    starts_at: dt.datetime,
    length: dt.timedelta,
    *,
    by: User,
    overbook_reason: str,
) -> Appointment:
    appointment.starts_at, appointment.ends_at = starts_at, starts_at + length
    appointment.overbook_reason, appointment.created_by = overbook_reason.strip(), by
    place = appointment.place
    with taking_slot(place, starts_at, appointment.ends_at, by=by, overbook_reason=overbook_reason):
        appointment.save()
    FlowEvent.objects.create(
        by=by, appointment=appointment, to_status=appointment.status, reason=appointment.overbook_reason
    )
    record(
        by=by,
        action="appointment.booked",
        subject=appointment,
        patient=appointment.patient,
        changes={"place": [None, str(place)], "starts_at": [None, starts_at.isoformat()]},
        reason=appointment.overbook_reason,
    )
    queue_reminder(appointment)
    return appointment


@transaction.atomic
def reschedule_appointment(
    appointment: Appointment,
    *,
    by: User,
    starts_at: dt.datetime,
    station: Station | None = None,
    doctor: User | None = None,
    overbook_reason: str = "",
    tell_patient: bool = False,
) -> Appointment:
    """Give the visit another time, station or doctor; its length, orders and state stay.

    ``tell_patient`` puts the new time among the calls to make.
    """
    _require_booking(by)
    if appointment.status not in {AppointmentStatus.BOOKED, AppointmentStatus.WAITING}:
        raise changed_already(appointment)
    started_at, was_at, was_with = appointment.starts_at, appointment.station, appointment.doctor
    place = _other_place(appointment, station, doctor)
    ends_at = starts_at + (appointment.ends_at - started_at)
    after: dict[str, Any] = {
        "station" if isinstance(place, Station) else "doctor": place,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "overbook_reason": overbook_reason.strip(),
        "confirmed_at": None,
    }
    with taking_slot(place, starts_at, ends_at, by=by, overbook_reason=overbook_reason, mover=appointment):
        rows = Appointment.objects.filter(
            pk=appointment.pk,
            status=appointment.status,
            station=was_at,
            doctor=was_with,
            starts_at=started_at,
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
            "place": [str(was_at or was_with), str(place)],
        },
        reason=overbook_reason.strip(),
    )
    for field, value in after.items():
        setattr(appointment, field, value)
    queue_reminder(appointment, by=by, tell_new_time=tell_patient)
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
    drop_messages(appointment, by=by)
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


def _consultant(doctor: User) -> Consultant:
    consultant = Consultant.objects.filter(doctor=doctor, is_active=True).first()
    if consultant is None:
        raise Conflict(
            _("%(doctor)s gives no consultations. The administrator adds doctors in the settings.")
            % {"doctor": doctor}
        )
    return consultant


def _other_place(appointment: Appointment, station: Station | None, doctor: User | None) -> Station | User:
    """Where the visit goes: an examination to a station that does it, a consultation to a doctor."""
    if appointment.is_consultation:
        if station is not None:
            raise InvalidInput(_("A consultation is held by a doctor, not at a station."), field="station")
        return _consultant(doctor or appointment.doctor).doctor  # type: ignore[arg-type]
    if doctor is not None:
        raise InvalidInput(_("An examination is done at a station. Choose one."), field="station")
    place: Station = station or appointment.station  # type: ignore[assignment]
    _check_station(place, list(appointment.orders.select_related("procedure")))
    return place


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
