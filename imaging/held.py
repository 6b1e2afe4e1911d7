"""Held studies: what differs, and the decision of a person whose images they are."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, InvalidInput, NotFound
from clinic.live import announce
from clinic.models import User
from patients.models import Patient
from patients.numbers import number_key
from patients.records import hold_patient, resolve_patient_by_number
from scheduling.models import Order
from scheduling.services import note_images_arrived

from .identity import Differences, Identity, differences
from .linking import refusal_of
from .models import Instance, Study, StudyState

REASON_LENGTH = 300


@dataclass(frozen=True)
class Target:
    """Where a held study could go. ``refusal`` says why it cannot."""

    patient: Patient
    order: Order | None
    differences: Differences
    refusal: str = ""


def held_studies(user: User) -> QuerySet[Study]:
    """Oldest first, with what the list shows."""
    drawn = Instance.objects.filter(series__study=OuterRef("pk"), thumbnail__gt="")
    return (
        Study.objects.visible_to(user)
        .held()
        .select_related("candidate_order__patient", "candidate_order__procedure", "candidate_order__study")
        .prefetch_related("candidate_order__patient__aliases", "candidate_order__patient__other_names")
        .annotate(has_picture=Exists(drawn))
        .order_by("first_received_at", "pk")
    )


def default_targets(studies: list[Study]) -> dict[int, Target]:
    """By study: the order that the images point at, else the patient whose number they carry."""
    keys = {study.pk: number_key(study.received_patient_id) for study in studies}
    named = Patient.objects.filter(mrn_key__in=set(keys.values()) - {""}).resolved()
    patients = {
        record.mrn_key: patient
        for patient in named.prefetch_related("aliases", "other_names")
        for record in (patient, *patient.aliases.all())
    }
    targets = {}
    for study in studies:
        if study.candidate_order is not None:
            targets[study.pk] = target_order(study, study.candidate_order)
        elif keys[study.pk] in patients:
            targets[study.pk] = target_patient(study, patients[keys[study.pk]])
    return targets


def find_target(study: Study, text: str) -> Target:
    """The order with this accession number, else the patient with this number."""
    text = text.strip()
    order = Order.objects.filter(accession_number__iexact=text).select_related("patient", "procedure").first()
    if order is not None:
        return target_order(study, order)
    patient = resolve_patient_by_number(text)
    if patient is None:
        raise NotFound(
            _("“%(text)s” is neither an accession number nor a patient number.") % {"text": text[:64]}
        )
    return target_patient(study, patient)


def target_order(study: Study, order: Order) -> Target:
    return Target(
        order.patient, order, differences(Identity.of_study(study), order.patient), refusal_of(order)
    )


def target_patient(study: Study, patient: Patient) -> Target:
    return Target(patient, None, differences(Identity.of_study(study), patient))


@transaction.atomic
def resolve_held_study(
    study: Study, *, by: User, order: Order | None = None, patient: Patient | None = None, reason: str = ""
) -> Study:
    """A person says whose these images are: with ``order``, or with ``patient`` without an order.

    Against a difference it needs a reason. What was received stays as it is; the decision holds for the
    objects of this study that come later.
    """
    # The record before what belongs to it, as a merge does; who is chosen here may have become another.
    if order is not None:
        hold_patient(order.patient_id)
    elif patient is not None:
        patient = hold_patient(patient.pk)
    study = Study.objects.select_for_update(of=("self",)).get(pk=study.pk)
    if study.state != StudyState.HELD:
        raise Conflict(_("Somebody else has decided already: these images are no longer held."))
    target = _checked_target(study, order, patient)
    reason = _checked_reason(reason, needed=bool(target.differences))
    study.order, study.patient = target.order, target.patient
    study.state = StudyState.LINKED if target.order is not None else StudyState.FILED
    study.differences = target.differences
    study.resolved_by = by
    try:
        with transaction.atomic():
            study.save(update_fields=["order", "patient", "state", "differences", "resolved_by"])
    except IntegrityError:
        raise Conflict(_("This order has just got other images; look again.")) from None
    record(
        by=by,
        action="study.resolved",
        subject=study,
        patient=study.patient,
        changes={
            "state": [StudyState.HELD, study.state],
            "order": [None, target.order.accession_number if target.order else None],
            **target.differences,
        },
        reason=reason,
    )
    _announce(study)
    if target.order is not None:
        note_images_arrived(target.order, by=by, count=study.instance_count)
        _let_close_again(study)
    return study


def _checked_target(study: Study, order: Order | None, patient: Patient | None) -> Target:
    if (order is None) == (patient is None):
        raise TypeError("either an order or a patient")
    if order is None:
        assert patient is not None
        return target_patient(study, patient)
    order = Order.objects.select_for_update(of=("self",)).select_related("patient").get(pk=order.pk)
    target = target_order(study, order)
    if target.refusal:
        raise Conflict(target.refusal)
    return target


def _checked_reason(reason: str, *, needed: bool) -> str:
    reason = " ".join(reason.split())
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


def _let_close_again(study: Study) -> None:
    """The order is acquired when its study is found quiet; one quiet while held is looked at again."""
    Study.objects.filter(pk=study.pk).update(stable_at=None)


def _announce(study: Study) -> None:
    topics = ["held", "board", f"study.{study.pk}", f"patient.{study.patient_id}"]
    for order_pk in {study.order_id, study.candidate_order_id} - {None}:
        topics.append(f"order.{order_pk}")
    announce(*topics)
