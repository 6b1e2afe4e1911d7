import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from clinic.models import ClinicProfile
from scheduling.models import Closure
from scheduling.slots import free_slots, next_free_minute
from scheduling.worklist import scheduled_steps
from tests.factories import book, make_appointment, make_order, make_procedure, make_station

pytestmark = pytest.mark.django_db
MONDAY = dt.date(2027, 3, 1)


def clinic_in(zone: str) -> ZoneInfo:
    ClinicProfile.objects.update_or_create(pk=1, defaults={"time_zone": zone})
    return ZoneInfo(zone)


def clock(starts):
    return [start.strftime("%H:%M") for start in starts]


def morning(**fields):
    return make_station(opens_at=dt.time(8), closes_at=dt.time(9), **fields)


def test_an_empty_morning_is_offered_by_duration():
    assert clock(free_slots(morning(), MONDAY, 20)) == ["08:00", "08:20", "08:40"]


def test_what_is_booked_is_not_offered_and_the_rest_starts_on_full_five_minutes():
    station = morning()
    book(
        make_order(procedure=make_procedure(minutes=12)),
        station=station,
        starts_at=dt.datetime(2027, 3, 1, 8, 10, tzinfo=dt.UTC),
    )

    assert clock(free_slots(station, MONDAY, 10)) == ["08:00", "08:25", "08:35", "08:45"]


@pytest.mark.parametrize("status", ["cancelled", "no_show"])
def test_what_will_not_happen_is_offered_again(status):
    station = morning()
    make_appointment(station=station, starts_at=dt.datetime(2027, 3, 1, 8, tzinfo=dt.UTC), status=status)

    assert clock(free_slots(station, MONDAY, 30)) == ["08:00", "08:30"]


def test_closed_weekdays_and_closures_offer_nothing():
    station = morning(weekdays=[1])
    Closure.objects.create(
        station=station,
        starts_at=dt.datetime(2027, 3, 1, 7, tzinfo=dt.UTC),
        ends_at=dt.datetime(2027, 3, 1, 8, 30, tzinfo=dt.UTC),
    )

    assert clock(free_slots(station, MONDAY, 30)) == ["08:30"]
    assert free_slots(station, MONDAY + dt.timedelta(days=1), 30) == []


def test_a_station_out_of_use_offers_nothing():
    assert free_slots(morning(is_active=False), MONDAY, 30) == []


def test_an_examination_longer_than_the_day_is_not_offered():
    assert free_slots(morning(), MONDAY, 61) == []


def test_the_past_is_not_offered(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: dt.datetime(2027, 3, 1, 8, 21, tzinfo=dt.UTC))

    assert clock(free_slots(morning(), MONDAY, 15)) == ["08:25", "08:40"]


def test_nepals_quarter_hours_stay_on_the_wall_clock():
    clinic_in("Asia/Kathmandu")

    starts = free_slots(morning(), MONDAY, 30)

    assert clock(starts) == ["08:00", "08:30"]
    assert starts[0].astimezone(dt.UTC) == dt.datetime(2027, 3, 1, 2, 15, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("day", "offered"),
    [
        # Berlin: from 02:00 to 03:00 on 28 March 2027, back from 03:00 to 02:00 on 31 October 2027
        (dt.date(2027, 3, 28), ["00:00", "01:00", "03:00"]),
        (dt.date(2027, 10, 31), ["00:00", "01:00", "02:00", "02:00", "03:00"]),
    ],
)
def test_a_night_with_a_changed_clock_has_its_real_hours(day, offered):
    clinic_in("Europe/Berlin")
    station = make_station(opens_at=dt.time(0), closes_at=dt.time(4))

    starts = free_slots(station, day, 60)

    assert clock(starts) == offered
    assert len({start.astimezone(dt.UTC) for start in starts}) == len(offered)


def test_the_next_free_minute_is_now(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: dt.datetime(2027, 3, 1, 8, 21, 40, tzinfo=dt.UTC))

    assert next_free_minute(morning(), 15) == dt.datetime(2027, 3, 1, 8, 21, tzinfo=dt.UTC)


def test_the_next_free_minute_is_behind_what_is_booked(monkeypatch):
    now = dt.datetime(2027, 3, 1, 8, 21, tzinfo=dt.UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    station = morning()
    book(make_order(), station=station, starts_at=now - dt.timedelta(minutes=5))
    book(make_order(), station=station, starts_at=now + dt.timedelta(minutes=20))

    free = next_free_minute(station, 15)

    assert clock([free]) == ["08:56"]


def test_at_night_there_is_a_time_too_but_not_after_midnight(monkeypatch):
    clinic_in("Asia/Kathmandu")
    now = dt.datetime(2027, 3, 1, 18, 5, tzinfo=dt.UTC)  # 23:50 in Nepal
    monkeypatch.setattr(timezone, "now", lambda: now)
    station = morning()

    free = next_free_minute(station, 15)
    book(make_order(), station=station, starts_at=now)

    assert clock([free]) == ["23:50"]
    assert next_free_minute(station, 15) is None


@pytest.mark.parametrize(
    ("status", "offered"),
    [
        ("booked", True),
        ("waiting", True),
        ("in_room", True),
        ("in_scan", True),
        ("review", False),
        ("completed", False),
        ("no_show", False),
        ("cancelled", False),
    ],
)
def test_the_worklist_offers_what_is_booked_and_not_done(status, offered):
    appointment = make_appointment(status=status)

    steps = list(scheduled_steps())

    assert steps == ([appointment.orders.get()] if offered else [])


@pytest.mark.parametrize("rows", [1, 3])
def test_the_worklist_is_one_query(django_assert_num_queries, rows):
    for _ in range(rows):
        make_appointment()

    with django_assert_num_queries(1):
        names = [
            (step.patient.dicom_name, step.procedure.name, step.appointment.station.ae_title)
            for step in scheduled_steps()
        ]

    assert len(names) == rows
