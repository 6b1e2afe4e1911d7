"""When nobody is booked although it is a working day: holidays, maintenance, absence."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.live import announce
from clinic.models import User
from clinic.permissions import Permission

from .days import clinic_zone
from .models import Appointment, Closure, Repeats, Station
from .statuses import AppointmentStatus

WEEK = dt.timedelta(days=7)
LOOK_AHEAD = dt.timedelta(days=366)
_NOT_BEGUN = [AppointmentStatus.BOOKED, AppointmentStatus.WAITING]


class VisitsInTheWay(Conflict):
    """Somebody is booked in the time that is to be closed."""

    def __init__(self, message: object, visits: list[Appointment]) -> None:
        super().__init__(message)
        self.visits = visits


@dataclass(frozen=True)
class ClosedTime:
    """One occurrence of a closure."""

    closure: Closure
    starts_at: dt.datetime
    ends_at: dt.datetime

    @property
    def reason(self) -> str:
        return self.closure.reason

    def is_for(self, place: Station | User) -> bool:
        if isinstance(place, Station):
            return self.closure.doctor_id is None and self.closure.station_id in {None, place.pk}
        return self.closure.station_id is None and self.closure.doctor_id in {None, place.pk}


def closed_times(start: dt.datetime, end: dt.datetime) -> list[ClosedTime]:
    """Every closure, of whatever place, that takes some of the time between; in one query, by start."""
    zone = clinic_zone()
    found = [
        ClosedTime(closure, begins, ends)
        for closure in closures_between(start, end).select_related("station", "doctor")
        for begins, ends in occurrences(closure, start, end, zone)
    ]
    return sorted(found, key=lambda time: time.starts_at)


def closed_times_of(place: Station | User, start: dt.datetime, end: dt.datetime) -> list[ClosedTime]:
    return [time for time in closed_times(start, end) if time.is_for(place)]


def closures_between(start: dt.datetime, end: dt.datetime) -> QuerySet[Closure]:
    once = Q(repeats=Repeats.NEVER, ends_at__gt=start)
    again = ~Q(repeats=Repeats.NEVER) & (
        Q(repeats_until=None) | Q(repeats_until__gte=start.date() - dt.timedelta(days=32))
    )
    return Closure.objects.filter(once | again, starts_at__lt=end)


def occurrences(
    closure: Closure, start: dt.datetime, end: dt.datetime, zone: ZoneInfo
) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """The times of ``closure`` that touch the span. It repeats by the clinic's clock."""
    first = closure.starts_at.astimezone(zone)
    last = closure.ends_at.astimezone(zone)
    for begins, ends in _wall_times(closure, first, last, start.astimezone(zone), end.astimezone(zone)):
        if closure.repeats_until is not None and begins.date() > closure.repeats_until and begins > first:
            return
        if begins < end and ends > start:
            yield begins.astimezone(dt.UTC), ends.astimezone(dt.UTC)


@transaction.atomic
def add_closure(
    *,
    by: User,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    reason: str,
    station: Station | None = None,
    doctor: User | None = None,
    repeats: str = Repeats.NEVER,
    repeats_until: dt.date | None = None,
    despite_visits: bool = False,
) -> Closure:
    """Close a station, a doctor's hours or the whole clinic. When somebody is booked then nothing is done.

    With ``despite_visits`` it is closed nevertheless; the visits stay until somebody moves them.
    """
    _require(by)
    _check_times(starts_at, ends_at, repeats, repeats_until)
    closure = Closure(
        station=station,
        doctor=doctor,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=" ".join(reason.split())[:200],
        repeats=repeats,
        repeats_until=repeats_until if repeats != Repeats.NEVER else None,
    )
    visits = visits_in(closure)
    if visits and not despite_visits:
        raise VisitsInTheWay(
            _("Nothing was closed: %(number)d visits are booked in that time.") % {"number": len(visits)},
            visits,
        )
    closure.save()
    record(
        by=by,
        action="closure.added",
        subject=closure,
        changes={"from": [None, starts_at.isoformat()], "until": [None, ends_at.isoformat()]},
        reason=closure.reason,
    )
    announce("board")
    return closure


@transaction.atomic
def remove_closure(closure: Closure, *, by: User) -> None:
    """Open again; with all its repetitions."""
    _require(by)
    record(by=by, action="closure.removed", subject=closure, reason=closure.reason)
    closure.delete()
    announce("board")


def visits_in(closure: Closure) -> list[Appointment]:
    """Who is booked, from now on and for a year, while ``closure`` closes the place."""
    now = timezone.now()
    times = [
        ClosedTime(closure, begins, ends)
        for begins, ends in occurrences(closure, now, now + LOOK_AHEAD, clinic_zone())
    ]
    if not times:
        return []
    booked = Appointment.objects.filter(
        status__in=_NOT_BEGUN, ends_at__gt=times[0].starts_at, starts_at__lt=times[-1].ends_at
    )
    if closure.station is not None:
        booked = booked.filter(station=closure.station)
    if closure.doctor is not None:
        booked = booked.filter(doctor=closure.doctor)
    visits = booked.select_related("patient", "station", "doctor").prefetch_related("orders__procedure")
    return [
        visit
        for visit in visits.order_by("starts_at", "pk")
        if any(time.starts_at < visit.ends_at and time.ends_at > visit.starts_at for time in times)
    ]


def visits_in_closed_times(start: dt.datetime, end: dt.datetime) -> list[Appointment]:
    """Who is booked although the place is closed then, and has to be moved."""
    times = closed_times(start, end)
    if not times:
        return []
    visits = (
        Appointment.objects.filter(
            status__in=_NOT_BEGUN, overbook_reason="", ends_at__gt=start, starts_at__lt=end
        )
        .select_related("patient", "station", "doctor")
        .prefetch_related("orders__procedure")
        .order_by("starts_at", "pk")
    )
    return [visit for visit in visits if is_closed(visit, times)]


def is_closed(visit: Appointment, times: Iterable[ClosedTime]) -> bool:
    return any(
        time.is_for(visit.place) and time.starts_at < visit.ends_at and time.ends_at > visit.starts_at
        for time in times
    )


def _wall_times(
    closure: Closure, first: dt.datetime, last: dt.datetime, start: dt.datetime, end: dt.datetime
) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """Beginnings and ends on the clinic's clock, up to ``end``: arithmetic within one zone keeps it."""
    if closure.repeats == Repeats.WEEKLY:
        weeks = max(0, (start - first) // WEEK - 1)
        while first + weeks * WEEK < end:
            yield first + weeks * WEEK, last + weeks * WEEK
            weeks += 1
    elif closure.repeats == Repeats.YEARLY:
        for year in range(max(first.year, start.year - 1), end.year + 1):
            begins = _in_year(first, year)
            yield begins, begins + (last.replace(tzinfo=None) - first.replace(tzinfo=None))
    else:
        yield first, last


def _in_year(moment: dt.datetime, year: int) -> dt.datetime:
    """29 February is the 28th in other years."""
    day = 28 if (moment.month, moment.day) == (2, 29) else moment.day
    return moment.replace(year=year, day=day) if year != moment.year else moment


def _check_times(
    starts_at: dt.datetime, ends_at: dt.datetime, repeats: str, repeats_until: dt.date | None
) -> None:
    if ends_at <= starts_at:
        raise InvalidInput(_("The end has to be after the beginning."), field="ends_at")
    if repeats == Repeats.WEEKLY and ends_at - starts_at > WEEK:
        raise InvalidInput(_("What repeats every week lasts a week at most."), field="ends_at")
    if repeats == Repeats.YEARLY and ends_at - starts_at > LOOK_AHEAD:
        raise InvalidInput(_("What repeats every year lasts a year at most."), field="ends_at")
    if repeats_until is not None and repeats_until < starts_at.date():
        raise InvalidInput(_("The last time is before the first one."), field="repeats_until")


def _require(by: User) -> None:
    if not by.can(Permission.APPOINTMENT_BOOK):
        raise NotAllowed(_("Your role does not include the opening hours."))
