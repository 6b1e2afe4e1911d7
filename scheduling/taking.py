"""Taking a time at a station or with a doctor: the database forbids double booking."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clinic.errors import Conflict, NotAllowed
from clinic.models import User
from clinic.permissions import Permission

from .closures import closed_times_of
from .days import spoken_clock, spoken_time
from .models import Appointment, Station

_NO_DOUBLE_BOOKING = ("appointment_no_double_booking", "appointment_no_double_booked_doctor")


@contextmanager
def taking_slot(
    place: Station | User,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    *,
    by: User,
    overbook_reason: str,
    mover: Appointment | None = None,
    is_new: bool = True,
) -> Iterator[None]:
    """The write inside takes a time at ``place``; the refusal says which appointment is in the way."""
    # Bookings of one place queue here: two that conflict would else wait for each other (a deadlock).
    type(place)._default_manager.select_for_update(no_key=True).get(pk=place.pk)
    if overbook_reason.strip():
        if is_new and not by.can(Permission.APPOINTMENT_OVERBOOK):
            raise NotAllowed(_("Your role does not include overbooking. Choose a free time."))
    elif is_new:
        _refuse_closed(place, starts_at, ends_at)
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if not any(name in str(error) for name in _NO_DOUBLE_BOOKING):
            raise
        raise _taken(place, starts_at, ends_at, mover) from None


@contextmanager
def taking_slot_again(appointment: Appointment, *, by: User) -> Iterator[None]:
    """Around a move that occupies the appointment's own time once more."""
    with taking_slot(
        appointment.place,
        appointment.starts_at,
        appointment.ends_at,
        by=by,
        overbook_reason=appointment.overbook_reason,
        mover=appointment,
        is_new=False,
    ):
        yield


def _taken(
    place: Station | User, starts_at: dt.datetime, ends_at: dt.datetime, mover: Appointment | None
) -> Conflict:
    in_the_way = (
        Appointment.objects.occupying()
        .at(place)
        .filter(overbook_reason="", starts_at__lt=ends_at, ends_at__gt=starts_at)
        .exclude(pk=mover.pk if mover else 0)
        .select_related("patient")
        .earliest("starts_at")
    )
    words = {
        "patient": in_the_way.patient,
        "place": place,
        "start": spoken_time(in_the_way.starts_at),
        "end": spoken_clock(in_the_way.ends_at),
    }
    if isinstance(place, Station):
        text = _("That time is taken: %(patient)s is booked at %(place)s on %(start)s to %(end)s.") % words
    else:
        text = _("That time is taken: %(patient)s is booked with %(place)s on %(start)s to %(end)s.") % words
    return Conflict(f"{text} " + _("Choose another time."))


def _refuse_closed(place: Station | User, starts_at: dt.datetime, ends_at: dt.datetime) -> None:
    for time in closed_times_of(place, starts_at, ends_at):
        words = {
            "place": place,
            "start": spoken_time(time.starts_at),
            "end": spoken_time(time.ends_at),
            "reason": time.reason,
        }
        if isinstance(place, Station):
            raise Conflict(_("%(place)s is closed from %(start)s to %(end)s. %(reason)s") % words)
        raise Conflict(_("%(place)s is away from %(start)s to %(end)s. %(reason)s") % words)
