"""Closed times: once or again, by the clinic's clock, and never over the heads of who is booked."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from audit.models import Entry
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.models import ClinicProfile
from scheduling import services
from scheduling.closures import VisitsInTheWay, closed_times, visits_in_closed_times
from scheduling.models import Closure, Consultant
from scheduling.slots import free_slots
from tests.factories import book, make_everyone, make_order, make_station, make_user
from tests.scheduling.pages import sign_in, url

pytestmark = pytest.mark.django_db
MONDAY = dt.date(2027, 3, 1)
NINE = dt.datetime(2027, 3, 1, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def close(**fields: object) -> Closure:
    fields = {"starts_at": NINE, "ends_at": NINE + HOUR, "reason": "Service", "by": make_everyone()} | fields
    return services.add_closure(**fields)


def clock(starts):
    return [start.strftime("%H:%M") for start in starts]


def morning(**fields):
    return make_station(opens_at=dt.time(8), closes_at=dt.time(11), **fields)


def test_a_closed_station_offers_nothing_then_and_the_others_do():
    station, other = morning(), morning()

    close(station=station)

    assert clock(free_slots(station, MONDAY, 60)) == ["08:00", "10:00"]
    assert clock(free_slots(other, MONDAY, 60)) == ["08:00", "09:00", "10:00"]
    assert Entry.objects.get(action="closure.added").reason == "Service"


def test_the_whole_clinic_closes_every_station_and_doctor():
    station = morning()
    consultant = Consultant.objects.create(
        doctor=make_user("radiologist"), opens_at=dt.time(8), closes_at=dt.time(11)
    )

    close()

    assert clock(free_slots(station, MONDAY, 60)) == ["08:00", "10:00"]
    assert clock(free_slots(consultant, MONDAY, 60)) == ["08:00", "10:00"]


def test_a_doctor_who_is_away_closes_no_station():
    station, doctor = morning(), make_user("radiologist")
    Consultant.objects.create(doctor=doctor)

    close(doctor=doctor)

    assert clock(free_slots(station, MONDAY, 60)) == ["08:00", "09:00", "10:00"]
    with pytest.raises(Conflict, match="is away from Mon 1 Mar, 09:00"):
        services.book_consultation(
            make_order().patient, by=make_everyone(), doctor=doctor, starts_at=NINE, minutes=20
        )


def test_every_week_until_a_day():
    station = morning()
    close(station=station, repeats="weekly", repeats_until=MONDAY + dt.timedelta(days=7))

    free = [clock(free_slots(station, MONDAY + dt.timedelta(days=7 * week), 60)) for week in range(3)]

    assert free == [["08:00", "10:00"], ["08:00", "10:00"], ["08:00", "09:00", "10:00"]]


def test_every_week_keeps_the_clock_when_summer_time_begins():
    ClinicProfile.objects.update_or_create(pk=1, defaults={"time_zone": "Europe/Zurich"})
    zone = ZoneInfo("Europe/Zurich")
    start = dt.datetime(2027, 3, 22, 9, tzinfo=zone)  # summer time begins on 28 March
    close(starts_at=start, ends_at=start + HOUR, repeats="weekly")

    found = closed_times(dt.datetime(2027, 3, 29, tzinfo=dt.UTC), dt.datetime(2027, 3, 30, tzinfo=dt.UTC))

    assert [time.starts_at.astimezone(zone).strftime("%d %H:%M") for time in found] == ["29 09:00"]


def test_every_year_also_over_the_turn_of_the_year():
    start = dt.datetime(2026, 12, 24, 0, tzinfo=dt.UTC)
    close(starts_at=start, ends_at=start + dt.timedelta(days=10), repeats="yearly")

    new_year = dt.datetime(2029, 1, 1, 10, tzinfo=dt.UTC)

    assert len(closed_times(new_year, new_year + HOUR)) == 1
    assert closed_times(new_year + dt.timedelta(days=5), new_year + dt.timedelta(days=6)) == []


def test_who_is_booked_stops_the_closing_and_is_named():
    station = morning()
    visit = book(make_order(), station=station, starts_at=NINE)
    book(make_order(), station=morning(), starts_at=NINE)

    with pytest.raises(VisitsInTheWay) as refusal:
        close(station=station)

    assert refusal.value.visits == [visit]
    assert Closure.objects.count() == 0


def test_closing_nevertheless_leaves_the_visits_to_be_moved():
    station = morning()
    visit = book(make_order(), station=station, starts_at=NINE)

    close(station=station, despite_visits=True)

    assert visits_in_closed_times(NINE, NINE + HOUR) == [visit]


def test_a_visit_in_the_way_of_a_repetition_counts():
    station = morning()
    visit = book(make_order(), station=station, starts_at=NINE + dt.timedelta(days=21))

    with pytest.raises(VisitsInTheWay) as refusal:
        close(station=station, repeats="weekly")

    assert refusal.value.visits == [visit]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"ends_at": NINE}, "The end has to be after the beginning."),
        ({"ends_at": NINE + dt.timedelta(days=8), "repeats": "weekly"}, "a week at most"),
        ({"repeats": "weekly", "repeats_until": dt.date(2027, 2, 1)}, "before the first one"),
    ],
)
def test_times_that_cannot_be_are_refused(fields, words):
    with pytest.raises(InvalidInput, match=words):
        close(**fields)


def test_only_who_books_closes():
    with pytest.raises(NotAllowed):
        close(by=make_user("radiologist"))


def test_the_page_closes_names_who_is_in_the_way_and_opens_again():
    ClinicProfile.get()
    station = morning()
    visit = book(make_order(), station=station, starts_at=NINE)
    form = {
        "place": f"station-{station.pk}",
        "starts_at": "2027-03-01T09:00",
        "ends_at": "2027-03-01T10:00",
        "reason": "Service",
        "repeats": "never",
    }
    client = sign_in("receptionist")

    refused = client.post(url("closure_list"), form).content.decode()
    client.post(url("closure_list"), form | {"despite_visits": "on"})
    page = client.get(url("closure_list")).content.decode()

    assert "Nothing was closed: 1 visits are booked in that time." in refused
    assert url("appointment_reschedule", visit.pk) in refused
    assert "Booked in a closed time: to be moved" in page
    client.post(url("closure_remove", Closure.objects.get().pk))
    assert Closure.objects.count() == 0
    assert Entry.objects.filter(action="closure.removed").count() == 1
