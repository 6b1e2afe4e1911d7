"""What a machine tells about the examination of an order while it is performed (MPPS, PS3.4 Annex F)."""

from django.db import transaction

from audit.services import record
from clinic.live import announce
from clinic.models import User

from .models import FlowEvent, Order
from .moves import REASON_LENGTH, changed_already
from .orders import note_images_arrived
from .statuses import AppointmentStatus


@transaction.atomic
def note_step_started(order: Order, *, by: User) -> str:
    """The machine has begun: the visit follows where its state allows it. Else why it does not, in words.

    Never fails for what the desk has or has not noted: the machine is right about what it does.
    """
    note_images_arrived(order, by=by)
    announce("board")
    fresh = Order.objects.select_related("patient", "appointment__patient").get(pk=order.pk)
    if fresh.appointment is not None and fresh.appointment.status == AppointmentStatus.IN_SCAN:
        return ""
    return str(changed_already(fresh.appointment or fresh))


@transaction.atomic
def note_step_discontinued(order: Order, *, by: User, reason: str, reason_code: str) -> None:
    """The machine broke off. Nobody's state changes: a person decides whether it is done again, and when.

    ``reason_code`` is a ``RepeatReason`` where the machine's reason is one, so that it counts as a repeat.
    """
    order = Order.objects.select_related("patient").get(pk=order.pk)
    reason = " ".join(reason.split())[:REASON_LENGTH]
    FlowEvent.objects.create(
        by=by,
        order=order,
        from_status=order.status,
        to_status=order.status,
        reason=reason,
        reason_code=reason_code,
    )
    record(by=by, action="order.discontinued", subject=order, patient=order.patient, reason=reason)
    announce("board", f"order.{order.pk}", f"patient.{order.patient_id}")
