"""The technician's pages and the calendar."""

import datetime as dt
import re

import pytest
from django.utils import timezone

from tests.factories import (
    book,
    make_appointment,
    make_order,
    make_patient,
    make_procedure,
    make_station,
)
from tests.scheduling.pages import sign_in, url

pytestmark = pytest.mark.django_db


def test_the_technicians_list_puts_who_is_next_first():
    station = make_station()
    start = timezone.now()
    routine = make_appointment(station=station, status="waiting", starts_at=start)
    stat = make_appointment(
        make_order(priority="stat"),
        station=station,
        status="waiting",
        starts_at=start + dt.timedelta(minutes=15),
    )
    table = make_appointment(station=station, status="in_scan", starts_at=start + dt.timedelta(minutes=30))
    make_appointment(status="waiting")

    text = sign_in("technician").get(url("worklist"), {"station": station.pk}).content.decode()

    assert re.findall(r'<article class="visit" id="visit-(\d+)"|<section id="([\w-]+)"', text) == [
        ("", "list-table"),
        (str(table.pk), ""),
        ("", "list-waiting"),
        (str(stat.pk), ""),
        (str(routine.pk), ""),
        ("", "list-expected"),
        ("", "list-done"),
    ]


def test_the_technicians_list_remembers_her_station():
    station = make_station()
    client = sign_in("technician")
    client.get(url("worklist"), {"station": station.pk})

    remembered = client.get(url("worklist"))
    client.get(url("worklist"), {"station": ""})
    forgotten = client.get(url("worklist"))

    assert remembered["Location"] == f"{url('worklist')}?station={station.pk}"
    assert forgotten.status_code == 200


def test_the_page_of_an_examination_names_what_matters():
    procedure = make_procedure(
        protocol_notes="Two views, deep breath", safety_questions=["Could you be pregnant?"]
    )
    patient = make_patient(alerts="Allergic to iodine")
    visit = make_appointment(make_order(patient, procedure=procedure, indication="Fever"), status="in_room")

    response = sign_in("technician").get(url("exam", visit.pk))

    text = response.content.decode()
    for words in (
        "Two views, deep breath",
        "Could you be pregnant?",
        "Allergic to iodine",
        "Fever",
        patient.mrn,
    ):
        assert words in text
    assert [step.url_name for step in response.context["card"].main_steps] == ["scheduling:appointment_start"]


def test_the_page_of_an_examination_leads_to_the_next_patient_of_the_station():
    station = make_station()
    start = timezone.now()
    visit = make_appointment(station=station, status="review", starts_at=start)
    make_appointment(station=station, status="waiting", starts_at=start + dt.timedelta(minutes=15))
    urgent = make_appointment(
        make_order(priority="urgent"),
        station=station,
        status="waiting",
        starts_at=start + dt.timedelta(minutes=30),
    )
    make_appointment(make_order(priority="stat"), status="waiting")

    response = sign_in("technician").get(url("exam", visit.pk))

    assert response.context["next_face"].pk == urgent.pk
    assert url("exam", urgent.pk) in response.content.decode()


def test_the_calendar_shows_a_day_of_all_stations():
    one, other = make_station(name="A"), make_station(name="B")
    visit = book(make_order(), station=other, starts_at=dt.datetime(2027, 3, 1, 10, 5, tzinfo=dt.UTC))

    agenda = sign_in("receptionist").get(url("calendar"), {"day": "2027-03-01"}).context["agenda"]

    assert [lane.place for lane in agenda.lanes] == [one, other]
    row = next(row for row in agenda.rows if row.clock == dt.time(10))
    assert [[card.appointment for card in cell.cards] for cell in row.cells] == [[], [visit]]
    assert (agenda.rows[0].clock, agenda.rows[-1].clock) == (dt.time(8), dt.time(17, 45))


def test_the_calendar_shows_a_week_of_one_station():
    make_station(name="A")
    station = make_station(name="B", weekdays=[1, 2, 3, 4, 5])

    agenda = (
        sign_in()
        .get(url("calendar"), {"day": "2027-03-03", "view": "week", "station": station.pk})
        .context["agenda"]
    )

    assert [lane.day.isoformat() for lane in agenda.lanes] == [f"2027-03-0{day}" for day in range(1, 8)]
    assert [cell.is_closed for cell in agenda.rows[0].cells] == [False] * 5 + [True] * 2


def test_visits_that_share_a_quarter_of_an_hour_share_a_cell():
    station = make_station()
    starts = [dt.datetime(2027, 3, 1, 10, minute, tzinfo=dt.UTC) for minute in (0, 10)]
    procedure = make_procedure(minutes=10)
    visits = [book(make_order(procedure=procedure), station=station, starts_at=start) for start in starts]

    agenda = sign_in().get(url("calendar"), {"day": "2027-03-01"}).context["agenda"]

    cell = agenda.lanes[0].cells[40]
    assert ([card.appointment for card in cell.cards], cell.rows) == (visits, 2)


@pytest.mark.parametrize("day", ["", "today", "2027-13-01", "0001-01-01", "9999-12-31"])
def test_a_day_that_is_none_shows_today(day):
    make_station()

    assert sign_in().get(url("calendar"), {"day": day}).context["day"] == timezone.localdate()
