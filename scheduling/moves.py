"""How an order and an appointment change state, and how each follows the other.

Only services of this room call these functions, always inside their transaction. Nothing else assigns
``status``. Who needs both rows takes the appointment's first (``lock_visit``), so that two orders of
one visit that finish at the same moment see each other.
"""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.live import announce
from clinic.models import User

from .models import Appointment, FlowEvent, Order
from .statuses import ORDER_MOVES, PRESENT, UNFINISHED, VISIT_MOVES, AppointmentStatus, OrderStatus

REASON_LENGTH = 200
_DONE = {OrderStatus.REPORTED, OrderStatus.RELEASED}
_TAKEN = {OrderStatus.ACQUIRED, OrderStatus.READING, *_DONE}


def move_order(
    order: Order,
    to: str,
    *,
    by: User,
    action: str,
    reason: str = "",
    reason_code: str = "",
    follows: bool = False,
    **changes: Any,
) -> None:
    """Compare-and-set of ``order.status``; ``changes`` are fields that change with it.

    ``follows`` is set when the rules of the house move the order because something else moved: then the
    permission for that cause is enough.
    """
    _move(
        order,
        to,
        by=by,
        action=action,
        reason=reason,
        reason_code=reason_code,
        permission=None if follows else ORDER_MOVES[order.status].get(to),
        is_possible=to in ORDER_MOVES[order.status],
        changes=changes,
    )
    announce("board", "reading", f"order.{order.pk}", f"patient.{order.patient_id}")


def move_appointment(
    appointment: Appointment,
    to: str,
    *,
    by: User,
    action: str,
    reason: str = "",
    follows: bool = False,
    **changes: Any,
) -> None:
    """Compare-and-set of ``appointment.status``; see ``move_order``."""
    if to in PRESENT and appointment.arrived_at is None:
        changes["arrived_at"] = timezone.now()
    possible = VISIT_MOVES[appointment.kind][appointment.status]
    _move(
        appointment,
        to,
        by=by,
        action=action,
        reason=reason,
        reason_code="",
        permission=None if follows else possible.get(to),
        is_possible=to in possible,
        changes=changes,
    )
    announce_appointment(appointment)


def _move(
    subject: Order | Appointment,
    to: str,
    *,
    by: User,
    action: str,
    reason: str,
    reason_code: str,
    permission: Any,
    is_possible: bool,
    changes: dict[str, Any],
) -> None:
    old = subject.status
    if not is_possible:
        raise changed_already(subject)
    if permission is not None and not by.can(permission):
        raise NotAllowed(_("Your role does not include this step."))
    changes = {"status": to, "status_changed_at": timezone.now(), **changes}
    model = type(subject)
    if not model._default_manager.filter(pk=subject.pk, status=old).update(**changes):
        subject.refresh_from_db(fields=["status"])
        raise changed_already(subject)
    for field, value in changes.items():
        setattr(subject, field, value)
    FlowEvent.objects.create(
        by=by,
        order=subject if isinstance(subject, Order) else None,
        appointment=subject if isinstance(subject, Appointment) else None,
        from_status=old,
        to_status=to,
        reason=reason,
        reason_code=reason_code,
    )
    record(
        by=by,
        action=action,
        subject=subject,
        patient=subject.patient,
        changes={"status": [old, to]},
        reason=reason,
    )


def changed_already(subject: Order | Appointment) -> Conflict:
    """The refusal of a step that the state of ``subject`` does not allow (any more)."""
    words = {"state": subject.get_status_display(), "patient": subject.patient.display_name}
    if isinstance(subject, Order):
        words["number"] = subject.accession_number
        return Conflict(_("Nothing was changed: order %(number)s of %(patient)s is now “%(state)s”.") % words)
    return Conflict(_("Nothing was changed: the appointment of %(patient)s is now “%(state)s”.") % words)


def required_reason(reason: str) -> str:
    """A reason that says something and fits its column."""
    reason = " ".join(reason.split())
    if not reason:
        raise InvalidInput(_("Say why, in a few words."), field="reason")
    if len(reason) > REASON_LENGTH:
        raise InvalidInput(
            _("The reason has %(length)d characters; at most %(most)d are kept. Shorten it.")
            % {"length": len(reason), "most": REASON_LENGTH},
            field="reason",
        )
    return reason


def announce_appointment(appointment: Appointment) -> None:
    orders = appointment.orders.values_list("pk", flat=True)
    announce("board", f"patient.{appointment.patient_id}", *(f"order.{pk}" for pk in orders))


def lock_visit(order: Order) -> Appointment | None:
    """Hold ``order`` and the appointment it is on until the transaction ends; the appointment, read afresh.

    ``order`` itself keeps the status that the caller saw: ``move_order`` compares it.
    """
    rows = Order.objects.filter(pk=order.pk)
    while True:
        appointment_id = rows.values_list("appointment_id", flat=True).get()
        appointment = Appointment.objects.select_for_update(no_key=True).filter(pk=appointment_id).first()
        if rows.select_for_update(no_key=True).get().appointment_id == appointment_id:
            order.appointment = appointment
            return appointment


def lock_appointment(appointment: Appointment) -> list[Order]:
    """Hold ``appointment`` and its orders until the transaction ends; the orders, read afresh.

    The appointment itself keeps the status that the caller saw: ``move_appointment`` compares it.
    """
    Appointment.objects.select_for_update(no_key=True).get(pk=appointment.pk)
    # Fetched behind the lock: a join would show what was there before it was waited for.
    return list(
        Order.objects.select_for_update(no_key=True)
        .filter(appointment=appointment)
        .prefetch_related("patient", "procedure")
        .order_by("pk")
    )


def cancel_visit(appointment: Appointment, *, by: User, reason: str, follows: bool = False) -> None:
    move_appointment(
        appointment,
        AppointmentStatus.CANCELLED,
        by=by,
        action="appointment.cancelled",
        reason=reason,
        follows=follows,
        cancel_reason=reason,
    )


def settle_appointment(appointment: Appointment | None, *, by: User, reason: str = "") -> None:
    """The visit follows its orders: all taken, to be read; all reported, completed; none left, cancelled."""
    if appointment is None or appointment.status not in [*UNFINISHED, AppointmentStatus.REVIEW]:
        return
    statuses = set(appointment.orders.values_list("status", flat=True))
    left = statuses - {OrderStatus.CANCELLED}
    if not statuses:
        return
    if not left and appointment.status != AppointmentStatus.REVIEW:
        cancel_visit(appointment, by=by, reason=reason, follows=True)
        return
    if left <= _TAKEN:
        _bring_to_review(appointment, by=by)
    if left <= _DONE:
        move_appointment(
            appointment, AppointmentStatus.COMPLETED, by=by, action="appointment.completed", follows=True
        )


def _bring_to_review(appointment: Appointment, *, by: User) -> None:
    """Images say that the patient was examined, whatever the desk has noted so far."""
    if appointment.status in {AppointmentStatus.BOOKED, AppointmentStatus.WAITING}:
        move_appointment(
            appointment, AppointmentStatus.IN_SCAN, by=by, action="appointment.started", follows=True
        )
    if appointment.status != AppointmentStatus.REVIEW:
        move_appointment(
            appointment, AppointmentStatus.REVIEW, by=by, action="appointment.finished", follows=True
        )
