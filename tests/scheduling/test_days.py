"""The right day everywhere: a clinic at UTC+5:45, days of 23 and 25 hours, an examination at midnight."""

import datetime as dt
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from pynetdicom.dsutils import decode, encode

from clinic.models import ClinicProfile
from dicomserver import worklist
from dicomserver.encoding import Encoder
from scheduling.board import make_board
from scheduling.days import clinic_today, day_bounds
from tests.dicomserver.worklists import query
from tests.factories import make_appointment, make_order, make_station
from tests.scheduling.pages import sign_in, url

pytestmark = pytest.mark.django_db

NEPAL, BERLIN = "Asia/Kathmandu", "Europe/Berlin"
# In Berlin the clock goes forward at 02:00 on 28 March 2027, and back at 03:00 on 31 October 2027.
SHORT, LONG = dt.date(2027, 3, 28), dt.date(2027, 10, 31)


@pytest.fixture
def at(monkeypatch):
    """A clinic in a zone, at a time of its wall; ``fold=1`` is the second of an hour that comes twice."""

    def set_clock(zone, text, *, fold=0):
        ClinicProfile.objects.update_or_create(pk=1, defaults={"time_zone": zone})
        now = wall(zone, text, fold=fold)
        monkeypatch.setattr(timezone, "now", lambda: now)
        return now

    return set_clock


def wall(zone, text, *, fold=0):
    """An instant as the clock on the wall shows it."""
    local = dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return local.astimezone(dt.UTC)


def clocks_of_board():
    return [face.clock for column in make_board().columns.values() for face in column.faces]


def clocks_of_calendar(day):
    agenda = sign_in().get(url("calendar"), {"day": day.isoformat()}).context["agenda"]
    zone = ZoneInfo(ClinicProfile.get().time_zone)
    cells = [cell for lane in agenda.lanes for cell in lane.cells.values()]
    starts = [card.appointment.starts_at.astimezone(zone) for cell in cells for card in cell.cards]
    return sorted(f"{start:%H:%M}" for start in starts)


def steps_on(day):
    """What a machine is told about the steps of ``day``: date and time of each."""
    asked = query(step={"ScheduledProcedureStepStartDate": f"{day:%Y%m%d}"})
    encoder = Encoder()
    found = worklist.find(worklist.Query(decode(BytesIO(encode(asked, False, True)), False, True)), encoder)
    steps = [encoder.decoded(match).ScheduledProcedureStepSequence[0] for match in found]
    return [
        (step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime[:4]) for step in steps
    ]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [(BERLIN, SHORT, 23), (BERLIN, LONG, 25), (BERLIN, dt.date(2027, 3, 29), 24), (NEPAL, SHORT, 24)],
)
def test_a_day_has_its_real_hours(zone, day, hours):
    start, end = day_bounds(day, ZoneInfo(zone))

    assert end - start == dt.timedelta(hours=hours)


@pytest.mark.parametrize(
    ("text", "today"),
    [("2027-03-01T23:59", dt.date(2027, 3, 1)), ("2027-03-02T00:00", dt.date(2027, 3, 2))],
)
def test_today_changes_at_midnight_on_the_wall(at, text, today):
    at(NEPAL, text)

    assert clinic_today() == today


@pytest.mark.parametrize(
    ("zone", "day", "wall_clocks"),
    [
        (NEPAL, dt.date(2027, 3, 1), ["00:00", "05:40", "23:45"]),
        (BERLIN, SHORT, ["00:00", "01:30", "03:00", "23:45"]),
        (BERLIN, LONG, ["00:00", "02:30", "23:45"]),
    ],
    ids=["Nepal", "23 hours", "25 hours"],
)
def test_board_calendar_and_machines_mean_the_same_day(at, zone, day, wall_clocks):
    at(zone, f"{day}T00:00")
    station = make_station(opens_at=dt.time(0), closes_at=dt.time(23, 59), modalities=[])
    outside = [
        wall(zone, f"{day - dt.timedelta(days=1)}T23:30"),
        wall(zone, f"{day + dt.timedelta(days=1)}T00:00"),
    ]
    inside = [wall(zone, f"{day}T{clock}") for clock in wall_clocks]
    for starts_at in sorted([*inside, *outside]):
        make_order(status="scheduled", station=station, starts_at=starts_at)

    assert clocks_of_board() == wall_clocks
    assert clocks_of_calendar(day) == wall_clocks
    assert steps_on(day) == [(f"{day:%Y%m%d}", clock.replace(":", "")) for clock in wall_clocks]


def test_the_hour_that_comes_twice_is_shown_twice_and_in_its_order(at):
    at(BERLIN, f"{LONG}T00:00")
    station = make_station()
    second = make_appointment(station=station, starts_at=wall(BERLIN, f"{LONG}T02:30", fold=1))
    first = make_appointment(station=station, starts_at=wall(BERLIN, f"{LONG}T02:30"))

    board = make_board()

    assert [(face.pk, face.clock) for face in board.hours[2]] == [(first.pk, "02:30"), (second.pk, "02:30")]
    assert [face.pk for face in board.columns["booked"].faces] == [first.pk, second.pk]


def test_a_wait_over_the_changing_clock_is_counted_in_real_minutes(at):
    visit = make_appointment(status="waiting")
    now = at(BERLIN, f"{LONG}T02:10", fold=1)
    type(visit).objects.filter(pk=visit.pk).update(arrived_at=wall(BERLIN, f"{LONG}T02:40"))

    [face] = make_board().columns["waiting"].faces

    assert face.waits.at(now).text == "30 min"


def test_an_examination_at_midnight_stays_on_the_board_of_the_new_day_until_it_is_done(at):
    now = at(NEPAL, "2027-03-01T23:50")
    visit = make_appointment(status="in_scan", starts_at=now)
    over = make_appointment(status="no_show", starts_at=now)
    before = [face.pk for faces in make_board().hours.values() for face in faces]

    at(NEPAL, "2027-03-02T00:10")

    assert before == [visit.pk, over.pk]
    assert [(face.pk, face.other_day) for face in make_board().columns["in_scan"].faces] == [
        (visit.pk, "1 Mar")
    ]
    assert make_board().total == 1
