"""Things that tests need, made deterministically; what has a state gets there through the real services."""

import datetime as dt
from itertools import count
from typing import Any

from django.utils import timezone

from clinic.models import User
from clinic.permissions import Role
from patients.models import Patient
from patients.names import name_key
from scheduling import services
from scheduling.models import Appointment, Order, Procedure, SafetyQuestion, Station
from scheduling.statuses import AppointmentStatus, OrderStatus, Priority

_numbers = count(1)


# --- people -----------------------------------------------------------------------------------------
def make_user(*roles: str, **fields: Any) -> User:
    number = next(_numbers)
    fields.setdefault("username", f"user{number}")
    fields.setdefault("full_name", f"User {number}")
    return User.objects.create(roles=list(roles), password="!", **fields)


def make_everyone() -> User:
    """Somebody who has all roles: moves things where the role does not matter."""
    return User.objects.filter(username="everyone").first() or make_user(*Role.values, username="everyone")


def make_patient(**fields: Any) -> Patient:
    number = next(_numbers)
    fields.setdefault("mrn", f"T-{number:05d}")
    fields.setdefault("family_name", f"Family{number}")
    fields.setdefault("given_name", "Ada")
    fields.setdefault("birth_date", dt.date(1980, 5, 17))
    fields.setdefault("sex", "F")
    fields.setdefault("created_by", make_everyone())
    patient = Patient(**fields)
    patient.name_key = name_key(patient.person_name)
    patient.save()
    patient.refresh_from_db()  # the columns that the database makes
    return patient


# --- catalogue, orders, appointments ----------------------------------------------------------------
def make_station(**fields: Any) -> Station:
    number = next(_numbers)
    fields.setdefault("name", f"Station {number}")
    fields.setdefault("ae_title", f"STATION_{number}")
    fields.setdefault("modalities", ["DX", "CR", "US", "CT"])
    return Station.objects.create(**fields)


def make_procedure(**fields: Any) -> Procedure:
    number = next(_numbers)
    fields.setdefault("code", f"P{number}")
    fields.setdefault("name", f"Chest X-ray {number}")
    fields.setdefault("modality", "DX")
    fields.setdefault("body_part", "CHEST")
    fields.setdefault("minutes", 15)
    questions = fields.pop("safety_questions", ())
    procedure = Procedure.objects.create(**fields)
    procedure.safety_questions.set([SafetyQuestion.objects.get_or_create(text=text)[0] for text in questions])
    return procedure


def make_order(
    patient: Patient | None = None,
    *,
    status: str = OrderStatus.ORDERED,
    procedure: Procedure | None = None,
    priority: str = Priority.ROUTINE,
    indication: str = "Cough for three weeks",
    by: User | None = None,
    reader: User | None = None,
    **visit: Any,
) -> Order:
    """An order in ``status``; from ``scheduled`` on with an appointment (``station``, ``starts_at``)."""
    by = by or make_everyone()
    order = services.place_order(
        patient or make_patient(),
        by=by,
        procedure=procedure or make_procedure(),
        priority=priority,
        indication=indication,
    )
    if status == OrderStatus.CANCELLED:
        return services.cancel_order(order, by=by, reason="Not needed any more")
    way = [*OrderStatus.values[: OrderStatus.values.index(status) + 1]]
    if OrderStatus.SCHEDULED in way:
        book(order, by=by, **visit)
    if OrderStatus.ACQUIRED in way:
        services.mark_acquired(order, by=by)
    if OrderStatus.READING in way:
        services.claim_order(order, by=reader or by)
    if OrderStatus.REPORTED in way:
        services.mark_reported(order, by=reader or by)
    if OrderStatus.RELEASED in way:
        services.mark_released(order, by=by)
    return order


def book(
    *orders: Order,
    by: User | None = None,
    station: Station | None = None,
    starts_at: dt.datetime | None = None,
) -> Appointment:
    """One appointment for ``orders``: now, at a station of its own, unless said otherwise."""
    starts_at = starts_at or timezone.now().replace(second=0, microsecond=0)
    return services.book_appointment(
        orders[0].patient,
        by=by or make_everyone(),
        station=station or make_station(),
        starts_at=starts_at,
        orders=orders,
    )


def make_appointment(*orders: Order, status: str = AppointmentStatus.BOOKED, **visit: Any) -> Appointment:
    """An appointment in ``status`` for ``orders``, or for a new one."""
    by = make_everyone()
    orders = orders or (make_order(),)
    appointment = book(*orders, **visit)
    if status == AppointmentStatus.CANCELLED:
        return services.cancel_appointment(appointment, by=by, reason="Patient called off")
    if status == AppointmentStatus.NO_SHOW:
        return services.mark_no_show(appointment, by=by)
    steps = [
        (AppointmentStatus.WAITING, services.check_in_appointment),
        (AppointmentStatus.IN_ROOM, services.call_in_appointment),
        (AppointmentStatus.IN_SCAN, services.start_examination),
        (AppointmentStatus.REVIEW, services.finish_examination),
    ]
    for reached, step in steps:
        if appointment.status == status:
            break
        if step is services.start_examination:
            answer_no(*orders)
        step(appointment, by=by)
        assert appointment.status == reached
    for order in orders if status == AppointmentStatus.COMPLETED else ():
        order.refresh_from_db()
        services.claim_order(order, by=by)
        services.mark_reported(order, by=by)
    appointment.refresh_from_db()
    return appointment


def answer_no(*orders: Order, by: User | None = None) -> None:
    """Every safety question of ``orders`` is answered with “no”."""
    for order in orders:
        questions = order.procedure.safety_questions.all()
        answers = [services.GivenAnswer(question.pk, "no") for question in questions]
        services.answer_safety_questions(order, by=by or make_everyone(), answers=answers)
