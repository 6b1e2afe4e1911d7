from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
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
            )
        )


def _ensure_schedules(**_: Any) -> None:
    from clinic.jobs import ensure_schedule

    ensure_schedule("Received images", "imaging.tasks.ingest_spool", minutes=1)
    ensure_schedule("Complete studies", "imaging.tasks.mark_stable_studies", minutes=1)
