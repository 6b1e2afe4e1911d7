"""What happens to an order: placed, claimed, handed back, repeated, reported, cancelled."""

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.live import announce
from clinic.models import User
from clinic.permissions import Permission
from patients.models import Patient
from patients.records import hold_patient

from .models import FlowEvent, Order, Procedure, Referrer, SignatureRule, SignedModality
from .moves import (
    cancel_visit,
    changed_already,
    lock_visit,
    move_appointment,
    move_order,
    required_reason,
    settle_appointment,
)
from .numbers import next_accession_number
from .statuses import (
    BEFORE_SCAN,
    READABLE,
    UNFINISHED,
    AppointmentStatus,
    OrderStatus,
    Priority,
    RepeatReason,
)


@dataclass(frozen=True)
class NewReferrer:
    """A physician who is not in the list yet."""

    name: str
    clinic: str = ""
    phone: str = ""


@transaction.atomic
def place_order(
    patient: Patient,
    *,
    by: User,
    procedure: Procedure,
    indication: str,
    priority: str = Priority.ROUTINE,
    referrer: Referrer | NewReferrer | None = None,
) -> Order:
    """Order one procedure; its accession number and Study Instance UID are made here and stay."""
    if not by.can(Permission.ORDER_PLACE):
        raise NotAllowed(_("Your role does not include placing orders."))
    indication = indication.strip()
    if not indication:
        raise InvalidInput(_("The reason for the examination is missing."), field="indication")
    if priority not in Priority.values:
        raise InvalidInput(
            _("The priority was read as “%(read)s”; accepted are %(accepted)s.")
            % {"read": priority, "accepted": ", ".join(Priority.values)},
            field="priority",
        )
    if not procedure.is_active:
        raise InvalidInput(
            _("“%(name)s” is not offered any more.") % {"name": procedure.name}, field="procedure"
        )
    _require_current(patient)
    if isinstance(referrer, NewReferrer):
        referrer = add_referrer(by=by, name=referrer.name, clinic=referrer.clinic, phone=referrer.phone)
    order = Order.objects.create(
        accession_number=next_accession_number(),
        patient=patient,
        procedure=procedure,
        indication=indication,
        priority=priority,
        referrer=referrer,
        ordered_by=by,
        needs_signature=needs_signature(procedure),
    )
    FlowEvent.objects.create(by=by, order=order, to_status=order.status)
    record(
        by=by,
        action="order.placed",
        subject=order,
        patient=patient,
        changes={"procedure": [None, procedure.name], "priority": [None, str(priority)]},
    )
    if order.needs_signature and by.can(Permission.ORDER_SIGN):
        return sign_order(order, by=by)
    announce("board", f"order.{order.pk}", f"patient.{patient.pk}")
    return order


def needs_signature(procedure: Procedure) -> bool:
    """The clinic's policy: what the procedure says, or else what is said for its modality."""
    if procedure.signature == SignatureRule.BY_MODALITY:
        return SignedModality.objects.filter(modality=procedure.modality).exists()
    return procedure.signature == SignatureRule.ALWAYS


@transaction.atomic
def sign_order(order: Order, *, by: User) -> Order:
    """A clinician answers for the examination. Signing again changes nothing."""
    if not by.can(Permission.ORDER_SIGN):
        raise NotAllowed(_("Your role does not include signing orders."))
    now = timezone.now()
    if not Order.objects.to_sign().filter(pk=order.pk).update(signed_at=now, signed_by=by):
        order.refresh_from_db()
        if order.signed_at is None:
            raise changed_already(order)
        return order
    order.signed_at, order.signed_by = now, by
    record(by=by, action="order.signed", subject=order, patient=order.patient)
    announce("board", "reading", f"order.{order.pk}", f"patient.{order.patient_id}")
    return order


def _require_current(patient: Patient) -> None:
    """Whoever orders has looked at this record and not at the one that it became."""
    current = hold_patient(patient.pk)
    if current != patient:
        raise Conflict(
            _("This record was merged into %(patient)s. Place the order there.") % {"patient": current}
        )


@transaction.atomic
def add_referrer(*, by: User, name: str, clinic: str = "", phone: str = "") -> Referrer:
    """A new referrer, or the one that is in the list already under the same name and clinic."""
    if not by.can(Permission.ORDER_PLACE):
        raise NotAllowed(_("Your role does not include adding referrers."))
    name, clinic = " ".join(name.split()), " ".join(clinic.split())
    if not name:
        raise InvalidInput(_("The referrer's name is missing."), field="referrer")
    known = Referrer.objects.filter(name__iexact=name, clinic__iexact=clinic, is_active=True).first()
    if known is not None:
        return known
    referrer = Referrer.objects.create(name=name, clinic=clinic, phone=phone)
    record(by=by, action="referrer.added", subject=referrer)
    return referrer


@transaction.atomic
def cancel_order(order: Order, *, by: User, reason: str) -> Order:
    """Cancel; when nothing is left to do in its appointment, that is cancelled too."""
    reason = required_reason(reason)
    appointment = lock_visit(order)
    move_order(
        order, OrderStatus.CANCELLED, by=by, action="order.cancelled", reason=reason, cancel_reason=reason
    )
    settle_appointment(appointment, by=by, reason=reason)
    return order


@transaction.atomic
def unschedule_order(order: Order, *, by: User, reason: str) -> Order:
    """Take the order off its appointment, so that it can be booked for another time."""
    reason = required_reason(reason)
    appointment = lock_visit(order)
    move_order(
        order,
        OrderStatus.ORDERED,
        by=by,
        action="order.unscheduled",
        reason=reason,
        appointment=None,
    )
    if appointment is not None and appointment.status in UNFINISHED and not appointment.orders.exists():
        cancel_visit(appointment, by=by, reason=reason, follows=True)
    settle_appointment(appointment, by=by, reason=reason)
    return order


@transaction.atomic
def claim_order(order: Order, *, by: User) -> Order:
    """Take a study to read it. Of two who try at once exactly one gets it; claiming twice changes nothing."""
    if order.status == OrderStatus.READING and order.reader_id == by.pk:
        return order
    try:
        move_order(order, OrderStatus.READING, by=by, action="order.claimed", reader=by)
    except Conflict:
        order.refresh_from_db()
        if order.status == OrderStatus.READING and order.reader is not None:
            raise Conflict(
                _("%(reader)s is reading this study already. Choose another one.") % {"reader": order.reader}
            ) from None
        raise changed_already(order) from None
    return order


@transaction.atomic
def hand_back_order(order: Order, *, by: User, reason: str = "") -> Order:
    """Put a claimed study back into everyone's list. Taking it from somebody else needs a reason."""
    if order.reader_id != by.pk:
        reason = required_reason(reason)
    move_order(
        order, OrderStatus.ACQUIRED, by=by, action="order.handed_back", reason=reason.strip(), reader=None
    )
    return order


@transaction.atomic
def request_repeat(order: Order, *, by: User, reason: str, reason_code: str) -> Order:
    """Images are taken again: the patient is in the room once more. The reason feeds the repeat figures."""
    if reason_code not in RepeatReason.values:
        raise InvalidInput(
            _("The kind of reason was read as “%(read)s”; accepted are %(accepted)s.")
            % {"read": reason_code, "accepted": ", ".join(RepeatReason.values)},
            field="reason_code",
        )
    reason = required_reason(reason or str(RepeatReason(reason_code).label))
    appointment = lock_visit(order)
    move_order(
        order,
        OrderStatus.SCHEDULED,
        by=by,
        action="order.repeat_requested",
        reason=reason,
        reason_code=reason_code,
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
    return order


@transaction.atomic
def note_images_arrived(order: Order, *, by: User, count: int | None = None) -> None:
    """Images of this order came in: the patient is being examined, and open pages count them.

    ``count`` is how many there are now in all; without it the machine has only begun.
    Never fails for what the desk has or has not noted: images count, also early, late and unasked ones.
    """
    if Order.objects.filter(pk=order.pk, appointment__status__in=BEFORE_SCAN).exists():
        appointment = lock_visit(order)
        order.refresh_from_db(fields=["status"])
        if (
            appointment is not None
            and appointment.status in BEFORE_SCAN
            and order.status == OrderStatus.SCHEDULED
        ):
            move_appointment(
                appointment, AppointmentStatus.IN_SCAN, by=by, action="appointment.started", follows=True
            )
    if count is not None and order.image_count != count:
        Order.objects.filter(pk=order.pk).update(image_count=count)
        order.image_count = count
        announce("board", *(["reading"] if order.status in READABLE else []))
    announce(f"order.{order.pk}")


@transaction.atomic
def mark_acquired(order: Order, *, by: User) -> Order:
    """All images are here (stable study, MPPS completed); an order further on, or cancelled, stays."""
    appointment = lock_visit(order)
    order.refresh_from_db()
    if order.status in {OrderStatus.ORDERED, OrderStatus.SCHEDULED}:
        move_order(order, OrderStatus.ACQUIRED, by=by, action="order.acquired", acquired_at=timezone.now())
        settle_appointment(appointment, by=by)
    return order


@transaction.atomic
def mark_reported(order: Order, *, by: User) -> Order:
    """The report is signed: the order is reported, and the visit completed once every order of it is."""
    appointment = lock_visit(order)
    move_order(order, OrderStatus.REPORTED, by=by, action="order.reported", reported_at=timezone.now())
    settle_appointment(appointment, by=by)
    return order


@transaction.atomic
def mark_released(order: Order, *, by: User) -> Order:
    """The result left the clinic. Handing it out again changes nothing."""
    order.refresh_from_db()
    if order.status != OrderStatus.RELEASED:
        move_order(order, OrderStatus.RELEASED, by=by, action="order.released", released_at=timezone.now())
    return order
