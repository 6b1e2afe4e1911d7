from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


class ReportingConfig(AppConfig):
    name = "reporting"

    def ready(self) -> None:
        from patients import belongings
        from patients.belongings import Belonging

        from . import patient_moments

        patient_moments.add_sources()
        post_migrate.connect(_bring_what_ships, sender=self)
        belongings.register(
            Belonging(
                "reporting.Report",
                lambda number: ngettext("%d report", "%d reports", number) % number,
                field="order__patient",
                follows=True,
            )
        )
        belongings.guard(undo=_signed_since)


def _signed_since(merge: Any) -> list[str]:
    """A report that was signed under the survivor's number cannot go back to the other one unseen."""
    from .models import ReportVersion

    moved = merge.moved.get("scheduling.Order", [])
    signed = ReportVersion.objects.filter(report__order__in=moved, signed_at__gt=merge.merged_at)
    return [
        _("The report of order %(number)s was signed since, under the number %(mrn)s.")
        % {"number": version.report.order.accession_number, "mrn": version.content["patient"]["mrn"]}
        for version in signed.select_related("report__order").order_by("pk")
    ]


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
