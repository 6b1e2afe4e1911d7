"""When each visit of the week takes place, seen from the moment at which the demo begins.

Today's list is laid around that moment: what is done lies before it, who waits is here now, what is booked
comes later. Near midnight there is not enough of today on one side: what is done moves to yesterday evening,
what is booked to tomorrow morning.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from clinic.demo.week import LATER, PRESENT, Goal, Visit

MORNING = dt.time(8, 30)
OPENS, CLOSES = dt.time(7), dt.time(21)
GRID = dt.timedelta(minutes=5)
PAUSE = dt.timedelta(minutes=10)
MINUTE = dt.timedelta(minutes=1)
MARGIN = dt.timedelta(minutes=1)


@dataclass(frozen=True)
class Planned:
    """A visit with its time; both are empty for an order that has no appointment."""

    visit: Visit
    starts_at: dt.datetime | None
    ends_at: dt.datetime | None


@dataclass(frozen=True)
class Step:
    """One thing that one person did at one moment."""

    at: dt.datetime
    name: str
    planned: Planned


def opening_hours(now: dt.datetime) -> tuple[dt.time, dt.time]:
    """Wide enough that today's list lies inside them."""
    if now.hour < 10:
        return dt.time(0), CLOSES
    if now.hour >= 17:
        return OPENS, dt.time(23, 59)
    return OPENS, CLOSES


def plan(week: Iterable[Visit], minutes: Mapping[str, int], now: dt.datetime) -> list[Planned]:
    """Give every visit its time; `minutes` are the procedures' lengths, `now` is in the clinic's zone."""
    visits = list(week)
    planned = [Planned(visit, None, None) for visit in visits if not visit.station]
    for station in sorted({visit.station for visit in visits if visit.station}):
        planned += _plan_station([v for v in visits if v.station == station], minutes, now)
    return planned


def _plan_station(visits: list[Visit], minutes: Mapping[str, int], now: dt.datetime) -> Iterator[Planned]:
    today = [visit for visit in visits if visit.day == 0]
    present = [visit for visit in today if visit.goal in PRESENT]
    later = [visit for visit in today if visit.goal in LATER]
    done = [visit for visit in today if visit not in present and visit not in later]
    midnight = _at(now, 0, dt.time(0))
    anchor = min(max(now, midnight + 30 * MINUTE), midnight + dt.timedelta(hours=23))
    start = _floor(anchor) - GRID
    end = min(start, _floor(now) - GRID)
    place = start
    for visit in present:
        yield _placed(visit, place, minutes)
        place += _length(visit, minutes)
    last = midnight + dt.timedelta(hours=23, minutes=59)
    tomorrow = [visit for visit in visits if visit.day == 1]
    for visit in later:
        place = max(place + PAUSE, _floor(now) + GRID) + PAUSE
        if place + _length(visit, minutes) > last:
            tomorrow.append(visit)
            continue
        yield _placed(visit, place, minutes)
        place += _length(visit, minutes)
    for visit in reversed(done):
        if midnight <= end < midnight + _length(visit, minutes) + PAUSE:
            end = midnight
        end -= _length(visit, minutes) + PAUSE
        yield _placed(visit, end, minutes)
    others = {visit.day for visit in visits} - {0, 1}
    for day in sorted(others):
        yield from _in_a_row([v for v in visits if v.day == day], _at(now, day, MORNING), minutes)
    yield from _in_a_row(tomorrow, _at(now, 1, MORNING), minutes)


def _in_a_row(visits: list[Visit], start: dt.datetime, minutes: Mapping[str, int]) -> Iterator[Planned]:
    for visit in visits:
        yield _placed(visit, start, minutes)
        start += _length(visit, minutes) + 2 * PAUSE


def _placed(visit: Visit, start: dt.datetime, minutes: Mapping[str, int]) -> Planned:
    return Planned(visit, start, start + _length(visit, minutes))


def _length(visit: Visit, minutes: Mapping[str, int]) -> dt.timedelta:
    return minutes[visit.procedure] * MINUTE


def _at(now: dt.datetime, day: int, time: dt.time) -> dt.datetime:
    """A wall-clock time some days from now, in UTC so that it can be added to."""
    zone = now.tzinfo
    return dt.datetime.combine(now.date() + dt.timedelta(days=day), time, tzinfo=zone).astimezone(dt.UTC)


def _floor(moment: dt.datetime) -> dt.datetime:
    seconds = int(GRID.total_seconds())
    return dt.datetime.fromtimestamp(moment.timestamp() // seconds * seconds, tz=dt.UTC)


# Minutes from the appointment's start at which each step is done, for a visit that lies behind us.
BEHIND = {
    Goal.NO_SHOW: {"no_show": 25},
    Goal.ORDER_CANCELLED: {"cancel_order": -120},
    Goal.CANCELLED: {"cancel": -95},
}
EXAMINED = {"check_in": -12, "call_in": -1, "start": 1, "images": 5, "finish": 8}
REPORTING = {"claim": 24, "draft": 29, "sign": 36, "release": 58}
UNTIL = {
    Goal.HELD: "images",
    Goal.ACQUIRED: "finish",
    Goal.READING: "draft",
    Goal.REPORTED: "sign",
    Goal.RELEASED: "release",
}
HERE = {
    Goal.WAITING: {"check_in": 1.0},
    Goal.IN_ROOM: {"check_in": 1.0, "call_in": 0.15},
    Goal.IN_SCAN: {"check_in": 1.0, "call_in": 0.4, "start": 0.2},
}


def steps(planned: list[Planned], now: dt.datetime) -> list[Step]:
    """Everything that was done until now, in the order of time."""
    found = [step for number, entry in enumerate(planned) for step in _steps_of(entry, number, now)]
    return sorted(found, key=lambda step: step.at)


def _steps_of(planned: Planned, number: int, now: dt.datetime) -> list[Step]:
    visit, start = planned.visit, planned.starts_at
    if start is None:
        start = now + dt.timedelta(days=visit.day, hours=-1)
    times = {name: start + after * MINUTE for name, after in _afterwards(visit).items()}
    if visit.goal in HERE:
        times = {name: now - part * visit.waited * MINUTE for name, part in HERE[visit.goal].items()}
    first = min([start, now, *times.values()])
    lead = 5 * MINUTE if visit.walk_in else dt.timedelta(days=2 + number % 5, minutes=7 * (number % 11))
    times = {"place": first - lead, "book": first - lead + 2 * MINUTE, **times}
    if planned.starts_at is None:
        times.pop("book")
    return [Step(at, name, planned) for name, at in _before(now, times).items()]


def _afterwards(visit: Visit) -> Mapping[str, int]:
    if visit.goal in BEHIND:
        return BEHIND[visit.goal]
    if visit.goal not in UNTIL:
        return {}
    whole = EXAMINED | REPORTING if visit.station else {"images": 0, "acquire": 3} | REPORTING
    last = "acquire" if UNTIL[visit.goal] == "finish" and not visit.station else UNTIL[visit.goal]
    names = list(whole)
    return {name: whole[name] for name in names[: names.index(last) + 1]}


def _before(now: dt.datetime, times: dict[str, dt.datetime]) -> dict[str, dt.datetime]:
    """Keep the order of the steps and let the last one lie before now."""
    latest = now - MARGIN
    for name in reversed(times):
        times[name] = latest = min(times[name], latest)
        latest -= MARGIN / 2
    return times
