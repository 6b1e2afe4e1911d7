"""What the card of a visit shows, as plain values; and the card, drawn once for all who see the same.

Two equal faces look the same, so a drawn card is used again for as long as nothing on it changes. The
waiting time is left out and put in last: it changes every minute, and pages count on by themselves.
"""

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.db.models import TextChoices
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from clinic.parts import MARK
from clinic.permissions import Permission
from patients.models import Sex

from .cards import clock_of, highest_priority, shown_orders
from .models import Appointment, Order
from .statuses import AppointmentKind, OrderStatus, Priority
from .statuses import AppointmentStatus as A
from .steps import possible_steps
from .waits import Clock

DRAWN_CARDS = 4096


@dataclass(frozen=True)
class Face:
    """One visit as everybody sees it. Times are the clinic's."""

    pk: int
    status: str
    status_label: str
    kind: str
    kind_label: str
    starts_at: dt.datetime
    clock: str
    other_day: str
    priority: str
    priority_label: str
    patient_pk: int
    name: str
    spoken_name: str
    mrn: str
    sex: str
    sex_label: str
    age: str
    has_alert: bool
    what: tuple[str, ...]
    order_pks: tuple[int, ...]
    images: int
    is_unsigned: bool
    readers: tuple[str, ...]
    result: str
    result_label: str
    station_pk: int | None
    doctor_pk: int | None
    doctor: str
    where: str
    is_walk_in: bool
    cancel_reason: str
    arrived_at: dt.datetime
    waits: Clock | None

    @property
    def has_orders(self) -> bool:
        return bool(self.order_pks)

    def speaks_of(self, words: list[str]) -> bool:
        """Whether each of ``words`` (lower case) begins one of the name's words, or is in the number."""
        parts = f"{self.name} {self.spoken_name}".casefold().replace(",", " ").split()
        mrn = self.mrn.casefold()
        return all(word in mrn or any(part.startswith(word) for part in parts) for word in words)


@dataclass(frozen=True)
class Names:
    """Of what many visits share, by key."""

    stations: dict[int, str]
    procedures: dict[int, str]
    people: dict[int, str]


def face_of(visit: Appointment, orders: list[Order], names: Names, today: dt.date, zone: ZoneInfo) -> Face:
    """The face of ``visit`` (with its patient) and of all its ``orders``."""
    orders, patient, language = shown_orders(orders), visit.patient, get_language()
    priority = highest_priority(orders)
    doctor = names.people.get(visit.doctor_id or 0, "")
    starts_at = visit.starts_at.astimezone(zone)
    result = _result(orders)
    return Face(
        pk=visit.pk,
        status=visit.status,
        status_label=_label(A, visit.status, language),
        kind=visit.kind,
        kind_label=_label(AppointmentKind, visit.kind, language),
        starts_at=visit.starts_at,
        clock=formats.date_format(starts_at, "H:i"),
        other_day="" if starts_at.date() == today else formats.date_format(starts_at, "j M"),
        priority=priority,
        priority_label=_label(Priority, priority, language),
        patient_pk=patient.pk,
        name=patient.list_name,
        spoken_name=patient.display_name,
        mrn=patient.mrn,
        sex="" if patient.sex == "U" else patient.sex,
        sex_label=_label(Sex, patient.sex, language),
        age=patient.age_text,
        has_alert=bool(patient.alerts),
        what=tuple(names.procedures[order.procedure_id] for order in orders),
        order_pks=tuple(order.pk for order in orders),
        images=sum(order.image_count for order in orders),
        is_unsigned=any(order.waits_for_signature for order in orders),
        readers=tuple(
            names.people.get(order.reader_id or 0, "")
            for order in orders
            if order.status == OrderStatus.READING
        ),
        result=result,
        result_label=_label(OrderStatus, result, language) if result else "",
        station_pk=visit.station_id,
        doctor_pk=visit.doctor_id,
        doctor=doctor,
        where=names.stations.get(visit.station_id or 0, doctor),
        is_walk_in=visit.is_walk_in,
        cancel_reason=visit.cancel_reason,
        arrived_at=visit.arrived_at or visit.status_changed_at,
        waits=clock_of(visit),
    )


@lru_cache
def _label(choices: type[TextChoices], value: str, _language: str) -> str:
    """The word for ``value``; translated once, for four hundred faces."""
    return str(choices(value).label)


def _result(orders: list[Order]) -> str:
    """How far the slowest report of a completed visit is: the front desk hands out what is there."""
    statuses = {order.status for order in orders}
    if statuses and statuses <= {OrderStatus.RELEASED}:
        return OrderStatus.RELEASED
    return OrderStatus.REPORTED if OrderStatus.REPORTED in statuses else ""


@lru_cache(DRAWN_CARDS)
def drawn_card(
    face: Face, permissions: frozenset[Permission], shows_status: bool, _language: str
) -> SafeString:
    """The card with what whoever has ``permissions`` may do, and a mark where the waiting time goes."""
    steps = possible_steps(face.kind, face.status, face.has_orders, permissions)
    context = {
        "face": face,
        "url": _url(face, permissions),
        "shows_status": shows_status,
        "shows_images": face.images > 0 or face.status in {A.IN_SCAN, A.REVIEW},
        "main_steps": [(step, reverse(step.url_name, args=[face.pk])) for step in steps if step.is_main],
        "other_steps": [(step, reverse(step.url_name, args=[face.pk])) for step in steps if not step.is_main],
        "wait": MARK,
    }
    return render_to_string("scheduling/_card.html", context)


def _url(face: Face, permissions: frozenset[Permission]) -> str:
    """Where the work on this visit goes on for whoever may do this much."""
    if Permission.EXAM_PERFORM in permissions:
        return reverse("scheduling:exam", args=[face.pk])
    if face.order_pks:
        return reverse("scheduling:order_detail", args=[face.order_pks[0]])
    return reverse("patients:patient_detail", args=[face.patient_pk])
