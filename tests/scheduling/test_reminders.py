"""Who has to be called: before a visit, and when a visit did not happen."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import Entry
from clinic.errors import Conflict, InvalidInput, NotAllowed
from scheduling import services
from scheduling.days import clinic_today
from scheduling.models import Appointment, Call, Consultant, Message
from scheduling.reminders import calls_to_make, visits_to_call_back
from tests.factories import book, make_appointment, make_everyone, make_order, make_station, make_user
from tests.scheduling.pages import HTMX, sign_in, url

pytestmark = pytest.mark.django_db


def in_days(number: int) -> dt.datetime:
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    return noon + dt.timedelta(days=number)


def waiting() -> list[tuple[str, dt.date]]:
    return list(Message.objects.filter(status="waiting").values_list("kind", "due_on"))


@pytest.mark.parametrize(("days", "due"), [(0, None), (1, 0), (2, 1), (9, 8)])
def test_a_reminder_is_due_the_day_before(days, due):
    book(make_order(), starts_at=in_days(days) if days else timezone.now())

    today = clinic_today()
    assert waiting() == ([("reminder", today + dt.timedelta(days=due))] if due is not None else [])


def test_moving_a_visit_moves_its_reminder():
    visit = book(make_order(), starts_at=in_days(3))

    services.reschedule_appointment(visit, by=make_everyone(), starts_at=in_days(5))

    assert waiting() == [("reminder", clinic_today() + dt.timedelta(days=4))]
    assert Message.objects.filter(status="void").count() == 1


def test_a_new_time_that_the_patient_does_not_know_is_told_today():
    visit = book(make_order(), starts_at=in_days(3))

    services.reschedule_appointment(visit, by=make_everyone(), starts_at=in_days(5), tell_patient=True)

    assert waiting() == [("moved", clinic_today())]


def test_a_cancelled_visit_reminds_nobody():
    visit = book(make_order(), starts_at=in_days(3))

    services.cancel_appointment(visit, by=make_everyone(), reason="Ill")

    assert waiting() == []


def test_only_what_is_due_is_on_the_list():
    near, far = book(make_order(), starts_at=in_days(1)), book(make_order(), starts_at=in_days(4))

    today = clinic_today()
    assert [message.appointment for message in calls_to_make(today)] == [near]
    assert [message.appointment for message in calls_to_make(today + dt.timedelta(days=3))] == [near, far]


@pytest.mark.parametrize(
    ("outcome", "still_to_call"),
    [
        ("confirmed", False),
        ("message_left", False),
        ("other_time", False),
        ("not_reached", True),
        ("wrong_number", True),
    ],
)
def test_a_call_that_told_it_takes_it_off_the_list(outcome, still_to_call):
    visit = book(make_order(), starts_at=in_days(1))

    services.record_call(visit, by=make_user("receptionist"), outcome=outcome, note="Her son answered")

    visit.refresh_from_db()
    assert calls_to_make(clinic_today()).exists() == still_to_call
    assert (visit.confirmed_at is not None) == (outcome == "confirmed")
    assert Call.objects.get().note == "Her son answered"
    assert Entry.objects.get(action="appointment.called").reason == "Her son answered"


def test_who_wants_it_no_more_is_cancelled_with_what_was_ordered():
    visit = book(make_order(), starts_at=in_days(1))

    services.record_call(visit, by=make_user("receptionist"), outcome="declined", note="Done elsewhere")

    visit.refresh_from_db()
    order = visit.orders.get()
    assert (visit.status, visit.cancel_reason) == ("cancelled", "Done elsewhere")
    assert (order.status, order.cancel_reason) == ("cancelled", "Done elsewhere")
    assert list(visits_to_call_back()) == []


def test_a_new_time_is_not_confirmed_by_the_old_call():
    visit = book(make_order(), starts_at=in_days(1))
    services.record_call(visit, by=make_everyone(), outcome="confirmed")
    visit.refresh_from_db()

    services.reschedule_appointment(visit, by=make_everyone(), starts_at=in_days(2))

    assert Appointment.objects.get().confirmed_at is None


def test_what_is_over_is_not_confirmed():
    visit = make_appointment(status="no_show")

    with pytest.raises(Conflict, match="it cannot be confirmed"):
        services.record_call(visit, by=make_everyone(), outcome="confirmed")

    assert Call.objects.count() == 0


def test_an_outcome_that_is_none_is_refused():
    with pytest.raises(InvalidInput, match="was read as “maybe”"):
        services.record_call(make_appointment(), by=make_everyone(), outcome="maybe")


def test_only_who_books_notes_calls():
    with pytest.raises(NotAllowed):
        services.record_call(make_appointment(), by=make_user("radiologist"), outcome="confirmed")


def test_who_did_not_come_and_who_was_cancelled_are_called_back():
    no_show = make_appointment(status="no_show")
    cancelled = make_appointment(status="cancelled", starts_at=timezone.now() + dt.timedelta(hours=1))
    make_appointment(status="completed")
    make_appointment()

    assert list(visits_to_call_back()) == [cancelled, no_show]


def test_who_has_a_new_date_is_not():
    visit = make_appointment(status="no_show")

    book(visit.orders.get(), starts_at=in_days(2))

    assert list(visits_to_call_back()) == []


def test_nor_whose_order_was_cancelled():
    visit = make_appointment(status="no_show")

    services.cancel_order(visit.orders.get(), by=make_everyone(), reason="Not needed any more")

    assert list(visits_to_call_back()) == []


def test_a_consultation_is_called_back_until_there_is_another():
    doctor = make_user("radiologist")
    Consultant.objects.create(doctor=doctor)
    visit = services.book_consultation(
        make_order().patient, by=make_everyone(), doctor=doctor, starts_at=in_days(0)
    )
    services.mark_no_show(visit, by=make_everyone())

    assert list(visits_to_call_back()) == [visit]
    services.book_consultation(visit.patient, by=make_everyone(), doctor=doctor, starts_at=in_days(2))
    assert list(visits_to_call_back()) == []


def test_the_lists_ask_as_often_for_three_as_for_one(django_assert_num_queries):
    client = sign_in("receptionist")
    client.get(url("call_list"))  # the session is known from here on
    for number in range(4):
        book(make_order(), starts_at=in_days(1))
        make_appointment(status="no_show")
        if number == 1:
            with CaptureQueriesContext(connection) as calls:
                client.get(url("call_list"))
            with CaptureQueriesContext(connection) as backs:
                client.get(url("call_back_list"))

    with django_assert_num_queries(len(calls)):
        client.get(url("call_list"))
    with django_assert_num_queries(len(backs)):
        client.get(url("call_back_list"))


def test_the_pages_note_and_lead_on():
    visit = book(make_order(), station=make_station(), starts_at=in_days(1))
    client = sign_in("receptionist")

    page = client.get(url("call_list")).content.decode()
    other = client.post(url("appointment_call", visit.pk), {"outcome": "other_time"}, headers=HTMX)
    client.post(url("appointment_cancel", visit.pk), {"reason": "Ill", "seen": "booked"})
    back = client.get(url("call_back_list")).content.decode()

    assert visit.patient.list_name in page
    assert other["HX-Redirect"] == f"{url('appointment_reschedule', visit.pk)}?next={url('call_list')}"
    assert url("appointment_book", visit.orders.get().pk) in back
    assert "Wants another time" in back


def test_a_consultation_that_is_not_wanted_any_more_leaves_the_list():
    doctor = make_user("radiologist")
    Consultant.objects.create(doctor=doctor)
    visit = services.book_consultation(
        make_order().patient, by=make_everyone(), doctor=doctor, starts_at=in_days(0)
    )
    services.mark_no_show(visit, by=make_everyone())

    services.record_call(visit, by=make_user("receptionist"), outcome="declined")

    assert list(visits_to_call_back()) == []
