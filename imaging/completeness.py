"""When a study is complete: its machine says so and all images that it names are here, or no new image came
for the clinic's quiet time. A late image opens it again."""

import datetime as dt
from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from clinic.jobs import wake_at
from clinic.live import announce
from clinic.models import ClinicProfile, User
from scheduling.models import Order
from scheduling.services import mark_acquired

from .models import NOT_SERVED, Instance, PerformedStep, StepState, Study
from .performed_steps import adopt_steps

CLOSE = "imaging.tasks.mark_stable_studies"
# So that the study is quiet by the database's clock, too, when it is looked at.
_GRACE = dt.timedelta(seconds=0.2)
# A machine that forgot to say that it is done holds its study open no longer than this without an image.
STEP_PATIENCE = dt.timedelta(minutes=30)
# Images that a completed step names and that never came are not looked for longer than this.
_SETTLE_WITHIN = dt.timedelta(days=7)


def mark_stable_studies() -> None:
    """Close every quiet study; an order whose images are all here is acquired.

    Runs when the quiet time of the last image ends, and asks to be woken again while a study is open.
    """
    quiet = _quiet_time()
    by = User.objects.machine("worker")
    waiting = Study.objects.filter(stable_at=None, last_received_at__lte=timezone.now() - quiet)
    for pk in waiting.order_by("pk").values_list("pk", flat=True):
        _mark_stable(pk, quiet, by=by)
    fresh = Study.objects.filter(stable_at=None, last_received_at__gt=timezone.now() - quiet)
    first = fresh.order_by("last_received_at").first()
    if first is not None:
        wake_for([first])


def wake_for(studies: Collection[Study]) -> None:
    """Look again when the quiet time of ``studies`` ends, as far as nothing else comes."""
    due = min((study.last_received_at for study in studies), default=None)
    if due is not None:
        wake_at(CLOSE, max(due + _quiet_time(), timezone.now()) + _GRACE)


def _quiet_time() -> dt.timedelta:
    return dt.timedelta(seconds=ClinicProfile.get().quiet_seconds)


def settle_performed_steps() -> None:
    """Close the studies of completed steps whose images have all come, without waiting for the quiet time."""
    by = User.objects.machine("worker")
    adopt_steps(by=by)
    since = timezone.now() - _SETTLE_WITHIN
    steps = PerformedStep.objects.unsettled().filter(changed_at__gte=since)
    for pk in steps.order_by("pk").values_list("pk", flat=True):
        _settle(pk, by=by)


@transaction.atomic
def _mark_stable(pk: int, quiet: dt.timedelta, *, by: User) -> None:
    """Look again under the lock: an image may have come in between."""
    study = (
        Study.objects.select_for_update(of=("self",))
        .filter(pk=pk, stable_at=None, last_received_at__lte=timezone.now() - quiet)
        .select_related("order")
        .first()
    )
    if study is None:
        return
    states = _states_of_steps(study.order)
    if StepState.IN_PROGRESS in states and study.last_received_at > timezone.now() - STEP_PATIENCE:
        return
    _close(study, by=by, is_acquired=states != {StepState.DISCONTINUED})


@transaction.atomic
def _settle(pk: int, *, by: User) -> None:
    step = PerformedStep.objects.unsettled().select_for_update(of=("self",)).filter(pk=pk).first()
    if step is None:
        return
    orders = list(step.orders.order_by("pk"))
    if any(StepState.IN_PROGRESS in _states_of_steps(order) for order in orders):
        return
    if not step.instance_uids or missing_instances(step):
        return  # the quiet time decides
    for study in Study.objects.select_for_update(of=("self",)).filter(order__in=orders).order_by("pk"):
        _close(study, by=by, is_acquired=True)
    for order in orders:
        mark_acquired(order, by=by)
    PerformedStep.objects.filter(pk=step.pk).update(settled_at=timezone.now())


def missing_instances(step: PerformedStep) -> int:
    """How many of the objects that the machine says it made are not among its patient's images."""
    if not step.instance_uids:
        return 0
    here = Instance.objects.filter(sop_instance_uid__in=step.instance_uids)
    return len(step.instance_uids) - here.exclude(series__study__state__in=NOT_SERVED).count()


def _close(study: Study, *, by: User, is_acquired: bool) -> None:
    """Complete. What was only broken off is left to a person: it may be the wrong patient's entry."""
    study.stable_at = study.stable_at or timezone.now()
    study.save(update_fields=["stable_at"])
    announce(f"study.{study.pk}", "board")
    if study.order is not None:
        others = study.order.studies.filter(stable_at=None)
        if is_acquired and not others.exists():
            mark_acquired(study.order, by=by)
        announce(f"order.{study.order.pk}")


def _states_of_steps(order: Order | None) -> set[str]:
    """The states of all steps of ``order``; empty where its machine does not tell."""
    if order is None:
        return set()
    return set(order.performed_steps.values_list("state", flat=True))
