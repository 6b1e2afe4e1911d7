"""What the Modality Worklist offers to the machines."""

from django.db.models import QuerySet

from .models import Order
from .statuses import UNFINISHED, OrderStatus


def scheduled_steps() -> QuerySet[Order]:
    """Orders that are booked and not yet done, by start; each with all that a worklist item names."""
    return (
        Order.objects.filter(
            status=OrderStatus.SCHEDULED,
            appointment__status__in=UNFINISHED,
            appointment__station__isnull=False,
        )
        .select_related("patient", "procedure", "referrer", "appointment__station")
        .order_by("appointment__starts_at", "pk")
    )
