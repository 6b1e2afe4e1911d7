"""The buttons of a visit."""

import pytest
from django.urls import reverse

from clinic.permissions import permissions_of
from scheduling.models import Appointment, Order
from scheduling.steps import STEPS, possible_steps
from tests.factories import (
    make_appointment,
)
from tests.scheduling.pages import HTMX, sign_in, url

pytestmark = pytest.mark.django_db


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
    steps = possible_steps(visit.kind, status, True, permissions_of([role]))
    board = client.get(url("board")).content.decode()

    assert all(f'formaction="{reverse(step.url_name, args=[visit.pk])}"' in board for step in steps)
    for step in steps:
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
