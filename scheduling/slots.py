"""Free times of a station or a doctor, in real minutes: a day may have 23 or 25 hours."""

import datetime as dt
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

from django.utils import timezone

from clinic.models import User

from .closures import closed_times_of
from .days import clinic_zone, day_bounds
from .models import Appointment, Place, Station

GRID = dt.timedelta(minutes=5)
Span = tuple[dt.datetime, dt.datetime]
Align = Callable[[dt.datetime], dt.datetime]


def free_slots(place: Place, day: dt.date, minutes: int) -> list[dt.datetime]:
    """Starts, in the clinic's time, at which ``minutes`` fit into the opening hours; none in the past."""
    return free_days(place, day, 1, minutes)[day]


def free_days(place: Place, first: dt.date, days: int, minutes: int) -> dict[dt.date, list[dt.datetime]]:
    """The free slots of ``days`` days from ``first`` on, in two queries."""
    zone = clinic_zone()
    dates = [first + dt.timedelta(days=number) for number in range(days)]
    now = _on_grid(timezone.now())
    length = dt.timedelta(minutes=minutes)
    taken = taken_times(who_or_where(place), day_bounds(dates[0], zone)[0], day_bounds(dates[-1], zone)[1])
    free: dict[dt.date, list[dt.datetime]] = {}
    for day in dates:
        opens, closes = opening_hours(place, day, zone) or (now, now)
        of_day = sorted([*taken, *break_of(place, day, zone)])
        starts = _gaps(max(opens, now), closes, of_day, length, _on_grid)
        free[day] = [start.astimezone(zone) for start in starts]
    return free


def next_free_minute(station: Station, minutes: int) -> dt.datetime | None:
    """The first minute from now until the end of today at which ``minutes`` are free.

    Opening hours do not count: whoever is at the desk at night is there to examine.
    """
    zone = clinic_zone()
    start = timezone.now().replace(second=0, microsecond=0)
    length = dt.timedelta(minutes=minutes)
    end = day_bounds(start.astimezone(zone).date(), zone)[1]
    for free in _gaps(start, end + length, taken_times(station, start, end + length), length, lambda at: at):
        return free.astimezone(zone) if free < end else None
    return None


def opening_hours(place: Place, day: dt.date, zone: ZoneInfo) -> Span | None:
    if not place.is_active or day.isoweekday() not in place.weekdays:
        return None
    return _span(day, place.opens_at, place.closes_at, zone)


def break_of(place: Place, day: dt.date, zone: ZoneInfo) -> list[Span]:
    """The break of the day, if there is one: nothing is offered in it."""
    if place.break_from is None or place.break_until is None:
        return []
    return [_span(day, place.break_from, place.break_until, zone)]


def who_or_where(place: Place) -> Station | User:
    """What an appointment names: the station, or the doctor of consultations."""
    return place if isinstance(place, Station) else place.doctor


def taken_times(place: Station | User, start: dt.datetime, end: dt.datetime) -> list[Span]:
    """What is booked or closed between ``start`` and ``end``, by start."""
    booked = Appointment.objects.occupying().at(place).filter(starts_at__lt=end, ends_at__gt=start)
    closed = closed_times_of(place, start, end)
    spans = [
        *booked.values_list("starts_at", "ends_at"),
        *((time.starts_at, time.ends_at) for time in closed),
    ]
    return sorted(spans)


def _span(day: dt.date, begins: dt.time, ends: dt.time, zone: ZoneInfo) -> Span:
    start = dt.datetime.combine(day, begins, tzinfo=zone)
    end = dt.datetime.combine(day, ends, tzinfo=zone)
    return start.astimezone(dt.UTC), end.astimezone(dt.UTC)


def _gaps(
    start: dt.datetime, end: dt.datetime, taken: list[Span], length: dt.timedelta, align: Align
) -> Iterator[dt.datetime]:
    for busy_from, busy_until in [*taken, (end, end)]:
        if start >= end:
            return
        while start + length <= min(busy_from, end):
            yield start
            start += length
        start = max(start, align(busy_until))


def _on_grid(instant: dt.datetime) -> dt.datetime:
    """The next full five minutes (zones differ from UTC by multiples of a quarter of an hour)."""
    seconds = GRID.total_seconds()
    return dt.datetime.fromtimestamp(-(-instant.timestamp() // seconds) * seconds, tz=dt.UTC)
