from collections.abc import Collection
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


class SchedulingConfig(AppConfig):
    name = "scheduling"

    def ready(self) -> None:
        from patients import belongings, finders
        from patients.belongings import Belonging

        from . import patient_moments
        from .finding import find_orders

        patient_moments.add_sources()
        post_migrate.connect(_ensure_schedules, sender=self)
        belongings.register(
            Belonging(
                "scheduling.Order",
                lambda number: ngettext("%d order", "%d orders", number) % number,
                topic="order",
            ),
            Belonging(
                "scheduling.Appointment",
                lambda number: ngettext("%d visit", "%d visits", number) % number,
            ),
        )
        finders.register("orders", find_orders)
        belongings.guard(merge=_being_read)


def _being_read(patients: Collection[int]) -> list[str]:
    """Who reads and signs must have the identity before them under which it is signed."""
    from .models import Order
    from .statuses import OrderStatus

    reading = Order.objects.filter(patient__in=patients, status=OrderStatus.READING).select_related("reader")
    return [
        _("%(reader)s is writing the report of order %(number)s: it has to be signed or handed back first.")
        % {"reader": order.reader, "number": order.accession_number}
        for order in reading.order_by("pk")
    ]


def _ensure_schedules(**_: Any) -> None:
    from clinic.jobs import ensure_schedule

    ensure_schedule("No-shows of days that are over", "scheduling.tasks.mark_no_shows", minutes=15)
