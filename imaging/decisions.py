"""What a person decides about a held study; ``undoing.py`` takes it back.

A decision is remembered with the study, so the objects of it that come later follow. What was received stays
as it was received; the decided identity is put on when objects leave (``outgoing.py``).
"""

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.live import announce
from clinic.models import User
from clinic.permissions import Permission
from patients.models import Patient
from patients.records import hold_patient
from patients.services import register_patient
from scheduling.models import Order, Procedure, Referrer
from scheduling.orders import NewReferrer
from scheduling.services import (
    note_images_arrived,
    note_images_left,
    place_order,
    reassign_order,
    withdraw_order,
)
from scheduling.statuses import OrderStatus, Priority

from .completeness import wake_for
from .held import Target, target_order, target_patient
from .identity import Identity
from .models import UNDECIDED, DecisionKind, Study, StudyDecision, StudyState

REASON_LENGTH = 300
SIGNED = {OrderStatus.REPORTED, OrderStatus.RELEASED}
_BEFORE = ("state", "patient_id", "order_id", "differences", "resolved_by_id")


@transaction.atomic
def resolve_held_study(
    study: Study, *, by: User, order: Order | None = None, patient: Patient | None = None, reason: str = ""
) -> Study:
    """A person says whose these images are: with ``order``, or with ``patient`` without an order.

    Against a difference it needs a reason. The order that was made for an unknown patient goes along to the
    patient, with its report; another order takes its place when that is chosen.
    """
    if (order is None) == (patient is None):
        raise TypeError("either an order or a patient")
    owner = hold_patient(order.patient_id if order is not None else patient.pk)  # type: ignore[union-attr]
    study = _locked(study)
    target = _target(study, order, owner)
    reason = checked_reason(reason, needed=bool(target.differences))
    if order is None and study.state == StudyState.UNKNOWN and study.order is not None:
        return _identify(study, target, by=by, reason=reason)
    kind = DecisionKind.ORDER if target.order is not None else DecisionKind.PATIENT
    return _decide(study, kind, target, by=by, reason=reason)


@transaction.atomic
def file_with_new_order(
    study: Study,
    *,
    by: User,
    patient: Patient,
    procedure: Procedure,
    indication: str = "",
    priority: str = Priority.ROUTINE,
    referrer: Referrer | NewReferrer | None = None,
    reason: str = "",
) -> Study:
    """Images that came without an order get one, of ``patient``; it is acquired when they are complete."""
    owner = hold_patient(patient.pk)
    study = _locked(study)
    target = target_patient(study, owner)
    reason = checked_reason(reason, needed=bool(target.differences))
    order = place_order(
        owner,
        by=by,
        procedure=procedure,
        indication=indication.strip() or default_indication(study),
        priority=priority,
        referrer=referrer,
    )
    target = Target(owner, order, target.differences)
    return _decide(study, DecisionKind.NEW_ORDER, target, by=by, reason=reason, made_order=True)


@transaction.atomic
def file_with_new_patient(
    study: Study,
    *,
    by: User,
    procedure: Procedure | None = None,
    indication: str = "",
    priority: str = Priority.ROUTINE,
    referrer: Referrer | NewReferrer | None = None,
    **fields: Any,
) -> Study:
    """Register the person whom the images show, place an order if ``procedure`` is known, and file them.

    ``fields`` are those of ``register_patient``; a number of another clinic in the images is kept, too.
    """
    if not by.can(Permission.PATIENT_EDIT):
        raise NotAllowed(_("Your role does not include registering patients. Ask the front desk."))
    study = _locked(study)
    told = Identity.of_study(study)
    is_foreign = bool(told.patient_id.strip()) and not told.is_of_this_clinic
    others = [(told.issuer, told.patient_id)] if is_foreign else []
    patient = register_patient(by=by, identifiers=others, **fields)
    target = target_patient(study, patient)
    reason = _("Registered from these images") if target.differences else ""
    if study.state == StudyState.UNKNOWN:
        return _identify(study, target, by=by, reason=reason)
    if procedure is None:
        return _decide(study, DecisionKind.PATIENT, target, by=by, reason=reason)
    indication = indication.strip() or default_indication(study)
    order = place_order(
        patient, by=by, procedure=procedure, indication=indication, priority=priority, referrer=referrer
    )
    target = Target(patient, order, target.differences)
    return _decide(study, DecisionKind.NEW_ORDER, target, by=by, reason=reason, made_order=True)


@transaction.atomic
def file_as_unknown(
    study: Study,
    *,
    by: User,
    procedure: Procedure,
    indication: str = "",
    priority: str = Priority.STAT,
    referrer: Referrer | NewReferrer | None = None,
) -> Study:
    """Let the images be read now, as those of a placeholder, until it is known whose they are."""
    study = _locked(study)
    if study.state == StudyState.UNKNOWN:
        raise Conflict(_("These images can be read already, under a placeholder."))
    placeholder = _register_placeholder(study, by=by)
    indication = indication.strip() or _("Emergency: the patient is not known yet")
    order = place_order(
        placeholder, by=by, procedure=procedure, indication=indication, priority=priority, referrer=referrer
    )
    target = Target(placeholder, order, target_patient(study, placeholder).differences)
    return _decide(study, DecisionKind.UNKNOWN, target, by=by, made_order=True)


@transaction.atomic
def discard_study(study: Study, *, by: User, reason: str) -> Study:
    """Nobody's images (a test of the machine): served to nobody, kept on the disk, back with one undo."""
    reason = checked_reason(reason, needed=False)
    if not reason:
        raise InvalidInput(_("Say why these images are discarded, in a few words."), field="reason")
    return _decide(_locked(study), DecisionKind.DISCARDED, None, by=by, reason=reason)


def checked_reason(reason: str, *, needed: bool) -> str:
    reason = " ".join(reason.replace("\0", "").split())
    if needed and not reason:
        raise InvalidInput(
            _("The images name somebody else. Say in a few words why they belong here."), field="reason"
        )
    if len(reason) > REASON_LENGTH:
        raise InvalidInput(
            _("The reason has %(length)d characters; at most %(most)d are kept. Shorten it.")
            % {"length": len(reason), "most": REASON_LENGTH},
            field="reason",
        )
    return reason


def default_indication(study: Study) -> str:
    """What an order says that was made for images which came without one."""
    if study.source_ae_title:
        return _("Images came from %(machine)s without an order") % {"machine": study.source_ae_title}
    return _("Images came without an order")


# --- inside -------------------------------------------------------------------------------------------


def _locked(study: Study) -> Study:
    study = Study.objects.select_for_update(of=("self",)).select_related("order").get(pk=study.pk)
    if study.state not in UNDECIDED:
        raise Conflict(_("Somebody else has decided already: these images are no longer held."))
    return study


def _target(study: Study, order: Order | None, owner: Patient) -> Target:
    if order is None:
        return target_patient(study, owner)
    order = Order.objects.select_for_update(of=("self",)).select_related("patient").get(pk=order.pk)
    target = target_order(study, order)
    if target.refusal:
        raise Conflict(target.refusal)
    return target


def _decide(
    study: Study,
    kind: DecisionKind,
    target: Target | None,
    *,
    by: User,
    reason: str = "",
    made_order: bool = False,
) -> Study:
    """Write the decision and what follows from it; ``target`` None is nobody."""
    previous = study.order
    _refuse_signed(previous)
    order, patient = (target.order, target.patient) if target is not None else (None, None)
    decision = StudyDecision(
        study=study, kind=kind, by=by, reason=reason, patient=patient, order=order, made_order=made_order
    )
    decision.order_status = order.status if order is not None else ""
    decision.before = {name: getattr(study, name) for name in _BEFORE}
    decision.save()
    changed = write_study(
        study,
        {
            "state": _state(kind, order),
            "patient_id": patient.pk if patient else None,
            "order_id": order.pk if order else None,
            "differences": target.differences if target is not None else {},
            "resolved_by_id": by.pk,
        },
    )
    _record(decision, changed, target, by=by)
    if previous is not None and previous != order:
        take_away(previous, study, by=by, reason=str(decision.get_kind_display()), made=True, was="")
    if order is not None:
        note_images_arrived(order, by=by, count=order.studies.image_total())
    let_close_again(study)
    announce_decision(study, decision)
    return study


def _identify(study: Study, target: Target, *, by: User, reason: str) -> Study:
    """The placeholder's order, with its report, goes to the patient whose images these turned out to be."""
    order = study.order
    assert order is not None
    decision = StudyDecision.objects.create(
        study=study,
        kind=DecisionKind.PATIENT,
        by=by,
        reason=reason,
        patient=target.patient,
        order=order,
        order_status=order.status,
        moved_order=True,
        before={name: getattr(study, name) for name in _BEFORE},
    )
    words = reason or _("It is known now whose the images are.")
    reassign_order(order, target.patient, by=by, reason=words)
    changed = write_study(
        study,
        {
            "state": StudyState.LINKED,
            "patient_id": target.patient.pk,
            "differences": target.differences,
            "resolved_by_id": by.pk,
        },
    )
    _record(decision, changed, target, by=by)
    announce_decision(study, decision)
    return study


def _state(kind: DecisionKind, order: Order | None) -> StudyState:
    if kind == DecisionKind.DISCARDED:
        return StudyState.DISCARDED
    if kind == DecisionKind.UNKNOWN:
        return StudyState.UNKNOWN
    return StudyState.LINKED if order is not None else StudyState.FILED


def write_study(study: Study, values: dict[str, Any]) -> dict[str, Any]:
    """Set the columns; what changed, as the trail keeps it."""
    old = {"state": study.state, "patient": study.patient, "order": study.order}
    for name, value in values.items():
        setattr(study, name, value)
    study.save(update_fields=[name.removesuffix("_id") for name in values])
    new = {"state": study.state, "patient": study.patient, "order": study.order}
    changed = {name: [_named(old[name]), _named(new[name])] for name in new if old[name] != new[name]}
    return changed


def _named(value: Any) -> str | None:
    if isinstance(value, Order):
        return value.accession_number
    return str(value) if value is not None else None


def _record(decision: StudyDecision, changed: dict[str, Any], target: Target | None, *, by: User) -> None:
    actions = {DecisionKind.UNKNOWN: "study.unknown", DecisionKind.DISCARDED: "study.discarded"}
    record(
        by=by,
        action=actions.get(DecisionKind(decision.kind), "study.resolved"),
        subject=decision.study,
        patient=decision.patient,
        changes=changed | (target.differences if target is not None else {}),
        reason=decision.reason,
    )


def take_away(order: Order, study: Study, *, by: User, reason: str, made: bool, was: str) -> None:
    """The images leave ``order``: one made for them alone ends; one acquired by them waits again."""
    left = order.studies.exclude(pk=study.pk)
    if left.exists():
        note_images_arrived(order, by=by, count=left.image_total())
    elif made:
        withdraw_order(order, by=by, reason=reason)
    else:
        had_images_before = was in {OrderStatus.ACQUIRED, OrderStatus.READING, *SIGNED}
        note_images_left(order, by=by, reason=reason, waits=not had_images_before)


def _refuse_signed(previous: Order | None) -> None:
    """A signed report of a placeholder's order stays with its images."""
    if previous is not None and previous.status in SIGNED:
        raise Conflict(
            _(
                "The report of order %(number)s is signed on these images. Choose the patient: "
                "the order and its report go along."
            )
            % {"number": previous.accession_number}
        )


def _register_placeholder(study: Study, *, by: User) -> Patient:
    """A record that nobody takes for a person's: it says that it is not known who this is."""
    taken = timezone.localtime(study.performed_at or study.first_received_at)
    when = date_format(taken, "j M Y H:i")
    return register_patient(
        by=by,
        family_name=_("Unknown"),
        given_name=f"{'/'.join(study.modalities)} {when}".strip()[:64],
        alerts=_("Not identified yet: a placeholder for images of an unknown patient."),
        duplicate_reason=_("A placeholder for images of an unknown patient"),
    )


def let_close_again(study: Study) -> None:
    """The order is acquired when its study is found quiet; one quiet while held is looked at again."""
    Study.objects.filter(pk=study.pk).update(stable_at=None)
    wake_for([study])


def announce_decision(study: Study, decision: StudyDecision) -> None:
    topics = ["held", "board", f"study.{study.pk}"]
    patients = {study.patient_id, decision.patient_id, decision.before.get("patient_id")}
    orders = {study.order_id, study.candidate_order_id, decision.order_id, decision.before.get("order_id")}
    topics += [f"patient.{pk}" for pk in sorted(patients - {None})]
    topics += [f"order.{pk}" for pk in sorted(orders - {None})]
    announce(*topics)
