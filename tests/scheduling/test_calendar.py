"""The calendar: free times that can be booked, visits that can be moved, the list of a day."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clinic.models import User
from scheduling import services
from scheduling.agenda import Cell, make_agenda
from scheduling.models import Appointment, Consultant, Order
from tests.factories import (
    book,
    make_everyone,
    make_order,
    make_patient,
    make_procedure,
    make_station,
    make_user,
)
from tests.scheduling.pages import HTMX, order_form, sign_in, url

pytestmark = pytest.mark.django_db
MONDAY = dt.date(2027, 3, 1)
TEN = dt.datetime(2027, 3, 1, 10, tzinfo=dt.UTC)


def at(cells: dict[int, Cell], clock: str) -> Cell:
    hour, minute = map(int, clock.split(":"))
    return cells[hour * 4 + minute // 15]


@pytest.fixture
def doctor() -> User:
    user = make_user("radiologist", full_name="Dr Amara Diallo")
    Consultant.objects.create(doctor=user, opens_at=dt.time(9), closes_at=dt.time(12))
    return user


def test_times_are_free_taken_closed_or_break():
    station = make_station(break_from=dt.time(12), break_until=dt.time(13))
    visit = book(make_order(), station=station, starts_at=TEN)
    services.add_closure(
        by=make_everyone(),
        station=station,
        starts_at=TEN + dt.timedelta(hours=5),
        ends_at=TEN + dt.timedelta(hours=6),
        reason="Service",
    )

    (lane,) = make_agenda(make_everyone(), [station], [MONDAY]).lanes

    assert at(lane.cells, "09:45").free_at == TEN - dt.timedelta(minutes=15)
    assert [card.appointment for card in at(lane.cells, "10:00").cards] == [visit]
    assert (at(lane.cells, "12:15").is_closed, at(lane.cells, "12:15").reason) == (True, "break")
    assert (at(lane.cells, "15:30").is_closed, at(lane.cells, "15:30").reason) == (True, "Service")
    assert at(lane.cells, "18:00").is_closed


def test_what_has_passed_is_not_free():
    station = make_station(opens_at=dt.time(0), closes_at=dt.time(23, 59))
    yesterday = timezone.localdate() - dt.timedelta(days=1)

    (lane,) = make_agenda(make_everyone(), [station], [yesterday]).lanes

    assert [cell for cell in lane.cells.values() if cell.free_at] == []


def test_doctors_stand_beside_the_stations(doctor):
    station = make_station()
    visit = services.book_consultation(make_patient(), by=make_everyone(), doctor=doctor, starts_at=TEN)

    agenda = sign_in("receptionist").get(url("calendar"), {"day": "2027-03-01"}).context["agenda"]

    assert [lane.key for lane in agenda.lanes] == [f"station={station.pk}", f"doctor={doctor.pk}"]
    assert [card.appointment for card in at(agenda.lanes[1].cells, "10:00").cards] == [visit]


@pytest.mark.parametrize("view", ["day", "week"])
def test_the_place_stays_in_the_address(doctor, view):
    make_station()
    client = sign_in("receptionist")

    page = client.get(url("calendar"), {"day": "2027-03-01", "view": view, "doctor": doctor.pk})

    assert {lane.key for lane in page.context["agenda"].lanes} == {f"doctor={doctor.pk}"}
    assert f'name="doctor" value="{doctor.pk}"' in page.content.decode()


def test_who_does_not_book_sees_times_but_no_way_to_take_them():
    make_station()

    page = sign_in("radiologist").get(url("calendar"), {"day": "2027-03-01"}).content.decode()

    assert url("slot_book") not in page


def test_a_free_time_leads_to_its_booking():
    station = make_station()
    client = sign_in("receptionist")
    procedure = make_procedure(name="Chest X-ray")
    other = make_procedure(modality="MR", name="MR knee")
    patient = make_patient()

    calendar = client.get(url("calendar"), {"day": "2027-03-01"}).content.decode()
    address = f"{url('slot_book')}?station={station.pk}&at=2027-03-01T10:00:00%2B00:00"
    page = client.get(f"{address}&patient={patient.pk}").content.decode()
    answer = client.post(f"{address}&patient={patient.pk}", order_form(of=procedure), headers=HTMX)

    visit = Appointment.objects.get()
    assert address.replace("&", "&amp;").replace(":", "%3A") in calendar
    assert (procedure.name in page, other.name in page) == (True, False)
    assert (visit.starts_at, visit.station, visit.patient) == (TEN, station, patient)
    assert visit.orders.get().procedure == procedure
    assert answer["HX-Redirect"] == url("appointment_sheet", visit.pk) + "?booked=1"


def test_what_is_ordered_already_is_offered_first():
    station = make_station(modalities=["DX"])
    order = make_order()
    make_order(order.patient, procedure=make_procedure(modality="US"))
    make_order(order.patient, status="scheduled")
    client = sign_in("receptionist")
    address = f"{url('slot_book')}?station={station.pk}&at=2027-03-01T10:00&patient={order.patient.pk}"

    offered = client.get(address).context["waiting"]
    client.post(address, {"order": [order.pk]}, headers=HTMX)

    assert offered == [order]
    assert Order.objects.get(pk=order.pk).appointment.starts_at == TEN


def test_a_time_that_somebody_else_took_is_refused_and_nothing_is_ordered():
    station = make_station()
    first = book(make_order(), station=station, starts_at=TEN)
    patient = make_patient()
    address = f"{url('slot_book')}?station={station.pk}&at=2027-03-01T10:00&patient={patient.pk}"

    answer = sign_in("receptionist").post(address, order_form(), headers=HTMX)

    assert (answer.status_code, f"That time is taken: {first.patient}" in answer.content.decode()) == (
        409,
        True,
    )
    assert not Order.objects.filter(patient=patient).exists()


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("tomorrow", "The time was read as “tomorrow”; accepted is 2026-11-21T10:15."),
        ("2020-01-01T10:00", "That time has passed. Choose a later one."),
    ],
)
def test_a_time_that_cannot_be_is_refused_in_words(when, words):
    answer = sign_in().get(url("slot_book"), {"station": make_station().pk, "at": when})

    assert (answer.status_code, words in answer.content.decode()) == (400, True)


def test_a_visit_is_moved_from_the_calendar_and_back():
    one, other = make_station(), make_station()
    visit = book(make_order(), station=one, starts_at=TEN)
    client = sign_in("receptionist")
    later = TEN + dt.timedelta(hours=1)
    form = {"station": other.pk, "starts_at": later.isoformat(), "seen": "booked", "stay": "1", "tell": "1"}

    answer = client.post(url("appointment_reschedule", visit.pk), form, headers=HTMX)

    visit.refresh_from_db()
    assert (visit.starts_at, visit.station, answer["HX-Trigger"]) == (later, other, "moved")
    assert f"is now on Mon 1 Mar, 11:00 at {other}. The call is on the list." in answer.content.decode()
    back = {"station": one.pk, "starts_at": TEN.isoformat(), "seen": "booked", "stay": "1"}
    for name, value in back.items():
        assert f'name="{name}" value="{value}"'.replace("+", "+") in answer.content.decode()
    client.post(url("appointment_reschedule", visit.pk), back, headers=HTMX)
    assert Appointment.objects.get().starts_at == TEN


def test_a_visit_is_moved_to_a_taken_time_by_nobody():
    station = make_station()
    book(make_order(), station=station, starts_at=TEN)
    visit = book(make_order(), station=station, starts_at=TEN + dt.timedelta(hours=1))
    form = {"station": station.pk, "starts_at": TEN.isoformat(), "seen": "booked", "stay": "1"}

    answer = sign_in("receptionist").post(url("appointment_reschedule", visit.pk), form, headers=HTMX)

    assert answer.status_code == 409
    assert Appointment.objects.get(pk=visit.pk).starts_at == TEN + dt.timedelta(hours=1)


def test_the_list_of_a_day_has_one_part_for_each_place(doctor):
    station, empty = make_station(name="X-ray 1"), make_station(name="Sono")
    first = book(make_order(), station=station, starts_at=TEN)
    services.book_consultation(make_patient(), by=make_everyone(), doctor=doctor, starts_at=TEN)
    gone = book(make_order(), station=station, starts_at=TEN + dt.timedelta(hours=1))
    services.cancel_appointment(gone, by=make_everyone(), reason="Ill")
    client = sign_in("technician")

    lists = client.get(url("day_list"), {"day": "2027-03-01"}).context["lists"]
    one = client.get(url("day_list"), {"day": "2027-03-01", "station": empty.pk}).context["lists"]

    assert [(str(place), len(cards)) for place, cards in lists] == [("X-ray 1", 1), ("Dr Amara Diallo", 1)]
    assert [card.appointment for card in lists[0][1]] == [first]
    assert [(str(place), cards) for place, cards in one] == [("Sono", [])]


@pytest.mark.parametrize("name", ["calendar", "day_list"])
def test_the_number_of_questions_to_the_database_does_not_grow(name, doctor):
    client = sign_in("receptionist")
    client.get(url(name))  # the session is known from here on
    counts = []
    for number in range(3):
        station = make_station()
        for hour in range(2):
            book(make_order(), station=station, starts_at=TEN + dt.timedelta(hours=hour))
        services.book_consultation(
            make_patient(),
            by=make_everyone(),
            doctor=doctor,
            starts_at=TEN + dt.timedelta(minutes=30 * number),
        )
        with CaptureQueriesContext(connection) as asked:
            client.get(url(name), {"day": "2027-03-01"})
        counts.append(len(asked))

    assert counts[1:] == counts[:1] * 2
