from collections.abc import Collection
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


class ImagingConfig(AppConfig):
    name = "imaging"

    def ready(self) -> None:
        from patients import belongings, finders
        from patients.belongings import Belonging

        from . import patient_moments
        from .finding import find_studies

        patient_moments.add_sources()
        post_migrate.connect(_ensure_schedules, sender=self)
        finders.register("studies", find_studies)
        belongings.register(
            Belonging(
                "imaging.Study",
                lambda number: ngettext("%d study", "%d studies", number) % number,
                topic="study",
            ),
            Belonging(
                "imaging.StudyDecision",
                lambda number: (
                    ngettext("%d decision about images", "%d decisions about images", number) % number
                ),
            ),
        )
        belongings.guard(merge=_refuse_merge)


def _refuse_merge(pks: Collection[int]) -> list[str]:
    """A placeholder becomes a person where it is decided whose its images are, and nowhere else."""
    from .models import Study, StudyState

    waiting = Study.objects.filter(state=StudyState.UNKNOWN, patient__in=pks).select_related("patient")
    text = _("Images of %(patient)s wait on the list of held images: say there whose they are.")
    return [text % {"patient": study.patient} for study in waiting]


def _ensure_schedules(**_kwargs: Any) -> None:
    from clinic.jobs import ensure_schedule

    ensure_schedule("Received images", "imaging.tasks.ingest_spool", minutes=1)
    ensure_schedule("Discarded files", "imaging.tasks.remove_discarded_files", minutes=24 * 60)
    ensure_schedule("Complete studies", "imaging.tasks.mark_stable_studies", minutes=1)
