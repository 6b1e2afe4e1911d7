"""Somebody without an appointment is at the desk: registered, ordered, booked now, checked in."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from clinic.errors import Conflict
from clinic.models import User
from patients.models import Patient
from patients.services import register_patient

from .appointments import book_appointment
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
    station: Station,
    priority: str = Priority.ROUTINE,
    referrer: Referrer | NewReferrer | None = None,
    patient: Patient | None = None,
    new_patient: dict[str, Any] | None = None,
) -> Appointment:
    """``patient`` is known, or ``new_patient`` holds the fields for ``register_patient``; all or nothing."""
    if patient is None:
        patient = register_patient(by=by, **(new_patient or {}))
    order = place_order(
        patient, by=by, procedure=procedure, indication=indication, priority=priority, referrer=referrer
    )
    starts_at = next_free_minute(station, procedure.minutes)
    if starts_at is None:
        raise Conflict(
            _("%(station)s has no free time left today. Choose another station, or book another day.")
            % {"station": station}
        )
    appointment = book_appointment(
        patient, by=by, station=station, starts_at=starts_at, orders=[order], is_walk_in=True
    )
    return check_in_appointment(appointment, by=by)
