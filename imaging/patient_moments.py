"""What this room adds to a patient's timeline: studies with a few pictures."""

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.models import User
from clinic.permissions import Permission
from patients.models import Patient
from patients.timeline import Kind, Moment, register

from .models import Study, StudyState
from .overview import studies_overview


def add_sources() -> None:
    register(Kind.STUDIES, Permission.STUDY_VIEW, _studies)


def _studies(patient: Patient, user: User, limit: int) -> list[Moment]:
    studies = (
        Study.objects.visible_to(user)
        .for_patient(patient)
        .select_related("order__procedure")
        .order_by("-performed_at", "-pk")
    )
    return [
        Moment(
            at=study.performed_at or study.first_received_at,
            kind=Kind.STUDIES,
            title=study.description or (str(study.order.procedure) if study.order else _("Images")),
            detail=_described(study),
            url=reverse("imaging:study_viewer", args=[study.pk]),
            status=None if study.state == StudyState.LINKED else (study.state, study.get_state_display()),
            template="imaging/_study_moment.html",
            thing={"study": study, "pictures": pictures[:4]},
        )
        for study, pictures in studies_overview(list(studies[:limit]))
    ]


def _described(study: Study) -> str:
    count = ngettext("%d image", "%d images", study.instance_count) % study.instance_count
    number = study.order.accession_number if study.order else study.received_accession_number
    return " · ".join(part for part in [", ".join(study.modalities), count, number] if part)
