from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SchedulingConfig(AppConfig):
    name = "scheduling"

    def ready(self) -> None:
        post_migrate.connect(_ensure_schedules, sender=self)


def _ensure_schedules(**_: Any) -> None:
    from clinic.jobs import ensure_schedule

    ensure_schedule("No-shows of days that are over", "scheduling.tasks.mark_no_shows", minutes=15)
