from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ImagingConfig(AppConfig):
    name = "imaging"

    def ready(self) -> None:
        post_migrate.connect(_ensure_schedules, sender=self)


def _ensure_schedules(**_: Any) -> None:
    from clinic.jobs import ensure_schedule

    ensure_schedule("Received images", "imaging.tasks.ingest_spool", minutes=1)
    ensure_schedule("Complete studies", "imaging.tasks.mark_stable_studies", minutes=1)
