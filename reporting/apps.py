from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ReportingConfig(AppConfig):
    name = "reporting"

    def ready(self) -> None:
        post_migrate.connect(_bring_what_ships, sender=self)


def _bring_what_ships(*, using: str, **_: Any) -> None:
    from django.db import connections

    from clinic.jobs import ensure_schedule

    from .models import ReportTemplate
    from .report_templates import ship_templates

    # After ``migrate reporting zero`` there is no table to bring them into.
    if ReportTemplate._meta.db_table in connections[using].introspection.table_names():
        ship_templates()
    ensure_schedule("PDFs that are missing", "reporting.tasks.render_missing_pdfs", minutes=1)
    ensure_schedule("PDFs that failed", "reporting.tasks.retry_failed_pdfs", minutes=60)
