"""Somebody looks at images: what the viewer is told, and the one entry in the trail that says so."""

import threading
import time
from typing import Any

from django.db import transaction
from django.urls import reverse

from audit.services import record
from clinic.http import StaffRequest, address_of
from clinic.models import User
from clinic.permissions import Permission

from .models import Study

# Within this time further requests of the same person for the same study are the same look.
SAME_LOOK_SECONDS = 15 * 60
_REMEMBERED = 5000
_looks: dict[tuple[int, int], float] = {}
_lock = threading.Lock()


def viewer_options(study: Study, user: User) -> dict[str, Any]:
    """What ``imaging/_viewer.html`` needs beside the study."""
    may_mark = study.is_served and user.can(Permission.STUDY_READ)
    return {
        "key_image_url": reverse("imaging:key_image_create", args=[study.pk]) if may_mark else "",
        "standalone_url": reverse("imaging:study_viewer", args=[study.pk]),
    }


def chosen_study(studies: list[Study], wanted: str) -> Study | None:
    """The study of an order that is shown: the one whose id was asked for, else the largest."""
    by_pk = {str(study.pk): study for study in studies}
    return by_pk.get(wanted) or max(studies, key=lambda study: study.instance_count, default=None)


def note_viewed(study: Study, request: StaffRequest) -> None:
    """Write ``study.viewed`` once for each look: opening a study asks for hundreds of frames."""
    look, now = (request.user.pk, study.pk), time.monotonic()
    with _lock:
        if now - _looks.get(look, -SAME_LOOK_SECONDS) < SAME_LOOK_SECONDS:
            return
    with transaction.atomic():
        record(
            by=request.user,
            action="study.viewed",
            subject=study,
            patient=study.patient,
            address=address_of(request),
        )
    with _lock:
        if len(_looks) >= _REMEMBERED:
            _looks.clear()
        _looks[look] = now
