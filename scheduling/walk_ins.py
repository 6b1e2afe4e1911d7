"""Somebody without an appointment is at the desk: registered, ordered, booked now, checked in."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from clinic.errors import Conflict
from clinic.models import User
from patients.models import Patient
from patients.services import register_patient

from .appointments import book_appointment, book_consultation
from .flow import check_in_appointment
from .models import Appointment, Procedure, Referrer, Station
from .orders import NewReferrer, place_order
from .slots import next_free_minute
from .statuses import Priority


@transaction.atomic
def walk_in_patient(
    *,
    by: User,
    procedure: Procedure,
    indication: str,
    station: Station | None = None,
    priority: str = Priority.ROUTINE,
    referrer: Referrer | NewReferrer | None = None,
    patient: Patient | None = None,
    new_patient: dict[str, Any] | None = None,
) -> Appointment:
    """All or nothing. ``patient`` is known, or ``new_patient`` holds the fields for ``register_patient``.

    Without ``station`` it is the one that is free first and does the examination.
    """
    if patient is None:
        patient = register_patient(by=by, **(new_patient or {}))
    order = place_order(
        patient, by=by, procedure=procedure, indication=indication, priority=priority, referrer=referrer
    )
    station, starts_at = _first_free(procedure, station)
    appointment = book_appointment(
        patient, by=by, station=station, starts_at=starts_at, orders=[order], is_walk_in=True
    )
    return check_in_appointment(appointment, by=by)


@transaction.atomic
def book_new_order(
    *,
    by: User,
    station: Station,
    starts_at: dt.datetime,
    procedure: Procedure,
    indication: str,
    priority: str = Priority.ROUTINE,
    referrer: Referrer | NewReferrer | None = None,
    patient: Patient | None = None,
    new_patient: dict[str, Any] | None = None,
    overbook_reason: str = "",
) -> Appointment:
    """Somebody on the phone: registered, ordered and booked for the time that was chosen. All or nothing."""
    if patient is None:
        patient = register_patient(by=by, **(new_patient or {}))
    order = place_order(
        patient, by=by, procedure=procedure, indication=indication, priority=priority, referrer=referrer
    )
    return book_appointment(
        patient,
        by=by,
        station=station,
        starts_at=starts_at,
        orders=[order],
        overbook_reason=overbook_reason,
    )


@transaction.atomic
def book_new_consultation(
    *,
    by: User,
    doctor: User,
    starts_at: dt.datetime,
    minutes: int | None = None,
    note: str = "",
    patient: Patient | None = None,
    new_patient: dict[str, Any] | None = None,
) -> Appointment:
    """As ``book_new_order``, for a talk with a doctor."""
    if patient is None:
        patient = register_patient(by=by, **(new_patient or {}))
    return book_consultation(patient, by=by, doctor=doctor, starts_at=starts_at, minutes=minutes, note=note)


def _first_free(procedure: Procedure, station: Station | None) -> tuple[Station, dt.datetime]:
    stations = [station] if station else list(Station.objects.filter(is_active=True))
    able = [each for each in stations if each.does(procedure)]
    if not able:
        raise Conflict(
            _("No station does %(modality)s. The administrator adds stations in the settings.")
            % {"modality": procedure.get_modality_display()}
        )
    free = [(next_free_minute(each, procedure.minutes), each) for each in able]
    times = [(starts_at, each) for starts_at, each in free if starts_at is not None]
    if not times:
        raise Conflict(
            _("%(stations)s: no free time is left today. Choose another station, or book another day.")
            % {"stations": ", ".join(str(each) for each in able)}
        )
    starts_at, first = min(times, key=lambda pair: pair[0])
    return first, starts_at
