"""What a decision about received images does to orders: images that leave, orders made for them alone.

The rooms above know the images; here is only what their coming and going means for an order.
"""

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict
from clinic.live import announce
from clinic.models import User
from patients.models import Patient

from .models import Order
from .moves import lock_visit, move_appointment, move_order, settle_appointment
from .statuses import AppointmentStatus, OrderStatus

REASON_LENGTH = 200


@transaction.atomic
def note_images_left(order: Order, *, by: User, reason: str, waits: bool = True) -> Order:
    """All images of this order went elsewhere. It ``waits`` for images again if they alone acquired it."""
    appointment = lock_visit(order)
    Order.objects.filter(pk=order.pk).update(image_count=0)
    order.refresh_from_db()
    reason = reason[:REASON_LENGTH]
    if waits and order.status == OrderStatus.ACQUIRED:
        move_order(
            order,
            OrderStatus.SCHEDULED,
            by=by,
            action="order.images_left",
            reason=reason,
            follows=True,
            acquired_at=None,
        )
        if appointment is not None and appointment.status == AppointmentStatus.REVIEW:
            move_appointment(
                appointment,
                AppointmentStatus.IN_ROOM,
                by=by,
                action="appointment.reopened",
                reason=reason,
                follows=True,
            )
    announce("board", "reading", f"order.{order.pk}")
    return order


@transaction.atomic
def withdraw_order(order: Order, *, by: User, reason: str) -> Order:
    """Cancel an order that was made for images which have gone elsewhere.

    One that somebody has begun to read stays, without images: nothing that was written may be lost.
    """
    if order.events.filter(to_status=OrderStatus.READING).exists():
        return note_images_left(order, by=by, reason=reason)
    appointment = lock_visit(order)
    order.refresh_from_db()
    if order.status == OrderStatus.CANCELLED:
        return order
    Order.objects.filter(pk=order.pk).update(image_count=0)
    reason = reason[:REASON_LENGTH]
    move_order(
        order,
        OrderStatus.CANCELLED,
        by=by,
        action="order.cancelled",
        reason=reason,
        follows=True,
        cancel_reason=reason,
    )
    settle_appointment(appointment, by=by, reason=reason)
    return order


@transaction.atomic
def reassign_order(order: Order, patient: Patient, *, by: User, reason: str) -> Order:
    """Give an order with all that hangs on it to another patient: a placeholder's to the person it is."""
    before = order.patient
    if not Order.objects.filter(pk=order.pk, patient=before).update(patient=patient):
        raise Conflict(_("Somebody else has moved this order already; look again."))
    order.patient = patient
    record(
        by=by,
        action="order.reassigned",
        subject=order,
        patient=patient,
        changes={"patient": [str(before), str(patient)]},
        reason=reason,
    )
    announce("board", "reading", f"order.{order.pk}", f"patient.{before.pk}", f"patient.{patient.pk}")
    return order
