"""What machines tell about their examinations (MPPS): kept as told, linked to the orders, and followed.

A machine is never refused because of a rule of the clinic. Where an order cannot follow (it is cancelled,
the patient did not come) that is noted with the step; where the machine names an order but another patient,
no order is touched and a person is asked.
"""

from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, DomainError, InvalidInput, NotFound
from clinic.jobs import enqueue_once
from clinic.live import announce
from clinic.models import User
from scheduling.models import Order
from scheduling.services import note_step_discontinued, note_step_started

from .identity import Identity, differences
from .models import PerformedStep, StepState, Study
from .step_facts import Attributes, Scheduled, StepFacts, read_facts

SETTLE = "imaging.tasks.settle_performed_steps"
REASON_LENGTH = 300
# Set at creation and never changed by the machine (PS3.4 Table F.7.2-1: "not allowed" in N-SET).
_FIXED = {
    "00400270", "00100010", "00100020", "00100021", "00100030", "00100040",
    "00400253", "00400241", "00400244", "00400245", "00080060",
}  # fmt: skip


class DuplicateStep(Conflict):
    """There is a step with this UID already."""


class StepIsFinal(Conflict):
    """A step that was completed or broken off does not change any more."""


class MissingAttributes(InvalidInput):
    """A final state without what it needs; ``str()`` names them."""


@transaction.atomic
def create_step(
    sop_instance_uid: str, attributes: Attributes, *, by: User, source: str, address: str
) -> PerformedStep:
    """A machine has begun (N-CREATE). The orders that it names are followed."""
    facts = read_facts(attributes)
    orders, reason = _orders_of(facts)
    first = facts.scheduled[0] if facts.scheduled else Scheduled("", "", "")
    step, is_new = PerformedStep.objects.get_or_create(
        sop_instance_uid=sop_instance_uid,
        defaults={
            "source_ae_title": source,
            "source_address": address,
            "study_instance_uid": first.study_instance_uid[:64],
            "accession_number": (first.accession_number or first.step_id)[:64],
            "patient_id": facts.identity.patient_id,
            "issuer": facts.identity.issuer,
            "patient_name": facts.identity.name,
            "birth_date": facts.identity.birth_date,
            "sex": facts.identity.sex,
            "started_at": facts.started_at or timezone.now(),
            "unlinked_reason": reason[:300],
            "attributes": attributes,
            **_told(facts),
        },
    )
    if not is_new:
        raise DuplicateStep(_("This examination step was announced already."))
    step.orders.set(orders)
    record(
        by=by,
        action="step.started",
        subject=step,
        patient=orders[0].patient if orders else None,
        changes={"orders": [None, [order.accession_number for order in orders]]},
        reason=reason,
        address=address,
    )
    _follow(step, orders, by=by)
    _announce(step)
    return step


@transaction.atomic
def update_step(sop_instance_uid: str, attributes: Attributes, *, by: User, address: str) -> PerformedStep:
    """The machine goes on, completes or breaks off (N-SET). ``attributes`` replace those told before."""
    step = PerformedStep.objects.select_for_update().filter(sop_instance_uid=sop_instance_uid).first()
    if step is None:
        raise NotFound(_("No examination step with this UID was announced."))
    if step.state != StepState.IN_PROGRESS:
        raise StepIsFinal(_("Performed Procedure Step Object may no longer be updated"))
    step.attributes |= {tag: element for tag, element in attributes.items() if tag not in _FIXED}
    facts = read_facts(step.attributes)
    for name, value in _told(facts).items():
        setattr(step, name, value)
    step.state = _STATES[facts.status]
    if step.state != StepState.IN_PROGRESS:
        if facts.missing:
            raise MissingAttributes(", ".join(facts.missing))
        step.ended_at = facts.ended_at or timezone.now()
    step.save()
    if step.state != StepState.IN_PROGRESS:
        _finish(step, by=by, address=address)
    _announce(step)
    return step


def unlinked_steps() -> QuerySet[PerformedStep]:
    """Steps that a person should link, newest first."""
    return PerformedStep.objects.unlinked().order_by("-started_at", "-pk")


@transaction.atomic
def link_step(step: PerformedStep, *, by: User, number: str, reason: str = "") -> PerformedStep:
    """A person says which order it was. Against another patient's name it needs a reason."""
    step = _locked_unlinked(step)
    order = Order.objects.numbered(number).select_related("patient", "procedure").first()
    if order is None:
        raise NotFound(_("No order has the number “%(number)s”.") % {"number": number.strip()[:64]})
    reason = " ".join(reason.split())[:REASON_LENGTH]
    found = differences(identity_of(step), order.patient)
    if found and not reason:
        raise InvalidInput(
            _("The machine names another patient than order %(number)s (%(patient)s). Say why it fits.")
            % {"number": order.accession_number, "patient": order.patient},
            field="reason",
        )
    step.orders.set([order])
    record(by=by, action="step.linked", subject=step, patient=order.patient, changes=found, reason=reason)
    _follow(step, [order], by=by)
    _announce(step)
    return step


@transaction.atomic
def dismiss_step(step: PerformedStep, *, by: User) -> PerformedStep:
    """A person says that it belongs to no order (a test of the machine)."""
    step = _locked_unlinked(step)
    step.dismissed_by = by
    step.save(update_fields=["dismissed_by"])
    record(by=by, action="step.dismissed", subject=step)
    _announce(step)
    return step


@transaction.atomic
def adopt_steps(*, by: User) -> None:
    """Steps go with the images of their study: where these were linked, and the step names the same patient
    or a person has decided about the images."""
    studies = Study.objects.filter(study_instance_uid=OuterRef("study_instance_uid")).exclude(order=None)
    waiting = PerformedStep.objects.unlinked().filter(Exists(studies))
    for step in waiting.select_for_update(of=("self",), skip_locked=True):
        study = Study.objects.select_related("order__patient").get(study_instance_uid=step.study_instance_uid)
        order = study.order
        if order is None or (study.resolved_by_id is None and differences(identity_of(step), order.patient)):
            continue
        step.orders.set([order])
        record(by=by, action="step.linked", subject=step, patient=order.patient)
        _follow(step, [order], by=by)
        _announce(step)


def identity_of(step: PerformedStep) -> Identity:
    return Identity(
        patient_id=step.patient_id,
        issuer=step.issuer,
        name=step.patient_name,
        birth_date=step.birth_date,
        sex=step.sex,
    )


# --- inside -------------------------------------------------------------------------------------------

_STATES = {
    "IN PROGRESS": StepState.IN_PROGRESS,
    "COMPLETED": StepState.COMPLETED,
    "DISCONTINUED": StepState.DISCONTINUED,
}
STATUSES = frozenset(_STATES)


def _told(facts: StepFacts) -> dict[str, Any]:
    """What each message may bring anew."""
    return {
        **facts.texts,
        "discontinuation_reason": facts.reason,
        "discontinuation_code": facts.reason_code,
        "instance_uids": facts.instance_uids,
        "dose": facts.dose,
    }


def _orders_of(facts: StepFacts) -> tuple[list[Order], str]:
    """The orders that the machine names, if every one is of the patient whom it names; else why not."""
    orders: dict[int, Order] = {}
    for scheduled in facts.scheduled:
        found = _named(scheduled)
        if len(found) > 1:
            numbers = ", ".join(order.accession_number for order in found)
            return [], _("The machine names several orders for one thing: %(numbers)s.") % {
                "numbers": numbers
            }
        orders |= {order.pk: order for order in found}
    for order in orders.values():
        if differences(facts.identity, order.patient):
            return [], _("The machine names another patient than order %(number)s.") % {
                "number": order.accession_number
            }
    return list(orders.values()), "" if orders else _("The machine names no order of this clinic.")


def _named(scheduled: Scheduled) -> list[Order]:
    """By Study UID and by accession number, which have to agree; else by the step's own number."""
    orders = Order.objects.select_related("patient", "procedure")
    found: dict[int, Order] = {}
    if scheduled.study_instance_uid:
        found |= {order.pk: order for order in orders.filter(study_instance_uid=scheduled.study_instance_uid)}
    if scheduled.accession_number:
        found |= {
            order.pk: order for order in orders.filter(accession_number__iexact=scheduled.accession_number)
        }
    if not found and scheduled.step_id:
        found |= {order.pk: order for order in orders.filter(accession_number__iexact=scheduled.step_id)}
    return list(found.values())


def _follow(step: PerformedStep, orders: list[Order], *, by: User) -> None:
    """Let the orders follow the step, as far as it has come."""
    for order in orders:
        try:
            with transaction.atomic():
                _follow_one(step, order, by=by)
        except DomainError as error:
            _note(step, str(error))
    if step.state == StepState.COMPLETED and orders:
        enqueue_once(SETTLE)


def _follow_one(step: PerformedStep, order: Order, *, by: User) -> None:
    if step.state != StepState.DISCONTINUED:
        _note(step, note_step_started(order, by=by) if step.state == StepState.IN_PROGRESS else "")
        return
    note_step_discontinued(
        order,
        by=by,
        reason=step.discontinuation_reason or _("The machine gave no reason."),
        reason_code=step.discontinuation_code,
    )


def _finish(step: PerformedStep, *, by: User, address: str) -> None:
    orders = list(step.orders.select_related("patient"))
    record(
        by=by,
        action=f"step.{step.state}",
        subject=step,
        patient=orders[0].patient if orders else None,
        changes={"images": [None, len(step.instance_uids)]},
        reason=step.discontinuation_reason,
        address=address,
    )
    _follow(step, orders, by=by)


def _note(step: PerformedStep, text: str) -> None:
    if text:
        step.note = text[:300]
        step.save(update_fields=["note"])


def _locked_unlinked(step: PerformedStep) -> PerformedStep:
    step = PerformedStep.objects.select_for_update().get(pk=step.pk)
    if step.dismissed_by is not None or step.orders.exists():
        raise Conflict(_("Somebody else has decided already about this examination."))
    return step


def _announce(step: PerformedStep) -> None:
    orders = step.orders.values_list("pk", flat=True)
    announce("held", "board", *(f"order.{pk}" for pk in orders))
