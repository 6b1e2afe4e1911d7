"""Every page of the room once through the real views, and what the lists cost."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.models import ClinicProfile
from patients.models import Patient
from scheduling import services
from scheduling.models import Appointment, Order, Referrer
from scheduling.steps import STEPS
from tests.factories import (
    book,
    make_appointment,
    make_everyone,
    make_order,
    make_patient,
    make_procedure,
    make_station,
    make_user,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def sign_in(*roles: str) -> Client:
    ClinicProfile.get()
    client = Client()
    client.force_login(make_user(*roles) if roles else make_everyone())
    return client


def url(name: str, *args: object) -> str:
    return reverse(f"scheduling:{name}", args=args)


# --- board ------------------------------------------------------------------------------------------
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


# --- steps ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "step", "reached"),
    [
        ("booked", "appointment_check_in", "waiting"),
        ("no_show", "appointment_check_in", "waiting"),
        ("waiting", "appointment_call_in", "in_room"),
        ("in_room", "appointment_start", "in_scan"),
        ("in_scan", "appointment_finish", "review"),
        ("booked", "appointment_no_show", "no_show"),
        ("waiting", "appointment_undo", "booked"),
    ],
)
def test_each_button_does_its_step_and_says_what_comes_next(status, step, reached):
    visit = make_appointment(status=status)

    response = sign_in().post(url(step, visit.pk), {"seen": status}, headers=HTMX)

    assert response.status_code == 200
    assert response["HX-Trigger"] == "moved"
    assert visit.patient.display_name in response.content.decode()
    assert Appointment.objects.get(pk=visit.pk).status == reached


def test_a_step_offers_its_undo():
    visit = make_appointment()

    text = (
        sign_in()
        .post(url("appointment_check_in", visit.pk), {"seen": "booked"}, headers=HTMX)
        .content.decode()
    )

    assert url("appointment_undo", visit.pk) in text
    assert 'name="seen" value="waiting"' in text


def test_a_stale_button_is_refused_in_words_and_changes_nothing():
    visit = make_appointment(status="in_room")

    response = sign_in().post(url("appointment_call_in", visit.pk), {"seen": "waiting"}, headers=HTMX)

    assert response.status_code == 409
    assert "is now “In the room”" in response.content.decode()
    assert Appointment.objects.get(pk=visit.pk).status == "in_room"


def test_a_stale_step_back_does_not_go_back_twice():
    visit = make_appointment(status="waiting")

    response = sign_in().post(url("appointment_undo", visit.pk), {"seen": "in_room"}, headers=HTMX)

    assert response.status_code == 409
    assert Appointment.objects.get(pk=visit.pk).status == "waiting"


def test_a_step_without_javascript_returns_to_where_it_was_pressed():
    visit = make_appointment()
    here = url("board") + "?station=1"

    response = sign_in().post(url("appointment_check_in", visit.pk), {"seen": "booked", "next": here})

    assert (response.status_code, response["Location"]) == (302, here)


@pytest.mark.parametrize("elsewhere", ["https://example.org/", "//example.org", "javascript:alert(1)"])
def test_a_step_never_leads_to_another_site(elsewhere):
    visit = make_appointment()

    response = sign_in().post(url("appointment_check_in", visit.pk), {"seen": "booked", "next": elsewhere})

    assert response["Location"] == url("board")


@pytest.mark.parametrize("role", ["receptionist", "technician", "radiologist", "administrator"])
@pytest.mark.parametrize("status", ["booked", "waiting", "in_room", "in_scan", "review", "no_show"])
def test_every_offered_button_works_for_whom_it_is_offered(role, status):
    visit = make_appointment(status=status)
    client = sign_in(role)
    board = client.get(url("board")).context["board"]
    card = next(card for column in [*board.columns, *board.folded] for card in column.cards)

    for step in card.steps:
        Appointment.objects.filter(pk=visit.pk).update(status=status)
        Order.objects.filter(appointment=visit).update(
            status="ordered" if status == "no_show" else "scheduled"
        )
        page = reverse(step.url_name, args=[visit.pk])
        response = client.get(page) if step.asks_first else client.post(page, {"seen": status}, headers=HTMX)
        assert (step.url_name, response.status_code) == (step.url_name, 200)


@pytest.mark.parametrize("step", sorted({step.url_name for step in STEPS if not step.asks_first}))
def test_a_step_is_never_done_by_a_link(step):
    visit = make_appointment()

    assert sign_in().get(reverse(step, args=[visit.pk])).status_code == 405


def test_cancelling_a_visit_asks_why():
    visit = make_appointment()
    client = sign_in("receptionist")

    asked = client.get(url("appointment_cancel", visit.pk), {"next": url("board")})
    response = client.post(
        url("appointment_cancel", visit.pk),
        {"reason": "Patient is ill", "seen": "booked", "next": url("board")},
        headers=HTMX,
    )

    assert asked.status_code == 200
    assert response["HX-Redirect"] == url("board")
    assert Appointment.objects.get(pk=visit.pk).cancel_reason == "Patient is ill"


def test_cancelling_without_a_reason_is_refused():
    visit = make_appointment()

    response = sign_in().post(url("appointment_cancel", visit.pk), {"reason": " "}, headers=HTMX)

    assert response.status_code == 400
    assert "Say why, in a few words." in response.content.decode()


# --- orders -----------------------------------------------------------------------------------------
def order_form(**changes: object) -> dict[str, object]:
    procedure = changes.pop("of", None) or make_procedure(code="XR-C", name="Chest X-ray, 2 views")
    return {"procedure": procedure.name, "indication": "Cough", "priority": "routine"} | changes


@pytest.mark.parametrize(
    "typed", ["xr-c", "chest x-ray, 2 VIEWS", "views", "Chest X-ray, 2 views · X-ray (DX) (XR-C)"]
)
def test_an_order_is_placed_with_what_was_typed(typed):
    patient = make_patient()

    response = sign_in("receptionist").post(
        url("order_new", patient.pk), order_form(procedure=typed), headers=HTMX
    )

    order = Order.objects.get()
    assert (order.patient, order.procedure.code, order.indication) == (patient, "XR-C", "Cough")
    assert response["HX-Redirect"] == url("appointment_book", order.pk)


def test_who_does_not_book_goes_on_to_the_order():
    patient = make_patient()

    response = sign_in("radiologist").post(url("order_new", patient.pk), order_form())

    assert response["Location"] == url("order_detail", Order.objects.get().pk)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"procedure": "knee"}, "Nothing in the list is called “knee”."),
        ({"procedure": "chest"}, "can be Chest X-ray, 1 view"),
        ({"indication": ""}, "This field is required."),
        ({"referrer": "Dr Nobody"}, "Or tick “New referrer” below to add this one."),
    ],
)
def test_the_order_form_says_what_is_wrong_and_keeps_what_was_typed(change, words):
    make_procedure(code="XR-1", name="Chest X-ray, 1 view")
    patient = make_patient()

    response = sign_in().post(url("order_new", patient.pk), order_form(**change), headers=HTMX)

    assert words in response.content.decode().replace("&quot;", '"')
    assert Order.objects.count() == 0


def test_a_new_referrer_is_added_when_said_so():
    form = order_form(referrer="Dr Nyoka", referrer_is_new="on", referrer_clinic="East", referrer_phone="123")

    sign_in("receptionist").post(url("order_new", make_patient().pk), form)

    referrer = Referrer.objects.get()
    assert (referrer.name, referrer.clinic) == ("Dr Nyoka", "East")
    assert Order.objects.get().referrer == referrer


def test_the_page_of_an_order_shows_its_way():
    order = make_order(status="acquired", indication="Cough for three weeks")

    response = sign_in("technician").get(url("order_detail", order.pk))

    text = response.content.decode()
    assert order.accession_number in text
    assert "Cough for three weeks" in text
    assert [str(moment.text) for moment in response.context["timeline"]] == [
        "Ordered",
        "Visit booked",
        "Scheduled",
        "Images taken",
        "Examination started",
        "Ready for review",
    ]


def test_an_order_that_nobody_booked_offers_a_time():
    order = make_order()

    text = sign_in("receptionist").get(url("order_detail", order.pk)).content.decode()

    assert url("appointment_book", order.pk) in text


def test_an_order_is_cancelled_with_a_reason():
    order = make_order()
    client = sign_in("receptionist")

    assert client.get(url("order_cancel", order.pk)).status_code == 200
    client.post(url("order_cancel", order.pk), {"reason": "Ordered twice", "seen": "ordered"})

    assert Order.objects.get(pk=order.pk).cancel_reason == "Ordered twice"


def test_an_order_that_moved_on_meanwhile_is_not_cancelled():
    order = make_order(status="reading")

    response = sign_in().post(
        url("order_cancel", order.pk), {"reason": "Ordered twice", "seen": "ordered"}, headers=HTMX
    )

    assert response.status_code == 409
    assert "is now “Being read”" in response.content.decode()
    assert Order.objects.get(pk=order.pk).status == "reading"


def test_an_order_is_taken_off_its_visit():
    order = make_order(status="scheduled")
    client = sign_in("technician")

    assert client.get(url("order_unschedule", order.pk)).status_code == 200
    client.post(url("order_unschedule", order.pk), {"reason": "No time today", "seen": "scheduled"})

    assert Order.objects.get(pk=order.pk).status == "ordered"


def test_a_repeat_is_asked_for_with_its_kind_of_reason():
    order = make_order(status="acquired")
    client = sign_in("technician")

    assert client.get(url("order_repeat", order.pk)).status_code == 200
    client.post(url("order_repeat", order.pk), {"reason_code": "motion", "reason": "", "seen": "acquired"})

    order.refresh_from_db()
    assert (order.status, order.appointment.status) == ("scheduled", "in_room")


def test_the_orders_of_a_patient():
    order = make_order(status="scheduled")
    make_order()

    response = sign_in("receptionist").get(url("patient_orders", order.patient.pk))

    assert response.context["orders"] == [order]


@pytest.mark.parametrize("typed", ["accession_number", "study_instance_uid"])
def test_an_order_is_found_by_its_number(typed):
    order = make_order()
    make_order()

    response = sign_in().get(url("order_search"), {"q": f" {getattr(order, typed).lower()} "})

    assert response.context["orders"] == [order]


# --- booking ----------------------------------------------------------------------------------------
def test_a_free_time_is_offered_and_booked():
    station = make_station(opens_at=dt.time(0), closes_at=dt.time(23, 59))
    order = make_order(procedure=make_procedure(preparation="Drink water."))
    client = sign_in("receptionist")
    tomorrow = timezone.localdate() + dt.timedelta(days=1)

    page = client.get(url("appointment_book", order.pk), {"day": tomorrow.isoformat()})
    slot = page.context["slots"][0]
    response = client.post(
        url("appointment_book", order.pk), {"station": station.pk, "starts_at": slot.isoformat()}
    )

    order.refresh_from_db()
    assert "Drink water." in page.content.decode()
    assert (order.status, order.appointment.starts_at) == ("scheduled", slot)
    assert response["Location"] == url("appointment_sheet", order.appointment.pk) + "?booked=1"
    sheet = client.get(response["Location"]).content.decode()
    assert f"{order.patient.display_name} is booked." in sheet
    assert "Drink water." in sheet


def test_other_orders_of_the_patient_go_into_the_same_visit():
    station = make_station(opens_at=dt.time(0), closes_at=dt.time(23, 59))
    order = make_order(procedure=make_procedure(minutes=10))
    other = make_order(order.patient, procedure=make_procedure(minutes=20))
    foreign = make_order()
    starts_at = timezone.now() + dt.timedelta(hours=1)

    sign_in("receptionist").post(
        url("appointment_book", order.pk),
        {"station": station.pk, "starts_at": starts_at.isoformat(), "with": [other.pk, foreign.pk]},
    )

    visit = Appointment.objects.get()
    assert set(visit.orders.all()) == {order, other}
    assert visit.ends_at - visit.starts_at == dt.timedelta(minutes=30)


@pytest.mark.parametrize(
    ("starts_at", "words"),
    [
        ("tomorrow", "The time was read as “tomorrow”; accepted is 2026-11-21T10:15."),
        ("2020-01-01T10:00", "That time has passed. Choose a later one."),
    ],
)
def test_a_time_that_cannot_be_is_refused(starts_at, words):
    order = make_order()
    form = {"station": make_station().pk, "starts_at": starts_at}

    response = sign_in().post(url("appointment_book", order.pk), form, headers=HTMX)

    assert response.status_code == 400
    assert words in response.content.decode()


def test_a_full_day_leads_to_the_next_free_one():
    make_station(weekdays=[((timezone.localdate() + dt.timedelta(days=1)).isoweekday())])
    order = make_order()

    response = sign_in("receptionist").get(url("appointment_book", order.pk))

    assert response.context["slots"] == []
    assert response.context["next_free"] == timezone.localdate() + dt.timedelta(days=1)


def test_without_a_station_the_page_says_who_helps():
    text = sign_in("receptionist").get(url("appointment_book", make_order().pk)).content.decode()

    assert "The administrator adds stations in the settings." in text


def test_a_visit_gets_another_time():
    visit = make_appointment(station=make_station(opens_at=dt.time(0), closes_at=dt.time(23, 59)))
    client = sign_in("receptionist")
    later = visit.starts_at + dt.timedelta(days=3)

    page = client.get(url("appointment_reschedule", visit.pk), {"day": later.date().isoformat()})
    client.post(
        url("appointment_reschedule", visit.pk),
        {"station": visit.station.pk, "starts_at": later.isoformat(), "seen": "booked"},
    )

    assert later.date() == page.context["day"]
    assert Appointment.objects.get(pk=visit.pk).starts_at == later


def test_leaving_a_page_never_leads_to_another_site():
    visit = make_appointment(station=make_station())
    client = sign_in("receptionist")

    for name in ("appointment_reschedule", "appointment_cancel"):
        text = client.get(url(name, visit.pk), {"next": "javascript:alert(1)"}).content.decode()
        assert f'href="{url("board")}">Leave it as it is' in text


# --- walk-in ----------------------------------------------------------------------------------------
def walk_in_form(**changes: object) -> dict[str, object]:
    person = {"family_name": "Okafor", "given_name": "Chidi", "sex": "M", "birth_date": "1990"}
    order = order_form(**({"of": changes.pop("of")} if "of" in changes else {}))
    return order | person | {"station": make_station().pk} | changes


def test_a_walk_in_is_one_form():
    client = sign_in("receptionist")

    assert client.get(url("walk_in")).status_code == 200
    response = client.post(url("walk_in"), walk_in_form(), headers=HTMX)

    visit = Appointment.objects.get()
    assert response["HX-Redirect"] == url("board")
    assert (visit.status, visit.is_walk_in, visit.patient.family_name) == ("waiting", True, "Okafor")


def test_a_known_patient_walks_in():
    patient = make_patient()
    client = sign_in("receptionist")

    page = client.get(url("walk_in"), {"patient": patient.pk}).content.decode()
    client.post(url("walk_in"), order_form(station=make_station().pk, patient=patient.pk))

    assert patient.mrn in page
    assert Appointment.objects.get().patient == patient
    assert Patient.objects.count() == 1


def test_who_is_here_already_is_shown_before_a_second_record_is_made():
    client = sign_in("receptionist")
    client.post(url("walk_in"), walk_in_form(birth_date="1990-02-28"))

    response = client.post(
        url("walk_in"), walk_in_form(of=make_procedure(), birth_date="1990-02-28"), headers=HTMX
    )

    assert "This person is registered already" in response.content.decode()
    assert Patient.objects.count() == 1


def test_all_mistakes_of_a_walk_in_show_at_once():
    form = walk_in_form(family_name="", given_name="", indication="", procedure="knee")

    text = sign_in("receptionist").post(url("walk_in"), form, headers=HTMX).content.decode()

    assert "Nothing in the list is called “knee”." in text
    assert "This field is required." in text
    assert Patient.objects.count() == 0


def test_a_station_that_cannot_do_it_is_refused_beside_the_field():
    form = walk_in_form(station=make_station(name="Sono", modalities=["US"]).pk)

    text = sign_in("receptionist").post(url("walk_in"), form, headers=HTMX).content.decode()

    assert "Sono does not do X-ray (DX). Choose another station." in text


def test_patients_are_found_while_typing():
    make_patient(family_name="Okafor")

    text = sign_in("receptionist").get(url("walk_in_patients"), {"q": "okaf"}, headers=HTMX).content.decode()

    assert "Okafor, Ada" in text


# --- technician -------------------------------------------------------------------------------------
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

    response = sign_in("technician").get(url("worklist"), {"station": station.pk})

    assert [card.appointment for card in response.context["waiting"]] == [stat, routine]
    assert [card.appointment for card in response.context["on_table"]] == [table]


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


# --- calendar ---------------------------------------------------------------------------------------
def test_the_calendar_shows_a_day_of_all_stations():
    one, other = make_station(name="A"), make_station(name="B")
    visit = book(make_order(), station=other, starts_at=dt.datetime(2027, 3, 1, 10, 5, tzinfo=dt.UTC))

    agenda = sign_in("receptionist").get(url("calendar"), {"day": "2027-03-01"}).context["agenda"]

    assert [lane.station for lane in agenda.lanes] == [one, other]
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
