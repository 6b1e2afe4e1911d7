"""Free times of a station, in real minutes: a day may have 23 or 25 hours and a zone 45-minute offsets."""

import datetime as dt
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

from django.utils import timezone

from .days import clinic_zone, day_bounds
from .models import Appointment, Closure, Station

GRID = dt.timedelta(minutes=5)
Span = tuple[dt.datetime, dt.datetime]
Align = Callable[[dt.datetime], dt.datetime]


def free_slots(station: Station, day: dt.date, minutes: int) -> list[dt.datetime]:
    """Starts, in the clinic's time, at which ``minutes`` fit into the opening hours; none in the past."""
    return free_days(station, day, 1, minutes)[day]


def free_days(station: Station, first: dt.date, days: int, minutes: int) -> dict[dt.date, list[dt.datetime]]:
    """The free slots of ``days`` days from ``first`` on, in two queries."""
    zone = clinic_zone()
    dates = [first + dt.timedelta(days=number) for number in range(days)]
    now = _on_grid(timezone.now())
    length = dt.timedelta(minutes=minutes)
    taken = taken_times(station, day_bounds(dates[0], zone)[0], day_bounds(dates[-1], zone)[1])
    free: dict[dt.date, list[dt.datetime]] = {}
    for day in dates:
        opens, closes = opening_hours(station, day, zone) or (now, now)
        starts = _gaps(max(opens, now), closes, taken, length, _on_grid)
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


def opening_hours(station: Station, day: dt.date, zone: ZoneInfo) -> Span | None:
    if not station.is_active or day.isoweekday() not in station.weekdays:
        return None
    opens = dt.datetime.combine(day, station.opens_at, tzinfo=zone)
    closes = dt.datetime.combine(day, station.closes_at, tzinfo=zone)
    return opens.astimezone(dt.UTC), closes.astimezone(dt.UTC)


def taken_times(station: Station, start: dt.datetime, end: dt.datetime) -> list[Span]:
    """What is booked or closed between ``start`` and ``end``, by start."""
    inside = {"starts_at__lt": end, "ends_at__gt": start}
    booked = Appointment.objects.occupying().filter(station=station, **inside)
    closed = Closure.objects.filter(station=station, **inside)
    spans = [*booked.values_list("starts_at", "ends_at"), *closed.values_list("starts_at", "ends_at")]
    return sorted(spans)


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
