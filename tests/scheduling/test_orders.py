import pytest

from audit.models import Entry
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.models import ClinicProfile, User
from scheduling import services
from scheduling.models import Appointment, FlowEvent, Order, Referrer
from scheduling.statuses import OrderStatus
from tests.factories import (
    book,
    make_appointment,
    make_everyone,
    make_order,
    make_patient,
    make_procedure,
    make_user,
)

pytestmark = pytest.mark.django_db


def place(**changes):
    fields = {"by": make_user("receptionist"), "procedure": make_procedure(), "indication": "Cough"} | changes
    return services.place_order(changes.pop("patient", None) or make_patient(), **fields)


def test_an_order_gets_a_number_and_a_study_uid_that_stay():
    first, second = place(), place()

    assert first.accession_number != second.accession_number
    assert len(first.accession_number) <= 16
    assert first.study_instance_uid.startswith("2.25.")
    assert first.study_instance_uid != second.study_instance_uid
    assert Entry.objects.filter(action="order.placed").count() == 2
    assert FlowEvent.objects.get(order=first).to_status == "ordered"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"indication": "  "}, "The reason for the examination is missing."),
        ({"priority": "asap"}, "The priority was read as “asap”; accepted are stat, urgent, routine."),
    ],
)
def test_an_order_says_what_is_wrong(change, words):
    with pytest.raises(InvalidInput) as refusal:
        place(**change)

    assert refusal.value.message == words


def test_a_procedure_that_is_not_offered_any_more_cannot_be_ordered():
    with pytest.raises(InvalidInput, match="is not offered any more"):
        place(procedure=make_procedure(is_active=False))


def test_a_merged_record_takes_no_order():
    survivor = make_patient()
    alias = make_patient(merged_into=survivor)

    with pytest.raises(Conflict) as refusal:
        services.place_order(alias, by=make_everyone(), procedure=make_procedure(), indication="Cough")

    assert refusal.value.message == f"This record was merged into {survivor}. Place the order there."


def test_a_machine_places_no_order():
    with pytest.raises(NotAllowed):
        place(by=User.objects.machine("dicom"))


def test_cancelling_the_only_order_frees_its_time():
    order = make_order(status="scheduled")

    services.cancel_order(order, by=make_user("receptionist"), reason="Moved away")

    assert Order.objects.get(pk=order.pk).cancel_reason == "Moved away"
    appointment = Appointment.objects.get(orders=order)
    assert (appointment.status, appointment.cancel_reason) == ("cancelled", "Moved away")


def test_cancelling_by_someone_who_may_not_book_still_frees_the_time():
    order = make_order(status="scheduled")

    services.cancel_order(order, by=make_user("radiologist"), reason="Not indicated")

    assert Appointment.objects.get(orders=order).status == "cancelled"


def test_cancelling_one_of_two_orders_leaves_the_visit():
    patient = make_patient()
    one, other = make_order(patient), make_order(patient)
    appointment = book(one, other)

    services.cancel_order(one, by=make_everyone(), reason="Twice ordered")

    appointment.refresh_from_db()
    assert appointment.status == "booked"


def test_cancelling_the_last_open_order_lets_the_rest_of_the_visit_go_on():
    patient = make_patient()
    one, other = make_order(patient), make_order(patient)
    appointment = book(one, other)
    services.mark_acquired(one, by=User.objects.machine("dicom"))

    services.cancel_order(other, by=make_everyone(), reason="Not needed")

    appointment.refresh_from_db()
    assert appointment.status == "review"


def test_cancelling_everything_of_an_examined_visit_completes_it():
    order = make_order(status="acquired")

    services.cancel_order(order, by=make_user("receptionist"), reason="Ordered for the wrong patient")

    assert Appointment.objects.get(orders=order).status == "completed"


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
def test_a_cancellation_needs_a_reason_that_fits(reason):
    order = make_order()

    with pytest.raises(InvalidInput):
        services.cancel_order(order, by=make_everyone(), reason=reason)

    assert Order.objects.get(pk=order.pk).status == "ordered"


def test_an_order_taken_off_its_visit_can_be_booked_again():
    patient = make_patient()
    one, other = make_order(patient), make_order(patient)
    appointment = book(one, other)

    services.unschedule_order(other, by=make_user("technician"), reason="No time today")

    other.refresh_from_db()
    assert (other.status, other.appointment) == ("ordered", None)
    appointment.refresh_from_db()
    assert appointment.status == "booked"


def test_taking_off_the_only_order_cancels_the_visit():
    order = make_order(status="scheduled")
    appointment = order.appointment

    services.unschedule_order(order, by=make_user("technician"), reason="No time today")

    appointment.refresh_from_db()
    assert appointment.status == "cancelled"


def test_claiming_twice_changes_nothing():
    order = make_order(status="acquired")
    reader = make_user("radiologist")
    services.claim_order(order, by=reader)
    events = FlowEvent.objects.count()

    services.claim_order(order, by=reader)

    assert (order.status, order.reader, FlowEvent.objects.count()) == ("reading", reader, events)


def test_a_second_reader_is_told_who_reads():
    order = make_order(status="acquired")
    stale = Order.objects.get(pk=order.pk)
    first = make_user("radiologist", full_name="Dr Noor")
    services.claim_order(order, by=first)

    with pytest.raises(Conflict) as refusal:
        services.claim_order(stale, by=make_user("radiologist"))

    assert refusal.value.message == "Dr Noor is reading this study already. Choose another one."


def test_claiming_what_has_no_images_names_the_state():
    order = make_order(status="scheduled")

    with pytest.raises(Conflict, match="is now “Scheduled”"):
        services.claim_order(order, by=make_user("radiologist"))


def test_handing_back_frees_the_study():
    reader = make_user("radiologist")
    order = make_order(status="reading", reader=reader)

    services.hand_back_order(order, by=reader)

    order.refresh_from_db()
    assert (order.status, order.reader) == ("acquired", None)


def test_taking_a_study_from_someone_else_needs_a_reason():
    order = make_order(status="reading", reader=make_user("radiologist"))

    with pytest.raises(InvalidInput):
        services.hand_back_order(order, by=make_user("radiologist"), reason="")


def test_a_repeat_brings_the_patient_back_into_the_room():
    order = make_order(status="acquired")

    services.request_repeat(
        order, by=make_user("technician"), reason="Arm in the way", reason_code="positioning"
    )

    order.refresh_from_db()
    assert (order.status, order.acquired_at, order.appointment.status) == ("scheduled", None, "in_room")
    event = FlowEvent.objects.filter(order=order).latest("pk")
    assert (event.reason, event.reason_code) == ("Arm in the way", "positioning")


def test_a_repeat_needs_a_known_kind_of_reason():
    order = make_order(status="acquired")

    with pytest.raises(InvalidInput, match="The kind of reason was read as “bad”; accepted are positioning"):
        services.request_repeat(order, by=make_everyone(), reason="", reason_code="bad")


@pytest.mark.parametrize("status", ["booked", "waiting", "in_room"])
def test_arriving_images_show_that_the_patient_is_examined(status):
    appointment = make_appointment(status=status)

    services.note_images_arrived(appointment.orders.get(), by=User.objects.machine("dicom"))

    appointment.refresh_from_db()
    assert appointment.status == "in_scan"
    assert appointment.arrived_at is not None


@pytest.mark.parametrize("status", ["in_scan", "review", "completed", "no_show", "cancelled"])
def test_images_change_no_other_visit(status):
    appointment = make_appointment(status=status)

    services.note_images_arrived(appointment.orders.get(), by=User.objects.machine("dicom"))

    appointment.refresh_from_db()
    assert appointment.status == status


def test_images_of_an_order_without_a_visit_do_no_harm():
    order = make_order()

    services.note_images_arrived(order, by=User.objects.machine("dicom"))

    assert Order.objects.get(pk=order.pk).status == "ordered"


@pytest.mark.parametrize("status", ["booked", "waiting", "in_room", "in_scan"])
def test_a_stable_study_brings_order_and_visit_to_the_reader(status):
    appointment = make_appointment(status=status)
    order = appointment.orders.get()

    services.mark_acquired(order, by=User.objects.machine("worker"))

    appointment.refresh_from_db()
    assert (order.status, appointment.status) == ("acquired", "review")
    assert order.acquired_at is not None


def test_the_visit_waits_until_every_order_has_images():
    patient = make_patient()
    one, other = make_order(patient), make_order(patient)
    appointment = make_appointment(one, other, status="in_scan")

    services.mark_acquired(one, by=User.objects.machine("worker"))
    appointment.refresh_from_db()
    halfway = appointment.status
    services.mark_acquired(other, by=User.objects.machine("worker"))
    appointment.refresh_from_db()

    assert (halfway, appointment.status) == ("in_scan", "review")


@pytest.mark.parametrize("status", OrderStatus.values)
def test_late_and_unasked_images_never_fail(status):
    order = make_order(status=status)

    services.note_images_arrived(order, by=User.objects.machine("dicom"))
    services.mark_acquired(order, by=User.objects.machine("worker"))

    now = Order.objects.get(pk=order.pk).status
    assert now == ("acquired" if status in {"ordered", "scheduled"} else status)


def test_images_of_a_patient_given_up_as_no_show_are_kept_for_the_reader():
    appointment = make_appointment(status="no_show")
    order = appointment.orders.get()

    services.mark_acquired(order, by=User.objects.machine("worker"))

    assert Order.objects.get(pk=order.pk).status == "acquired"


def test_the_visit_is_completed_once_every_order_is_reported():
    patient, reader = make_patient(), make_user("radiologist")
    one, other = make_order(patient), make_order(patient)
    appointment = make_appointment(one, other, status="review")
    for order in (one, other):
        order.refresh_from_db()
        services.claim_order(order, by=reader)

    services.mark_reported(one, by=reader)
    appointment.refresh_from_db()
    halfway = appointment.status
    services.mark_reported(other, by=reader)
    appointment.refresh_from_db()

    assert (halfway, appointment.status) == ("review", "completed")


def test_reporting_needs_a_claimed_study():
    order = make_order(status="acquired")

    with pytest.raises(Conflict, match="is now “Images taken”"):
        services.mark_reported(order, by=make_user("radiologist"))


def test_releasing_again_changes_nothing():
    order = make_order(status="released")
    released_at = order.released_at

    services.mark_released(order, by=make_user("receptionist"))

    assert Order.objects.get(pk=order.pk).released_at == released_at


def test_a_referrer_is_not_added_twice():
    by = make_user("receptionist")

    first = services.add_referrer(by=by, name="Dr  Lee", clinic="North")
    again = services.add_referrer(by=by, name="dr lee", clinic="north")

    assert first == again
    assert Referrer.objects.get().name == "Dr Lee"


def test_accession_pattern_is_the_clinics():
    ClinicProfile.objects.update_or_create(pk=1, defaults={"accession_pattern": "XR-2026-0100"})

    order = place()

    assert order.accession_number[:8] == "XR-2026-"
    assert int(order.accession_number[8:]) >= 100
