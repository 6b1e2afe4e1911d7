"""A visit with all that a card or a page of it shows, and what the looking user may do with it."""

from dataclasses import dataclass
from functools import cached_property

from django.db.models import Prefetch, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise

from clinic.models import User
from clinic.permissions import Permission

from .models import Appointment, Order
from .statuses import AppointmentStatus as A
from .statuses import OrderStatus, Priority
from .steps import Step, steps_for
from .waits import VISIT_LIMITS, Clock, Wait

PRIORITY_RANK = {priority: rank for rank, priority in enumerate(Priority.values)}


@dataclass
class Card:
    """One visit; ``steps`` are what ``user`` may do with it."""

    appointment: Appointment
    user: User

    @cached_property
    def orders(self) -> list[Order]:
        return shown_orders(list(self.appointment.orders.all()))

    @cached_property
    def priority(self) -> str:
        return highest_priority(self.orders)

    @property
    def priority_label(self) -> str | Promise:
        return Priority(self.priority).label

    @cached_property
    def clock(self) -> Clock | None:
        return clock_of(self.appointment)

    @property
    def wait(self) -> Wait | None:
        return self.clock.at(timezone.now()) if self.clock else None

    @property
    def wait_html(self) -> str:
        return self.clock.html(timezone.now()) if self.clock else ""

    @property
    def url(self) -> str:
        """Where the work on this visit goes on for the looking user."""
        if self.user.can(Permission.EXAM_PERFORM):
            return reverse("scheduling:exam", args=[self.appointment.pk])
        if self.orders:
            return reverse("scheduling:order_detail", args=[self.orders[0].pk])
        return reverse("patients:patient_detail", args=[self.appointment.patient_id])

    @cached_property
    def steps(self) -> list[Step]:
        return steps_for(self.appointment, self.user, has_orders=bool(self.orders))

    @property
    def main_steps(self) -> list[Step]:
        return [step for step in self.steps if step.is_main]

    @property
    def other_steps(self) -> list[Step]:
        return [step for step in self.steps if not step.is_main]


def make_card(visit: Appointment, user: User) -> Card:
    return Card(visit, user)


def visits() -> QuerySet[Appointment]:
    """Appointments with all that a card shows, in two queries however many there are."""
    orders = Order.objects.select_related("procedure", "reader", "referrer").order_by("pk")
    return Appointment.objects.select_related("patient", "station", "doctor").prefetch_related(
        Prefetch("orders", orders)
    )


def shown_orders(orders: list[Order]) -> list[Order]:
    """Without cancelled ones, unless there is nothing else."""
    return [order for order in orders if order.status != OrderStatus.CANCELLED] or orders


def highest_priority(orders: list[Order]) -> str:
    return min((order.priority for order in orders), key=PRIORITY_RANK.__getitem__, default=Priority.ROUTINE)


def clock_of(visit: Appointment) -> Clock | None:
    """How long the visit has been where it is; for a booked one how late it is."""
    limits = VISIT_LIMITS.get(visit.status)
    if limits is None:
        return None
    if visit.status == A.BOOKED:
        return Clock(visit.starts_at, limits, is_late=True)
    arrived_at = visit.arrived_at if visit.status == A.WAITING else None
    return Clock(arrived_at or visit.status_changed_at, limits)
