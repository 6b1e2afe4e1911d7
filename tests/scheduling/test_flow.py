import datetime as dt

import pytest
from django.utils import timezone

from clinic.errors import Conflict
from clinic.models import ClinicProfile, User
from scheduling import services, tasks
from scheduling.models import Appointment, FlowEvent
from scheduling.statuses import AppointmentStatus
from tests.factories import book, make_appointment, make_everyone, make_order, make_station, make_user

pytestmark = pytest.mark.django_db

STEPS = {
    services.check_in_appointment: {"booked": "waiting", "no_show": "waiting"},
    services.call_in_appointment: {"waiting": "in_room"},
    services.start_examination: {"booked": "in_scan", "waiting": "in_scan", "in_room": "in_scan"},
    services.finish_examination: {"in_room": "review", "in_scan": "review", "review": "review"},
    services.mark_no_show: {"booked": "no_show"},
    services.step_back: {
        "waiting": "booked",
        "in_room": "waiting",
        "in_scan": "in_room",
        "no_show": "booked",
    },
}


@pytest.mark.parametrize("status", AppointmentStatus.values)
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_each_step_goes_only_from_where_it_belongs(step, status):
    appointment = make_appointment(status=status)
    target = STEPS[step].get(status)

    if target is None:
        with pytest.raises(Conflict):
            step(appointment, by=make_everyone())
    else:
        step(appointment, by=make_everyone())

    assert Appointment.objects.get(pk=appointment.pk).status == (target or status)


def test_the_time_of_arrival_is_kept_until_the_check_in_is_undone():
    appointment = make_appointment(status="in_room")
    arrived_at = appointment.arrived_at

    services.step_back(appointment, by=make_everyone())
    assert arrived_at is not None
    assert appointment.arrived_at == arrived_at
    services.step_back(appointment, by=make_everyone())

    assert Appointment.objects.get(pk=appointment.pk).arrived_at is None


def test_a_stale_check_in_says_what_is_true_now():
    appointment = make_appointment()
    stale = Appointment.objects.get(pk=appointment.pk)
    services.check_in_appointment(appointment, by=make_everyone())

    with pytest.raises(Conflict) as refusal:
        services.check_in_appointment(stale, by=make_everyone())

    assert refusal.value.message == (
        f"Nothing was changed: the appointment of {appointment.patient.display_name} is now “Waiting”."
    )


def test_finishing_takes_every_open_order_along():
    first = make_order()
    second, cancelled = make_order(first.patient), make_order(first.patient)
    appointment = make_appointment(first, second, cancelled, status="in_scan")
    cancelled.refresh_from_db()
    services.cancel_order(cancelled, by=make_everyone(), reason="Twice ordered")

    services.finish_examination(appointment, by=make_user("technician"))

    assert appointment.status == "review"
    statuses = appointment.orders.order_by("pk").values_list("status", flat=True)
    assert list(statuses) == ["acquired", "acquired", "cancelled"]


def test_finishing_what_the_machine_has_finished_is_no_error():
    appointment = make_appointment(status="in_scan")
    stale = Appointment.objects.get(pk=appointment.pk)
    services.mark_acquired(appointment.orders.get(), by=User.objects.machine("worker"))
    events = FlowEvent.objects.count()

    services.finish_examination(stale, by=make_user("technician"))

    assert (stale.status, FlowEvent.objects.count()) == ("review", events)


def test_a_visit_without_orders_is_completed_by_hand():
    order = make_order()
    bare = services.book_appointment(
        order.patient, by=make_everyone(), station=make_station(), starts_at=timezone.now()
    )
    services.check_in_appointment(bare, by=make_everyone())

    services.complete_appointment(bare, by=make_user("technician"))

    assert Appointment.objects.get(pk=bare.pk).status == "completed"


def test_a_visit_with_orders_is_not_completed_by_hand():
    appointment = make_appointment(status="in_room")

    with pytest.raises(Conflict, match="completed when each of them is reported"):
        services.complete_appointment(appointment, by=make_everyone())


def test_whoever_did_not_come_can_be_booked_again():
    appointment = make_appointment()

    services.mark_no_show(appointment, by=make_user("receptionist"))
    again = book(appointment.orders.get())

    assert (appointment.status, again.orders.get().status) == ("no_show", "scheduled")


@pytest.mark.parametrize("step", [services.check_in_appointment, services.step_back])
def test_whoever_comes_after_all_has_the_order_back(step):
    appointment = make_appointment(status="no_show")

    step(appointment, by=make_user("receptionist"))

    assert appointment.orders.get().status == "scheduled"


def test_whoever_comes_late_to_a_time_given_away_is_told_who_has_it():
    station = make_station()
    appointment = make_appointment(status="no_show", station=station)
    other = book(make_order(), station=station, starts_at=appointment.starts_at)

    with pytest.raises(Conflict) as refusal:
        services.check_in_appointment(appointment, by=make_everyone())

    assert str(other.patient) in refusal.value.message
    assert Appointment.objects.get(pk=appointment.pk).status == "no_show"


def test_the_clock_gives_up_the_booked_of_days_that_are_over():
    yesterday = make_appointment(starts_at=timezone.now() - dt.timedelta(days=1))
    waiting = make_appointment(status="waiting", starts_at=timezone.now() - dt.timedelta(days=1))
    today = make_appointment(starts_at=timezone.now())

    tasks.mark_no_shows()
    tasks.mark_no_shows()

    statuses = [Appointment.objects.get(pk=visit.pk).status for visit in (yesterday, waiting, today)]
    assert statuses == ["no_show", "waiting", "booked"]
    assert FlowEvent.objects.filter(to_status="no_show").get().by.username == "machine-clock"


@pytest.mark.parametrize(
    ("now", "status"),
    [("2026-11-21T18:10Z", "booked"), ("2026-11-21T18:20Z", "no_show")],
    ids=["five to midnight in Nepal", "five past midnight in Nepal"],
)
def test_a_day_is_over_at_the_clinics_midnight(monkeypatch, now, status):
    ClinicProfile.objects.update_or_create(pk=1, defaults={"time_zone": "Asia/Kathmandu"})
    appointment = make_appointment(starts_at=dt.datetime(2026, 11, 21, 10, tzinfo=dt.UTC))
    monkeypatch.setattr(timezone, "now", lambda: dt.datetime.fromisoformat(now))

    services.mark_no_shows(by=User.objects.machine("clock"))

    assert Appointment.objects.get(pk=appointment.pk).status == status
