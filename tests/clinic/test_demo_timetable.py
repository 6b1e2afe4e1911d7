"""The week of the demo clinic at every hour: no overlaps, the done before now, the booked after it."""

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from clinic.demo.people import PATIENTS
from clinic.demo.texts import REPORTS
from clinic.demo.timetable import Planned, opening_hours, plan, steps
from clinic.demo.week import PRESENT, READ, WEEK, WITH_IMAGES, Goal
from scheduling.shipped.contents import PROCEDURES

ZONE = ZoneInfo("Europe/Warsaw")
MINUTES = {procedure.code: procedure.minutes for procedure in PROCEDURES}
HOURS = ["00:00", "00:07", "03:30", "08:45", "12:00", "16:59", "21:15", "22:58", "23:52", "23:59"]


def at(clock: str, day: dt.date = dt.date(2026, 11, 21)) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.fromisoformat(clock), tzinfo=ZONE)


def today(planned: list[Planned], now: dt.datetime) -> list[Planned]:
    return [
        entry
        for entry in planned
        if entry.starts_at and entry.starts_at.astimezone(ZONE).date() == now.date()
    ]


@pytest.mark.parametrize("clock", HOURS)
def test_nobody_is_booked_twice_at_a_station(clock: str) -> None:
    planned = plan(WEEK, MINUTES, at(clock))

    for station in ("CEDAR_XR", "CEDAR_US"):
        taken = sorted((e.starts_at, e.ends_at) for e in planned if e.visit.station == station)
        assert all(one_ends <= other_starts for (_, one_ends), (other_starts, _) in pairwise(taken))


@pytest.mark.parametrize("clock", HOURS)
def test_done_lies_before_now_and_booked_after_it(clock: str) -> None:
    now = at(clock)

    planned = plan(WEEK, MINUTES, now)

    done = [e for e in planned if e.starts_at and e.visit.goal in WITH_IMAGES]
    booked = [e for e in planned if e.visit.goal == Goal.BOOKED]
    assert all(entry.ends_at <= now for entry in done)
    assert all(entry.starts_at >= now for entry in booked)


@pytest.mark.parametrize("clock", HOURS)
def test_who_is_here_now_is_on_the_list_of_today(clock: str) -> None:
    now = at(clock)

    planned = today(plan(WEEK, MINUTES, now), now)

    here = {entry.visit.key for entry in planned if entry.visit.goal in PRESENT}
    assert here == {visit.key for visit in WEEK if visit.goal in PRESENT}


@pytest.mark.parametrize("clock", HOURS)
def test_today_lies_inside_the_opening_hours(clock: str) -> None:
    now = at(clock)

    planned = today(plan(WEEK, MINUTES, now), now)

    opens, closes = opening_hours(now)
    assert all(entry.starts_at.astimezone(ZONE).time() >= opens for entry in planned)
    assert all(entry.ends_at.astimezone(ZONE).time() <= closes for entry in planned)


@pytest.mark.parametrize("clock", HOURS)
def test_the_days_ahead_begin_in_the_morning(clock: str) -> None:
    now = at(clock)

    planned = plan(WEEK, MINUTES, now)

    ahead = [e.starts_at.astimezone(ZONE) for e in planned if e.starts_at and e.visit.goal == Goal.BOOKED]
    assert {start.hour for start in ahead if start.date() > now.date()} <= set(range(8, 19))


@pytest.mark.parametrize("clock", HOURS)
def test_everything_was_done_before_now_in_a_sensible_order(clock: str) -> None:
    now = at(clock)

    found = steps(plan(WEEK, MINUTES, now), now)

    assert max(step.at for step in found) < now
    assert [step.at for step in found] == sorted(step.at for step in found)
    names = " ".join(step.name for step in found if step.planned.visit.key == "yamada/XCHEST/0")
    assert names == "place book check_in call_in start images finish claim draft sign release"


def test_the_day_on_which_the_clocks_change_is_planned_too() -> None:
    now = at("12:00", dt.date(2026, 10, 25))

    planned = plan(WEEK, MINUTES, now)

    assert len(planned) == len(WEEK)


def test_week_names_only_what_exists() -> None:
    people = {patient.key for patient in PATIENTS}

    assert {visit.patient for visit in WEEK} <= people
    assert {visit.sent_as for visit in WEEK if visit.sent_as} <= people
    assert {visit.procedure for visit in WEEK} <= set(MINUTES)
    assert {visit.report for visit in WEEK if visit.goal in READ} <= set(REPORTS)
    assert {visit.goal for visit in WEEK} == set(Goal)
    assert len({visit.key for visit in WEEK}) == len(WEEK)
