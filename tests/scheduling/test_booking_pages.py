"""Choosing a time, and the walk-in."""

import datetime as dt

import pytest
from django.utils import timezone

from patients.models import Patient
from scheduling.models import Appointment
from tests.factories import (
    make_appointment,
    make_order,
    make_patient,
    make_procedure,
    make_station,
)
from tests.scheduling.pages import HTMX, order_form, sign_in, url

pytestmark = pytest.mark.django_db


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


def test_another_time_is_looked_for_around_the_present_one():
    visit = make_appointment(station=make_station(), starts_at=timezone.now() + dt.timedelta(days=9))
    make_station()

    page = sign_in("receptionist").get(url("appointment_reschedule", visit.pk))

    assert (page.context["day"], page.context["place"]) == (visit.starts_at.date(), visit.station)


def test_leaving_a_page_never_leads_to_another_site():
    visit = make_appointment(station=make_station())
    client = sign_in("receptionist")

    for name in ("appointment_reschedule", "appointment_cancel"):
        text = client.get(url(name, visit.pk), {"next": "javascript:alert(1)"}).content.decode()
        assert f'href="{url("board")}">Leave it as it is' in text


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
