"""The board through its view, and what the lists cost."""

import datetime as dt
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clinic import shared
from clinic.live import bridge
from clinic.models import ClinicProfile, User
from scheduling import services
from scheduling.board import make_board
from scheduling.models import Appointment
from tests.factories import (
    make_appointment,
    make_everyone,
    make_order,
    make_patient,
    make_station,
    make_user,
)
from tests.scheduling.pages import HTMX, sign_in, url

pytestmark = pytest.mark.django_db


def make_it_midday(now):
    """Put the clinic where the day is half over: what was an hour ago was today, whenever the tests run."""
    clinic = ClinicProfile.get()
    clinic.time_zone = f"Etc/GMT{now.hour - 12:+d}"  # these names count westwards
    clinic.save(update_fields=["time_zone"])


def columns_of(choice=None):
    """The keys of the visits in each column that is not empty."""
    columns = make_board(choice).columns
    return {status: [face.pk for face in column.faces] for status, column in columns.items() if column.faces}


def test_the_board_shows_today_in_columns():
    visit = make_appointment(
        make_order(make_patient(family_name="Okafor"), priority="stat"), status="waiting"
    )
    make_appointment(starts_at=timezone.now() + dt.timedelta(days=2))

    text = sign_in("technician").get(url("board")).content.decode()

    assert columns_of() == {"waiting": [visit.pk]}
    column = text[text.index('id="column-waiting"') : text.index('id="column-in_room"')]
    assert "Okafor, Ada" in column
    assert "STAT" in column


def test_the_front_desk_sees_the_day_as_a_list_by_the_hour():
    at = timezone.now().replace(hour=9, minute=15)
    visit = make_appointment(starts_at=at)

    text = sign_in("receptionist").get(url("board")).content.decode()

    assert 'id="hour-9"' in text
    assert f'id="visit-{visit.pk}"' in text
    assert 'id="column-booked"' not in text


def test_hours_that_are_over_are_folded():
    at = timezone.now().replace(hour=9, minute=15)
    make_appointment(starts_at=at, status="no_show")
    make_appointment(starts_at=at.replace(hour=10))

    text = sign_in("receptionist").get(url("board")).content.decode()

    assert re.findall(r'<details class="hour__over" id="([\w-]+)"', text) == ["hour-9-over"]


def test_the_layout_is_in_the_address():
    make_appointment()

    text = sign_in("receptionist").get(url("board"), {"view": "columns"}).content.decode()

    assert 'id="column-booked"' in text


@pytest.mark.parametrize("view", ["columns", "list"])
def test_an_empty_board_says_what_to_do_next(view):
    text = sign_in("receptionist").get(url("board"), {"view": view}).content.decode()

    assert "Nobody is booked for today" in text
    assert url("walk_in") in text


def test_the_board_is_narrowed_by_the_address():
    station = make_station()
    here = make_appointment(make_order(priority="urgent"), station=station, status="waiting")
    make_appointment(station=station, starts_at=timezone.now() + dt.timedelta(minutes=20))
    make_appointment(make_order(priority="urgent"))

    text = sign_in().get(url("board"), {"station": station.pk, "priority": "urgent"}).content.decode()

    assert visits_in(text) == [here.pk]
    assert sorted(entry.count for entry in make_board().stations) == [1, 2]


def test_consultations_are_narrowed_by_their_doctor():
    doctor, other = make_user("radiologist"), make_user("radiologist")
    mine, _theirs = consultation(doctor), consultation(other)
    make_appointment()

    text = sign_in().get(url("board"), {"doctor": doctor.pk}).content.decode()

    assert visits_in(text) == [mine.pk]
    assert [(entry.name, entry.count) for entry in make_board().doctors] == [
        (str(one), 1) for one in sorted([doctor, other], key=str)
    ]


@pytest.mark.parametrize("typed", ["okaf", "ada OKA", "T-00777", "Okafor, A"])
def test_somebody_is_found_among_the_many_of_today(typed):
    patient = make_patient(family_name="Okafor", given_name="Ada", mrn="T-00777")
    wanted = make_appointment(make_order(patient))
    make_appointment(make_order(make_patient(family_name="Adams", given_name="Olu")))

    text = sign_in().get(url("board"), {"find": typed}).content.decode()

    assert visits_in(text) == [wanted.pk]


@pytest.mark.parametrize(
    "address", [{"station": "x"}, {"station": "999999"}, {"priority": "soon"}, {"doctor": "0"}]
)
def test_nonsense_in_the_address_shows_everything(address):
    visit = make_appointment()

    assert visits_in(sign_in().get(url("board"), address).content.decode()) == [visit.pk]


def test_a_card_says_how_many_images_there_are_and_who_reads():
    order = make_order(status="scheduled")
    services.note_images_arrived(order, by=User.objects.machine("dicom"), count=7)
    services.mark_acquired(order, by=User.objects.machine("dicom"))
    reader = make_user("radiologist", full_name="Dr Mwangi")
    services.claim_order(order, by=reader)

    text = sign_in().get(url("board")).content.decode()

    assert "7 images" in text
    assert "read by Dr Mwangi" in text


def test_htmx_gets_only_the_parts():
    make_appointment()

    response = sign_in().get(url("board"), headers=HTMX)

    assert "<html" not in response.content.decode()
    assert 'id="column-booked"' in response.content.decode()
    assert {"HX-Request", "X-Cedar-Have"} <= set(response["Vary"].split(", "))


def test_a_page_that_has_everything_is_sent_nothing():
    make_appointment()
    client = sign_in()
    have = have_of(client.get(url("board"), headers=HTMX).content.decode())

    response = client.get(url("board"), headers=HTMX | {"X-Cedar-Have": have})

    assert (response.status_code, response.content) == (204, b"")


def test_a_page_is_sent_only_the_columns_that_differ():
    visit = make_appointment()
    client = sign_in()
    have = have_of(client.get(url("board"), headers=HTMX).content.decode())
    services.check_in_appointment(visit, by=make_everyone())

    response = client.get(url("board"), headers=HTMX | {"X-Cedar-Have": have})

    parts = re.findall(r'id="([\w-]+)" data-version="\w+" hx-swap-oob="true"', response.content.decode())
    assert parts == ["column-booked", "column-waiting"]
    assert response["HX-Reswap"] == "none"


def test_a_wait_that_grows_is_no_reason_to_send_a_column_again(monkeypatch):
    make_appointment(status="waiting")
    client = sign_in()
    have = have_of(client.get(url("board"), headers=HTMX).content.decode())
    later = timezone.now() + dt.timedelta(minutes=3)
    monkeypatch.setattr(timezone, "now", lambda: later)

    response = client.get(url("board"), headers=HTMX | {"X-Cedar-Have": have})

    assert response.status_code == 204


@pytest.fixture
def listening(monkeypatch):
    """As in a web process that hears of every change: what many look at is kept."""
    changes = {"board": 0}
    monkeypatch.setattr(bridge, "version_of", lambda topic: (1, changes[topic]))
    monkeypatch.setattr(shared, "_places", {})
    return changes


def test_many_who_look_share_one_look_but_not_what_they_may_do(listening):
    visit = make_appointment(status="waiting")
    clients = [sign_in(role) for role in ("technician", "radiologist", "technician")]
    address = {"view": "columns"}

    first, second = (client.get(url("board"), address).content.decode() for client in clients[:2])
    with CaptureQueriesContext(connection) as captured:
        third = clients[2].get(url("board"), address).content.decode()

    call_in = url("appointment_call_in", visit.pk)
    assert [call_in in text for text in (first, second, third)] == [True, False, True]
    assert [query["sql"] for query in captured if "scheduling_" in query["sql"]] == []


def test_what_is_kept_is_never_older_than_the_last_change(listening):
    visit = make_appointment()
    client = sign_in("technician")
    client.get(url("board"))
    services.check_in_appointment(visit, by=make_everyone())
    listening["board"] += 1

    text = client.get(url("board")).content.decode()

    assert text.index(f'id="visit-{visit.pk}"') > text.index('id="column-waiting"')


def test_what_a_card_offers_depends_on_who_looks():
    visit = make_appointment(status="waiting")
    call_in = url("appointment_call_in", visit.pk)

    offers = {
        role: call_in in sign_in(role).get(url("board"), {"view": "columns"}).content.decode()
        for role in ("receptionist", "technician", "radiologist")
    }

    assert offers == {"receptionist": False, "technician": True, "radiologist": False}


@pytest.mark.parametrize(
    ("status", "minutes", "age", "words"),
    [
        ("booked", -10, None, None),
        ("booked", 0, None, None),
        ("booked", 3, "calm", "3 min late"),
        ("booked", 25, "red", "25 min late"),
        ("waiting", 14, "calm", "14 min"),
        ("waiting", 16, "amber", "16 min"),
        ("waiting", 75, "red", "1 h 15 min"),
    ],
)
def test_waiting_ages(status, minutes, age, words):
    now = timezone.now()
    make_it_midday(now)
    visit = make_appointment(status=status, starts_at=now - dt.timedelta(minutes=minutes))
    since = now - dt.timedelta(minutes=minutes)
    Appointment.objects.filter(pk=visit.pk, status="waiting").update(arrived_at=since)

    [face] = make_board().columns[status].faces

    wait = face.waits.at(now)
    assert (wait and wait.age, wait and wait.text) == (age, words)


def test_a_wait_carries_what_the_page_needs_to_count_on():
    visit = make_appointment(status="waiting")
    since = dt.datetime(2026, 11, 21, 10, tzinfo=dt.UTC)
    Appointment.objects.filter(pk=visit.pk).update(arrived_at=since)

    [face] = make_board().columns["waiting"].faces

    assert face.waits.html(since + dt.timedelta(minutes=20)) == (
        '<span class="wait num" data-since="2026-11-21T10:00:00+00:00" data-limits="15,30"'
        ' data-age="amber">20 min</span>'
    )


def test_who_waits_is_sorted_by_priority_then_by_waiting_time():
    routine = make_appointment(status="waiting")
    stat = make_appointment(make_order(priority="stat"), status="waiting")
    later = make_appointment(status="waiting")

    assert columns_of() == {"waiting": [stat.pk, routine.pk, later.pk]}


def test_an_examination_over_midnight_stays_on_the_board():
    visit = make_appointment(status="in_scan", starts_at=timezone.now() - dt.timedelta(days=1))

    text = sign_in("receptionist").get(url("board")).content.decode()

    assert columns_of() == {"in_scan": [visit.pk]}
    assert "From before" in text


def test_of_what_is_far_away_only_some_are_shown_unless_asked_for(monkeypatch):
    monkeypatch.setattr("scheduling.board.LATEST", 1)
    monkeypatch.setattr("scheduling.board.NEXT", 1)
    start = timezone.now()
    for status in ("cancelled", "booked"):
        for minutes in (0, 1):
            make_appointment(status=status, starts_at=start + dt.timedelta(minutes=minutes))
    client = sign_in()

    some = client.get(url("board")).content.decode()
    every = client.get(url("board"), {"all": "1"}).content.decode()

    assert (len(visits_in(some)), some.count("and 1 more")) == (2, 2)
    assert (len(visits_in(every)), every.count("and 1 more")) == (4, 0)
    assert "all=1" in some


@pytest.mark.parametrize(
    ("now", "shown"),
    [("2026-11-21T18:05Z", True), ("2026-11-21T18:25Z", False)],
    ids=["ten to midnight in Nepal", "ten past midnight in Nepal"],
)
def test_today_is_the_clinics_today(monkeypatch, now, shown):
    ClinicProfile.objects.update_or_create(pk=1, defaults={"time_zone": "Asia/Kathmandu"})
    make_appointment(starts_at=dt.datetime(2026, 11, 21, 4, tzinfo=dt.UTC))
    client = sign_in()
    monkeypatch.setattr(timezone, "now", lambda: dt.datetime.fromisoformat(now))

    assert (len(visits_in(client.get(url("board")).content.decode())) == 1) == shown


@pytest.mark.parametrize("listing", ["board", "worklist", "calendar"])
def test_a_list_costs_the_same_for_one_and_three_rows(listing, django_assert_num_queries):
    client = sign_in()
    station = make_station()
    client.get(url(listing))
    counts = []
    for rows in (1, 3):
        while Appointment.objects.count() < rows:
            number = Appointment.objects.count()
            patient, reader = make_patient(), make_user("radiologist")
            visit = make_appointment(
                make_order(patient),
                make_order(patient),
                station=station,
                starts_at=timezone.now() + dt.timedelta(minutes=31 * number),
                status="review",
            )
            for order in visit.orders.all():
                services.claim_order(order, by=reader)
        with django_assert_num_queries(QUERIES[listing]) as captured:
            client.get(url(listing))
        counts.append(len(captured))

    assert counts[0] == counts[1]


QUERIES = {"board": 10, "worklist": 10, "calendar": 15}


def visits_in(text):
    return [int(pk) for pk in re.findall(r'<article class="visit" id="visit-(\d+)"', text)]


def have_of(text):
    parts = re.findall(r'id="([\w-]+)" data-version="(\w+)"', text)
    return " ".join(f"{name}:{version}" for name, version in parts)


def consultation(doctor):
    start = timezone.now()
    return Appointment.objects.create(
        kind="consultation",
        patient=make_patient(),
        doctor=doctor,
        starts_at=start,
        ends_at=start + dt.timedelta(minutes=15),
        created_by=make_everyone(),
    )
