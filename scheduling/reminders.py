"""The queue of what patients have to be told, and the calls by which they are told."""

import datetime as dt

from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.live import announce
from clinic.models import User
from clinic.permissions import Permission

from .days import clinic_today, clinic_zone
from .models import Appointment, Call, CallOutcome, Message, MessageKind, MessageStatus, Order
from .statuses import OCCUPYING, UNFINISHED, AppointmentStatus, OrderStatus

REMIND_BEFORE = dt.timedelta(days=1)
CALL_BACK_FOR = dt.timedelta(days=120)
_TELLS = {
    CallOutcome.CONFIRMED,
    CallOutcome.MESSAGE_LEFT,
    CallOutcome.OTHER_TIME,
    CallOutcome.DECLINED,
}


def queue_reminder(appointment: Appointment, *, by: User | None = None, tell_new_time: bool = False) -> None:
    """Remind the day before; who comes today needs no reminder. What was queued before is void."""
    by = by or appointment.created_by
    drop_messages(appointment, by=by)
    if appointment.is_walk_in:
        return
    today = clinic_today()
    day = appointment.starts_at.astimezone(clinic_zone()).date()
    if tell_new_time:
        Message.objects.create(appointment=appointment, kind=MessageKind.MOVED, due_on=today)
    elif day > today:
        due_on = max(day - REMIND_BEFORE, today)
        Message.objects.create(appointment=appointment, kind=MessageKind.REMINDER, due_on=due_on)


def drop_messages(appointment: Appointment, *, by: User) -> None:
    Message.objects.filter(appointment=appointment, status=MessageStatus.WAITING).update(
        status=MessageStatus.VOID, settled_at=timezone.now(), settled_by=by
    )


def calls_to_make(day: dt.date) -> QuerySet[Message]:
    """Messages that are due on ``day`` or before, for visits that are still to come."""
    return (
        Message.objects.filter(
            status=MessageStatus.WAITING,
            due_on__lte=day,
            appointment__status=AppointmentStatus.BOOKED,
            appointment__starts_at__gte=timezone.now(),
        )
        .select_related("appointment__patient", "appointment__station", "appointment__doctor")
        .prefetch_related(*_calls_and_orders("appointment__"))
        .order_by("appointment__starts_at", "pk")
    )


def visits_to_call_back() -> QuerySet[Appointment]:
    """Who did not come or was cancelled, has no new date, and did not say that none is wanted."""
    waiting = Order.objects.filter(
        Q(status=OrderStatus.ORDERED) | Q(status=OrderStatus.SCHEDULED), appointment=OuterRef("pk")
    )
    later = Appointment.objects.filter(
        patient=OuterRef("patient"), kind=OuterRef("kind"), status__in=OCCUPYING, pk__gt=OuterRef("pk")
    )
    has_orders = Order.objects.filter(appointment=OuterRef("pk"))
    gave_up = Call.objects.filter(appointment=OuterRef("pk"), outcome=CallOutcome.DECLINED)
    return (
        Appointment.objects.filter(
            status__in=[AppointmentStatus.NO_SHOW, AppointmentStatus.CANCELLED],
            starts_at__gte=timezone.now() - CALL_BACK_FOR,
        )
        .filter(Exists(waiting) | (Q(is_walk_in=False) & ~Exists(has_orders) & ~Exists(later)))
        .exclude(Exists(gave_up))
        .exclude(Q(kind="imaging") & ~Exists(has_orders))
        .select_related("patient", "station", "doctor")
        .prefetch_related(*_calls_and_orders(""))
        .order_by("-starts_at", "-pk")
    )


@transaction.atomic
def record_call(appointment: Appointment, *, by: User, outcome: str, note: str = "") -> Call:
    """Note what came of a call. The visit is confirmed by it; what the patient does not want is cancelled."""
    if not by.can(Permission.APPOINTMENT_BOOK):
        raise NotAllowed(_("Your role does not include calling patients about their visits."))
    if outcome not in CallOutcome.values:
        raise InvalidInput(
            _("The outcome was read as “%(read)s”; accepted are %(accepted)s.")
            % {"read": outcome, "accepted": ", ".join(CallOutcome.values)},
            field="outcome",
        )
    appointment = Appointment.objects.select_for_update(no_key=True).get(pk=appointment.pk)
    if outcome == CallOutcome.CONFIRMED and appointment.status not in UNFINISHED:
        raise Conflict(
            _("The visit is “%(state)s”: it cannot be confirmed. Book another time.")
            % {"state": appointment.get_status_display()}
        )
    call = Call.objects.create(
        appointment=appointment, by=by, outcome=outcome, note=" ".join(note.split())[:200]
    )
    record(
        by=by,
        action="appointment.called",
        subject=appointment,
        patient=appointment.patient,
        changes={"outcome": [None, str(call.get_outcome_display())]},
        reason=call.note,
    )
    if outcome == CallOutcome.CONFIRMED:
        Appointment.objects.filter(pk=appointment.pk).update(confirmed_at=timezone.now())
    if outcome in _TELLS:
        Message.objects.filter(appointment=appointment, status=MessageStatus.WAITING).update(
            status=MessageStatus.DONE, settled_at=timezone.now(), settled_by=by
        )
    if outcome == CallOutcome.DECLINED:
        _give_up(appointment, by=by, reason=call.note or str(call.get_outcome_display()))
    announce("board", f"patient.{appointment.patient_id}")
    return call


def _give_up(appointment: Appointment, *, by: User, reason: str) -> None:
    """Nothing is left hanging: the visit that was to come and the orders without images are cancelled."""
    from .appointments import cancel_appointment
    from .orders import cancel_order

    if appointment.status == AppointmentStatus.BOOKED:
        cancel_appointment(appointment, by=by, reason=reason)
    if by.can(Permission.ORDER_CANCEL):
        for order in Order.objects.filter(appointment=appointment, status=OrderStatus.ORDERED).order_by("pk"):
            cancel_order(order, by=by, reason=reason)


def _calls_and_orders(prefix: str) -> list[Prefetch]:
    orders = Order.objects.exclude(status=OrderStatus.CANCELLED).select_related("procedure").order_by("pk")
    calls = Call.objects.select_related("by")
    return [Prefetch(f"{prefix}orders", orders), Prefetch(f"{prefix}calls", calls)]
