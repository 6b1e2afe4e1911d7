"""The reading room: what waits to be read, in which order, who has how much, what there is of a patient."""

import datetime as dt
from dataclasses import dataclass

from django.db import models
from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from clinic.models import User
from clinic.permissions import Role
from imaging.models import Study, StudyState
from scheduling.models import Order
from scheduling.statuses import READABLE, OrderStatus, Priority
from scheduling.waits import READING_LIMITS, Clock

from .models import Report, Subspecialty

_RANK = Case(
    *(When(priority=priority, then=Value(rank)) for rank, priority in enumerate(Priority.values)),
    output_field=IntegerField(),
)


@dataclass(frozen=True)
class ReadingRow:
    """One study to be read as a reader sees it."""

    order: Order
    clock: Clock
    is_mine: bool
    has_draft: bool
    studies: list[Study]

    @property
    def images(self) -> int:
        return sum(study.instance_count for study in self.studies)

    @property
    def wait_html(self) -> SafeString:
        return self.clock.html(timezone.now())

    @property
    def is_free(self) -> bool:
        return self.order.status == OrderStatus.ACQUIRED


@dataclass(frozen=True)
class Prior:
    """An earlier or other examination of the patient: its report, its images, or both."""

    on: dt.datetime
    name: str
    order: Order | None
    report: Report | None
    studies: list[Study]


def reading_queue(user: User) -> QuerySet[Order]:
    """What is to be read, most urgent and then longest waiting first."""
    return Order.objects.visible_to(user).unread().annotate(rank=_RANK).order_by("rank", "acquired_at", "pk")


class Whose(models.TextChoices):
    """Which part of the list somebody looks at; stays in the address."""

    EVERYONES = "", _("Everyone’s")
    SUBSPECIALTY = "subspecialty", _("My subspecialty")
    MINE = "mine", _("Mine")


def narrowed(orders: QuerySet[Order], user: User, whose: str) -> QuerySet[Order]:
    """Mine are those that I have claimed; my subspecialty is everything where I have none."""
    chosen = Subspecialty.objects.filter(reader=user).first() if whose == Whose.SUBSPECIALTY else None
    return orders.filter(_belongs(user, whose, chosen))


def _belongs(user: User, whose: str, chosen: Subspecialty | None) -> Q:
    if whose == Whose.MINE:
        return Q(reader=user, status=OrderStatus.READING)
    if whose == Whose.EVERYONES or chosen is None or not (chosen.modalities or chosen.body_parts):
        return Q()
    return Q(procedure__modality__in=chosen.modalities) | Q(procedure__body_part__in=chosen.body_parts)


def count_lists(user: User, chosen: Subspecialty | None) -> dict[str, int]:
    """How many studies each list has; ``chosen`` is the subspecialty of ``user``."""
    counts = {
        f"list_{whose}": Count("pk", filter=Q(pk__isnull=False) & _belongs(user, whose, chosen))
        for whose in Whose.values
    }
    found = Order.objects.visible_to(user).unread().aggregate(**counts)
    return {whose: found[f"list_{whose}"] for whose in Whose.values}


def reading_rows(user: User, *, whose: str = Whose.EVERYONES) -> list[ReadingRow]:
    orders = (
        narrowed(reading_queue(user), user, whose)
        .select_related("patient", "procedure", "reader", "appointment__station", "report")
        .prefetch_related("studies")
    )
    return [
        ReadingRow(
            order=order,
            clock=Clock(order.acquired_at or order.status_changed_at, READING_LIMITS[order.priority]),
            is_mine=order.status == OrderStatus.READING and order.reader_id == user.pk,
            has_draft=getattr(order, "report", None) is not None,
            studies=list(order.studies.all()),
        )
        for order in orders
    ]


def readers_with_loads() -> QuerySet[User]:
    """Everybody who reads, with ``load``: how many studies each has claimed."""
    reading = Count("orders_read", filter=Q(orders_read__status=OrderStatus.READING))
    return (
        User.objects.people()
        .filter(is_active=True, roles__contains=[Role.RADIOLOGIST])
        .annotate(load=reading)
        .order_by("full_name")
    )


def priors_of(order: Order, user: User) -> list[Prior]:
    """What else there is of the patient, newest first: other orders, and images filed without one."""
    orders = (
        Order.objects.visible_to(user)
        .for_patient(order.patient)
        .filter(status__in=READABLE)
        .exclude(pk=order.pk)
        .select_related("procedure", "report")
        .prefetch_related("studies")
    )
    priors = [
        Prior(
            on=each.acquired_at or each.ordered_at,
            name=each.procedure.name,
            order=each,
            report=getattr(each, "report", None),
            studies=sorted(each.studies.all(), key=lambda study: study.pk),
        )
        for each in orders
    ]
    filed = Study.objects.visible_to(user).for_patient(order.patient).filter(state=StudyState.FILED)
    priors += [
        Prior(each.performed_at or each.first_received_at, str(each), None, None, [each]) for each in filed
    ]
    return sorted(priors, key=lambda prior: prior.on, reverse=True)
