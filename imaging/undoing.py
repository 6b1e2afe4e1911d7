"""Taking back what was decided about a held study, as long as no report was signed on it."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict
from clinic.models import User
from patients.records import hold_patient
from scheduling.services import note_images_arrived, place_order, reassign_order
from scheduling.statuses import OrderStatus

from .decisions import SIGNED, announce_decision, let_close_again, take_away, write_study
from .models import Study, StudyDecision


@transaction.atomic
def undo_decision(decision: StudyDecision, *, by: User) -> Study:
    """Everything about the study as it was before, unless a report was signed since or more was decided."""
    owner_pk = decision.before["patient_id"]
    owner = hold_patient(owner_pk) if owner_pk is not None else None
    study = Study.objects.select_for_update(of=("self",)).select_related("order").get(pk=decision.study_id)
    decision = StudyDecision.objects.select_for_update().get(pk=decision.pk)
    _refuse_undo(decision, study)
    before = decision.before | {"patient_id": owner.pk if owner is not None else None}
    order = study.order
    changed = write_study(study, before)
    decision.undone_at, decision.undone_by = timezone.now(), by
    decision.save(update_fields=["undone_at", "undone_by"])
    words = _("Taken back: %(kind)s") % {"kind": decision.get_kind_display()}
    if order is not None and owner is not None and decision.moved_order:
        reassign_order(order, owner, by=by, reason=words)
    elif order is not None:
        take_away(order, study, by=by, reason=words, made=decision.made_order, was=decision.order_status)
    if study.order is not None and study.order.status == OrderStatus.CANCELLED:
        _order_again(study, by=by)
    record(by=by, action="study.undone", subject=study, patient=decision.patient, changes=changed)
    announce_decision(study, decision)
    return study


def _refuse_undo(decision: StudyDecision, study: Study) -> None:
    if decision.undone_at is not None:
        raise Conflict(_("This decision was taken back already."))
    if StudyDecision.objects.filter(study=study, undone_at=None, pk__gt=decision.pk).exists():
        raise Conflict(_("More was decided about these images since: take that back first."))
    order = study.order
    if order is None or order.status not in SIGNED:
        return
    if order.reported_at is None or order.reported_at >= decision.at:
        raise Conflict(
            _(
                "The report of order %(number)s was signed on these images: the decision stays. "
                "Write an addendum to the report."
            )
            % {"number": order.accession_number}
        )


def _order_again(study: Study, *, by: User) -> None:
    """The placeholder's order was withdrawn meanwhile and cannot come back: one like it takes its place."""
    old = study.order
    assert old is not None
    assert study.patient is not None
    order = place_order(
        study.patient, by=by, procedure=old.procedure, indication=old.indication, priority=old.priority
    )
    write_study(study, {"order_id": order.pk})
    note_images_arrived(order, by=by, count=order.studies.image_total())
    let_close_again(study)
