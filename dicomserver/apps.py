from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import ngettext


class DicomserverConfig(AppConfig):
    name = "dicomserver"

    def ready(self) -> None:
        from patients import belongings
        from patients.belongings import Belonging

        post_migrate.connect(_ensure_schedules, sender=self)
        belongings.register(
            Belonging(
                "dicomserver.Fetch",
                lambda number: (
                    ngettext("%d question to an archive", "%d questions to archives", number) % number
                ),
            )
        )


def _ensure_schedules(**_: Any) -> None:
    from clinic.jobs import ensure_schedule

    ensure_schedule("Sending and fetching", "dicomserver.tasks.transfer_waiting", minutes=1)
    ensure_schedule("Storage commitment", "dicomserver.tasks.answer_commitments", minutes=1)
