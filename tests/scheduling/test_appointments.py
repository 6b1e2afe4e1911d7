import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from audit.models import Entry
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.models import ClinicProfile
from scheduling import services
from scheduling.models import Appointment, Closure, Order
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
TEN = dt.datetime(2026, 11, 23, 10, tzinfo=dt.UTC)


def minutes(number: int) -> dt.timedelta:
    return dt.timedelta(minutes=number)


def test_booking_schedules_the_orders_for_as_long_as_they_take():
    patient = make_patient()
    orders = [make_order(patient, procedure=make_procedure(minutes=number)) for number in (10, 20)]

    appointment = services.book_appointment(
        patient, by=make_user("receptionist"), station=make_station(), starts_at=TEN, orders=orders
    )

    assert appointment.ends_at == TEN + minutes(30)
    assert [order.status for order in Order.objects.filter(appointment=appointment)] == ["scheduled"] * 2
    assert Entry.objects.filter(action="appointment.booked").get().subject_id == str(appointment.pk)


def test_a_taken_time_is_refused_and_says_who_is_in_the_way():
    ClinicProfile.objects.update_or_create(pk=1, defaults={"time_zone": "Asia/Kathmandu"})
    station = make_station(name="X-ray 1")
    first = book(make_order(make_patient(mrn="CVC-7")), station=station, starts_at=TEN)

    with pytest.raises(Conflict) as refusal:
        book(make_order(), station=station, starts_at=TEN + minutes(14))

    assert refusal.value.message == (
        f"That time is taken: {first.patient} is booked at X-ray 1 on Mon 23 Nov, 15:45 to 16:00. "
        "Choose another time."
    )
    assert Appointment.objects.count() == 1


def test_times_that_touch_do_not_collide():
    station = make_station()
    book(make_order(), station=station, starts_at=TEN)

    book(make_order(), station=station, starts_at=TEN + minutes(15))

    assert Appointment.objects.count() == 2


def test_another_station_is_free_at_the_same_time():
    book(make_order(), starts_at=TEN)

    book(make_order(), starts_at=TEN)

    assert Appointment.objects.count() == 2


@pytest.mark.parametrize("status", ["cancelled", "no_show"])
def test_a_visit_that_does_not_happen_leaves_its_time_free(status):
    station = make_station()
    make_appointment(station=station, starts_at=TEN, status=status)

    book(make_order(), station=station, starts_at=TEN)

    assert Appointment.objects.occupying().count() == 1


def test_overbooking_needs_permission():
    station = make_station()
    first = book(make_order(), station=station, starts_at=TEN)

    with pytest.raises(NotAllowed):
        services.book_appointment(
            first.patient,
            by=make_user("receptionist"),
            station=station,
            starts_at=TEN,
            overbook_reason="Emergency",
        )


def test_overbooking_with_permission_and_reason():
    station = make_station()
    book(make_order(), station=station, starts_at=TEN)

    second = services.book_appointment(
        make_patient(),
        by=make_user("administrator"),
        station=station,
        starts_at=TEN,
        overbook_reason="Emergency",
    )

    assert second.overbook_reason == "Emergency"
    assert Entry.objects.get(action="appointment.booked", subject_id=str(second.pk)).reason == "Emergency"


def test_a_closed_station_is_refused_with_the_reason():
    station = make_station(name="CT")
    Closure.objects.create(station=station, starts_at=TEN, ends_at=TEN + minutes(60), reason="Maintenance")

    with pytest.raises(Conflict) as refusal:
        book(make_order(), station=station, starts_at=TEN - minutes(10))

    assert refusal.value.message == "CT is closed from Mon 23 Nov, 10:00 to Mon 23 Nov, 11:00. Maintenance"


def test_a_station_is_not_booked_for_what_it_does_not_do():
    order = make_order(procedure=make_procedure(modality="MR", name="MR knee"))

    with pytest.raises(InvalidInput, match="does not do MR"):
        book(order, station=make_station(modalities=["US"]))


def test_an_order_of_another_patient_is_refused():
    order = make_order()

    with pytest.raises(InvalidInput, match="belongs to another patient"):
        services.book_appointment(
            make_patient(), by=make_everyone(), station=make_station(), starts_at=TEN, orders=[order]
        )

    assert Appointment.objects.count() == 0
    assert Order.objects.get(pk=order.pk).status == "ordered"


def test_an_order_is_booked_once():
    order = make_order(status="scheduled", starts_at=TEN, station=make_station(name="X-ray 1"))

    with pytest.raises(Conflict, match="is booked already: Mon 23 Nov, 10:00 at X-ray 1"):
        book(order, starts_at=TEN)

    assert Appointment.objects.count() == 1


def test_a_stale_order_is_booked_once():
    order = make_order()
    stale = Order.objects.get(pk=order.pk)
    book(order)

    with pytest.raises(Conflict, match="is now “Scheduled”"):
        book(stale)

    assert Appointment.objects.count() == 1


def test_a_repeat_after_the_visit_is_over_gets_a_new_time():
    appointment = make_appointment(status="no_show")
    order = appointment.orders.get()
    services.mark_acquired(order, by=make_everyone())
    services.request_repeat(order, by=make_everyone(), reason="", reason_code="motion")

    again = book(order, starts_at=TEN)

    assert Order.objects.get(pk=order.pk).appointment == again


@pytest.mark.parametrize("length", [481, -5])
def test_an_impossible_duration_is_refused(length):
    with pytest.raises(InvalidInput, match=f"read as {length} minutes; 1 to 480 are accepted"):
        services.book_appointment(
            make_patient(), by=make_everyone(), station=make_station(), starts_at=TEN, minutes=length
        )


def test_rescheduling_moves_the_visit_and_keeps_its_orders():
    appointment = make_appointment(starts_at=TEN)
    other = make_station()

    services.reschedule_appointment(
        appointment, by=make_user("receptionist"), starts_at=TEN + minutes(60), station=other
    )

    appointment.refresh_from_db()
    assert (appointment.starts_at, appointment.ends_at) == (TEN + minutes(60), TEN + minutes(75))
    assert (appointment.station, appointment.orders.get().status) == (other, "scheduled")
    assert Entry.objects.get(action="appointment.rescheduled").changes["starts_at"] == [
        "2026-11-23T10:00:00+00:00",
        "2026-11-23T11:00:00+00:00",
    ]


def test_rescheduling_by_a_few_minutes_does_not_collide_with_itself():
    appointment = make_appointment(starts_at=TEN)

    services.reschedule_appointment(appointment, by=make_everyone(), starts_at=TEN + minutes(5))

    appointment.refresh_from_db()
    assert appointment.starts_at == TEN + minutes(5)


def test_rescheduling_into_a_taken_time_is_refused():
    station = make_station()
    in_the_way = make_appointment(station=station, starts_at=TEN)
    appointment = make_appointment(station=station, starts_at=TEN + minutes(30))

    with pytest.raises(Conflict) as refusal:
        services.reschedule_appointment(appointment, by=make_everyone(), starts_at=TEN)

    assert str(in_the_way.patient) in refusal.value.message
    assert Appointment.objects.get(pk=appointment.pk).starts_at == TEN + minutes(30)


def test_a_visit_is_not_in_its_own_way():
    station = make_station()
    visit = make_appointment(station=station, starts_at=TEN)
    after = make_appointment(station=station, starts_at=TEN + minutes(15))

    with pytest.raises(Conflict) as refusal:
        services.reschedule_appointment(visit, by=make_everyone(), starts_at=TEN + minutes(5))

    assert refusal.value.message.startswith(f"That time is taken: {after.patient} is booked at")


def test_of_two_who_reschedule_the_second_is_told():
    appointment = make_appointment(starts_at=TEN)
    stale = Appointment.objects.get(pk=appointment.pk)
    services.reschedule_appointment(appointment, by=make_everyone(), starts_at=TEN + minutes(60))

    with pytest.raises(
        Conflict, match="someone else moved this appointment, it is now “Booked” at Mon 23 Nov"
    ):
        services.reschedule_appointment(stale, by=make_everyone(), starts_at=TEN + minutes(120))


@pytest.mark.parametrize("status", ["in_room", "in_scan", "review", "completed", "no_show", "cancelled"])
def test_only_a_visit_before_the_room_is_rescheduled(status):
    appointment = make_appointment(status=status)

    with pytest.raises(Conflict):
        services.reschedule_appointment(appointment, by=make_everyone(), starts_at=TEN)


def test_cancelling_puts_the_orders_back():
    appointment = make_appointment(status="waiting")

    services.cancel_appointment(appointment, by=make_user("receptionist"), reason="Felt unwell")

    assert (appointment.status, appointment.cancel_reason) == ("cancelled", "Felt unwell")
    assert appointment.orders.get().status == "ordered"


def test_a_visit_with_images_is_not_cancelled():
    patient = make_patient()
    one, other = make_order(patient), make_order(patient)
    appointment = make_appointment(one, other, status="in_scan")
    services.mark_acquired(one, by=make_everyone())

    with pytest.raises(Conflict, match="has its images already"):
        services.cancel_appointment(appointment, by=make_everyone(), reason="Patient left")

    appointment.refresh_from_db()
    assert appointment.status == "in_scan"


def test_a_cancellation_needs_a_reason():
    with pytest.raises(InvalidInput):
        services.cancel_appointment(make_appointment(), by=make_everyone(), reason=" ")


@pytest.mark.django_db(transaction=True)
def test_of_many_who_book_one_time_exactly_one_gets_it():
    by, station = make_everyone(), make_station()
    orders = [make_order() for _ in range(12)]

    def attempt(order: Order) -> str:
        try:
            book(order, by=by, station=station, starts_at=TEN)
            return "booked"
        except Conflict as refusal:
            return refusal.message.partition(":")[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(attempt, orders))

    assert sorted(outcomes) == ["That time is taken"] * 11 + ["booked"]
    assert Appointment.objects.get().orders.get().status == "scheduled"


@pytest.mark.django_db(transaction=True)
def test_of_two_claims_at_once_exactly_one_wins():
    order = make_order(status="acquired")
    readers = [make_user("radiologist") for _ in range(6)]

    def claim(reader):
        try:
            services.claim_order(Order.objects.get(pk=order.pk), by=reader)
            return reader.pk
        except Conflict:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        winners = [pk for pk in pool.map(claim, readers) if pk is not None]

    assert winners == [Order.objects.get(pk=order.pk).reader_id]


@pytest.mark.django_db(transaction=True)
def test_two_orders_that_finish_at_once_bring_their_visit_to_the_reader():
    patient, by = make_patient(), make_everyone()
    visits = []
    for _ in range(5):
        orders = [make_order(patient), make_order(patient)]
        visits.append((make_appointment(*orders, status="in_scan"), orders))

    def finish(order: Order) -> None:
        try:
            services.mark_acquired(order, by=by)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(finish, [order for _, orders in visits for order in orders]))

    assert {Appointment.objects.get(pk=visit.pk).status for visit, _ in visits} == {"review"}
