"""Both state machines: every state, every wish, every role, from the data."""

import pytest

from audit.models import Entry
from clinic.errors import Conflict, NotAllowed
from clinic.permissions import ROLE_PERMISSIONS, Role
from scheduling.models import Appointment, FlowEvent, Order
from scheduling.moves import move_appointment, move_order
from scheduling.statuses import APPOINTMENT_MOVES, ORDER_MOVES, AppointmentStatus, OrderStatus
from tests.factories import make_appointment, make_everyone, make_order, make_user

pytestmark = pytest.mark.django_db

# A state is backed by constraints: these fields change with it.
ORDER_FIELDS = {
    OrderStatus.READING: lambda user: {"reader": user},
    OrderStatus.REPORTED: lambda user: {"reported_at": "2026-11-21T10:00Z"},
    OrderStatus.CANCELLED: lambda user: {"cancel_reason": "x"},
}
APPOINTMENT_FIELDS = {AppointmentStatus.CANCELLED: lambda user: {"cancel_reason": "x"}}


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("new", OrderStatus.values)
@pytest.mark.parametrize("old", OrderStatus.values)
def test_order_moves_as_the_table_says(old, new, role):
    order = make_order(status=old)
    user = make_user(role)
    permission = ORDER_MOVES[old].get(new)
    fields = ORDER_FIELDS.get(new, lambda user: {})(user)

    outcome = attempt(move_order, order, new, user, fields)

    assert outcome == expected(permission, role)
    assert Order.objects.get(pk=order.pk).status == (new if outcome == "moved" else old)


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("new", AppointmentStatus.values)
@pytest.mark.parametrize("old", AppointmentStatus.values)
def test_appointment_moves_as_the_table_says(old, new, role):
    appointment = make_appointment(status=old)
    user = make_user(role)
    permission = APPOINTMENT_MOVES[old].get(new)
    fields = APPOINTMENT_FIELDS.get(new, lambda user: {})(user)

    outcome = attempt(move_appointment, appointment, new, user, fields)

    assert outcome == expected(permission, role)
    assert Appointment.objects.get(pk=appointment.pk).status == (new if outcome == "moved" else old)


@pytest.mark.parametrize("status", OrderStatus.values)
def test_factories_bring_an_order_into_each_state(status):
    order = make_order(status=status)

    assert Order.objects.get(pk=order.pk).status == status


@pytest.mark.parametrize("status", AppointmentStatus.values)
def test_factories_bring_an_appointment_into_each_state(status):
    appointment = make_appointment(status=status)

    assert Appointment.objects.get(pk=appointment.pk).status == status


def test_a_move_leaves_an_event_and_an_audit_entry():
    order = make_order(status="scheduled")
    user = make_everyone()

    move_order(order, "acquired", by=user, action="order.acquired", reason="by hand")

    event = FlowEvent.objects.filter(order=order).latest("pk")
    assert (event.from_status, event.to_status, event.by, event.reason) == (
        "scheduled",
        "acquired",
        user,
        "by hand",
    )
    entry = Entry.objects.latest("pk")
    assert (entry.action, entry.changes, entry.patient_id) == (
        "order.acquired",
        {"status": ["scheduled", "acquired"]},
        order.patient_id,
    )


def test_a_stale_step_is_refused_with_the_new_state_in_words():
    order = make_order(status="acquired")
    stale = Order.objects.get(pk=order.pk)
    reader = make_user("radiologist")
    move_order(order, "reading", by=reader, action="order.claimed", reader=reader)

    with pytest.raises(Conflict) as refusal:
        move_order(stale, "scheduled", by=make_everyone(), action="order.repeat_requested")

    assert refusal.value.message == (
        f"Nothing was changed: order {order.accession_number} of {order.patient.display_name} "
        "is now “Being read”."
    )
    assert Order.objects.get(pk=order.pk).status == "reading"


def test_a_refused_move_leaves_no_trace():
    appointment, user = make_appointment(status="booked"), make_user("radiologist")
    events, entries = FlowEvent.objects.count(), Entry.objects.count()

    with pytest.raises(NotAllowed):
        move_appointment(appointment, "waiting", by=user, action="appointment.checked_in")

    assert (FlowEvent.objects.count(), Entry.objects.count()) == (events, entries)


def attempt(move, subject, new, user, fields):
    try:
        move(subject, new, by=user, action="test.moved", **fields)
    except Conflict:
        return "conflict"
    except NotAllowed:
        return "not allowed"
    return "moved"


def expected(permission, role):
    if permission is None:
        return "conflict"
    return "moved" if permission in ROLE_PERMISSIONS[role] else "not allowed"
