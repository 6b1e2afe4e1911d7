"""When a study is complete: no new image for the clinic's quiet time. A late image opens it again."""

import datetime as dt

from django.db import transaction
from django.utils import timezone

from clinic.live import announce
from clinic.models import ClinicProfile, User
from scheduling.services import mark_acquired

from .models import Study


def mark_stable_studies() -> None:
    """Close every quiet study; an order whose images are all here is acquired."""
    quiet = dt.timedelta(seconds=ClinicProfile.get().quiet_seconds)
    by = User.objects.machine("worker")
    waiting = Study.objects.filter(stable_at=None, last_received_at__lte=timezone.now() - quiet)
    for pk in waiting.order_by("pk").values_list("pk", flat=True):
        _mark_stable(pk, quiet, by=by)


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
    study.stable_at = timezone.now()
    study.save(update_fields=["stable_at"])
    announce(f"study.{study.pk}", "board")
    if study.order is not None:
        mark_acquired(study.order, by=by)
        announce(f"order.{study.order.pk}")
