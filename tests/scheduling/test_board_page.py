"""The board through its view, and what the lists cost."""

import datetime as dt

import pytest
from django.utils import timezone

from clinic.models import ClinicProfile
from scheduling import services
from scheduling.models import Appointment
from tests.factories import (
    make_appointment,
    make_order,
    make_patient,
    make_station,
    make_user,
)
from tests.scheduling.pages import HTMX, sign_in, url

pytestmark = pytest.mark.django_db


def test_the_board_shows_today_in_columns():
    visit = make_appointment(
        make_order(make_patient(family_name="Okafor"), priority="stat"), status="waiting"
    )
    make_appointment(starts_at=timezone.now() + dt.timedelta(days=2))

    response = sign_in("receptionist").get(url("board"))

    columns = {column.status: column for column in response.context["board"].columns}
    assert [card.appointment for card in columns["waiting"].cards] == [visit]
    assert sum(len(column.cards) for column in columns.values()) == 1
    text = response.content.decode()
    assert "Okafor, Ada" in text
    assert "STAT" in text


def test_an_empty_board_says_what_to_do_next():
    text = sign_in("receptionist").get(url("board")).content.decode()

    assert "Nobody is booked for today" in text
    assert url("walk_in") in text


def test_the_board_is_narrowed_by_the_address():
    station = make_station()
    here = make_appointment(make_order(priority="urgent"), station=station, status="waiting")
    make_appointment(station=station, starts_at=timezone.now() + dt.timedelta(minutes=20))
    make_appointment(make_order(priority="urgent"))

    board = sign_in().get(url("board"), {"station": station.pk, "priority": "urgent"}).context["board"]

    assert [card.appointment for column in board.columns for card in column.cards] == [here]
    assert sorted(entry.count for entry in board.stations) == [1, 2]


@pytest.mark.parametrize("address", [{"station": "x"}, {"station": "999999"}, {"priority": "soon"}])
def test_nonsense_in_the_address_shows_everything(address):
    make_appointment()

    assert sign_in().get(url("board"), address).context["board"].total == 1


def test_htmx_gets_only_the_part_that_changes():
    make_appointment()

    response = sign_in().get(url("board"), headers=HTMX)

    assert "<html" not in response.content.decode()
    assert 'class="columns"' in response.content.decode()
    assert "HX-Request" in response["Vary"]


@pytest.mark.parametrize(
    ("status", "minutes", "age", "words"),
    [
        ("booked", -10, None, None),
        ("booked", 3, "calm", "3 min late"),
        ("booked", 25, "red", "25 min late"),
        ("waiting", 14, "calm", "14 min"),
        ("waiting", 16, "amber", "16 min"),
        ("waiting", 75, "red", "1 h 15 min"),
    ],
)
def test_waiting_ages(status, minutes, age, words):
    now = timezone.now()
    visit = make_appointment(status=status, starts_at=now - dt.timedelta(minutes=minutes))
    since = now - dt.timedelta(minutes=minutes)
    Appointment.objects.filter(pk=visit.pk, status="waiting").update(arrived_at=since)

    board = sign_in().get(url("board")).context["board"]

    wait = next(card.wait for column in board.columns for card in column.cards)
    assert (wait and wait.age, wait and wait.text) == (age, words)


def test_who_waits_is_sorted_by_priority_then_by_waiting_time():
    routine = make_appointment(status="waiting")
    stat = make_appointment(make_order(priority="stat"), status="waiting")
    later = make_appointment(status="waiting")

    board = sign_in().get(url("board")).context["board"]

    assert [card.appointment for card in board.columns[1].cards] == [stat, routine, later]


def test_an_examination_over_midnight_stays_on_the_board():
    visit = make_appointment(status="in_scan", starts_at=timezone.now() - dt.timedelta(days=1))

    board = sign_in().get(url("board")).context["board"]

    assert [card.appointment for card in board.columns[3].cards] == [visit]


def test_of_what_is_over_only_the_latest_are_shown(monkeypatch):
    monkeypatch.setattr("scheduling.board.LATEST", 1)
    start = timezone.now()
    first, last = (
        make_appointment(status="cancelled", starts_at=start + dt.timedelta(minutes=n)) for n in (0, 1)
    )

    response = sign_in().get(url("board"))

    column = response.context["board"].folded[1]
    assert ([card.appointment for card in column.cards], column.hidden) == ([last, first], 1)
    assert "and 1 earlier" in response.content.decode()


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

    assert (client.get(url("board")).context["board"].total == 1) == shown


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


QUERIES = {"board": 9, "worklist": 9, "calendar": 10}
