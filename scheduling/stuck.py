"""What stands still for too long, so that somebody in charge sees it before the patient complains."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils import timezone

from .board import load_today
from .cards import PRIORITY_RANK
from .faces import Face
from .models import Order
from .statuses import PRESENT, OrderStatus
from .waits import READING_LIMITS, RELEASE_LIMITS, Clock


@dataclass(frozen=True)
class StuckOrder:
    order: Order
    clock: Clock


def waiting_too_long() -> list[Face]:
    """Who is in the clinic and in one state for longer than anybody should, the longest first."""
    now = timezone.now()
    red = []
    for face in load_today().faces:
        wait = face.waits.at(now) if face.waits and face.status in PRESENT else None
        if wait and wait.age == "red":
            red.append((wait.minutes, face))
    return [face for _minutes, face in sorted(red, key=lambda pair: -pair[0])]


def unread_too_long() -> QuerySet[Order]:
    """Images are here for longer than the priority allows, and no report is signed."""
    now, late = timezone.now(), Q(pk=None)
    for priority, (_amber, red) in READING_LIMITS.items():
        late |= Q(priority=priority, acquired_at__lte=now - dt.timedelta(minutes=red))
    return Order.objects.unread().filter(late).with_visit().order_by("acquired_at", "pk")


def unreleased_too_long() -> QuerySet[Order]:
    """The report is signed, and nobody has it."""
    since = timezone.now() - dt.timedelta(minutes=RELEASE_LIMITS[1])
    late = Order.objects.filter(status=OrderStatus.REPORTED, reported_at__lte=since)
    return late.with_visit().order_by("reported_at", "pk")


def stuck_orders(orders: QuerySet[Order], most: int) -> list[StuckOrder]:
    """The oldest of ``orders``, each with its clock; the most urgent first."""
    found = [StuckOrder(order, _clock(order)) for order in orders[:most]]
    return sorted(found, key=lambda stuck: PRIORITY_RANK[stuck.order.priority])


def _clock(order: Order) -> Clock:
    if order.status == OrderStatus.REPORTED:
        return Clock(order.reported_at or order.status_changed_at, RELEASE_LIMITS)
    return Clock(order.acquired_at or order.status_changed_at, READING_LIMITS[order.priority])
