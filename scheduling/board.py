"""The board of a day: cards in columns by state, what each waits for and for how long."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from django.db.models import Prefetch, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.models import User
from clinic.permissions import Permission

from .days import clinic_zone, day_bounds, spoken_minutes
from .models import Appointment, Order, Station
from .statuses import PRESENT, OrderStatus, Priority
from .statuses import AppointmentStatus as A
from .steps import Step, steps_for

COLUMNS = [A.BOOKED, A.WAITING, A.IN_ROOM, A.IN_SCAN, A.REVIEW, A.COMPLETED]
FOLDED = [A.NO_SHOW, A.CANCELLED]
NOT_OVER = [A.BOOKED, A.WAITING, A.IN_ROOM, A.IN_SCAN, A.REVIEW]
LATEST = 12
NOBODY: dict[str, str | Promise] = {
    A.BOOKED: gettext_lazy("Nobody else is expected."),
    A.WAITING: gettext_lazy("Nobody waits."),
    A.IN_ROOM: gettext_lazy("The rooms are empty."),
    A.IN_SCAN: gettext_lazy("Nobody is being examined."),
    A.REVIEW: gettext_lazy("Everything is read."),
    A.COMPLETED: gettext_lazy("Nothing is completed yet."),
}
# From how many minutes on a wait is amber and red.
WAIT_LIMITS: dict[str, tuple[int, int]] = {
    A.BOOKED: (5, 20),
    A.WAITING: (15, 30),
    A.IN_ROOM: (15, 30),
    A.IN_SCAN: (45, 90),
    A.REVIEW: (60, 180),
}
PRIORITY_RANK = {priority: rank for rank, priority in enumerate(Priority.values)}


@dataclass(frozen=True)
class Wait:
    """How long somebody has been in a state; ``age`` is calm, amber or red."""

    minutes: int
    age: str
    text: str


@dataclass
class Card:
    """One visit as everybody sees it; ``steps`` are what the looking user may do with it."""

    appointment: Appointment
    wait: Wait | None
    user: User

    @cached_property
    def orders(self) -> list[Order]:
        """Without cancelled ones, unless there is nothing else."""
        orders = list(self.appointment.orders.all())
        return [order for order in orders if order.status != OrderStatus.CANCELLED] or orders

    @cached_property
    def priority(self) -> str:
        return min(
            (order.priority for order in self.orders), key=PRIORITY_RANK.__getitem__, default=Priority.ROUTINE
        )

    @property
    def priority_label(self) -> str | Promise:
        return Priority(self.priority).label

    @property
    def readers(self) -> list[User]:
        return [order.reader for order in self.orders if order.status == OrderStatus.READING and order.reader]

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


@dataclass
class Column:
    """Visits in one state; of what is over only the latest are shown, the calendar has the rest."""

    status: str
    cards: list[Card] = field(default_factory=list)

    @property
    def shown(self) -> list[Card]:
        return self.cards if self.status in NOT_OVER else self.cards[:LATEST]

    @property
    def hidden(self) -> int:
        return len(self.cards) - len(self.shown)

    @property
    def label(self) -> str | Promise:
        return A(self.status).label

    @property
    def nobody(self) -> str | Promise:
        return NOBODY[self.status]


@dataclass(frozen=True)
class StationCount:
    station: Station
    count: int
    is_chosen: bool


@dataclass
class Board:
    """What the board of ``day`` shows, narrowed to a station and a priority."""

    day: dt.date
    columns: list[Column]
    folded: list[Column]
    stations: list[StationCount]
    total: int
    station: Station | None
    priority: str


def visits() -> QuerySet[Appointment]:
    """Appointments with all that a card shows, in two queries however many there are."""
    orders = Order.objects.select_related("procedure", "reader", "referrer").order_by("pk")
    return Appointment.objects.select_related("patient", "station", "doctor").prefetch_related(
        Prefetch("orders", orders)
    )


def visits_on(day: dt.date) -> QuerySet[Appointment]:
    """The visits of ``day``, and whoever is still in the clinic from before midnight or came early."""
    start, end = day_bounds(day, clinic_zone())
    of_today = Q(starts_at__gte=start, starts_at__lt=end)
    return visits().filter(of_today | Q(status__in=PRESENT)).order_by("starts_at", "pk")


def make_card(visit: Appointment, user: User) -> Card:
    return Card(visit, wait_of(visit, timezone.now()), user)


def make_board(user: User, day: dt.date, *, station: Station | None = None, priority: str = "") -> Board:
    now = timezone.now()
    cards = [Card(visit, wait_of(visit, now), user) for visit in visits_on(day)]
    counts = Counter(card.appointment.station_id for card in cards)
    shown = [card for card in cards if _is_shown(card, station, priority)]
    return Board(
        day=day,
        columns=[_column(status, shown) for status in COLUMNS],
        folded=[_column(status, shown) for status in FOLDED],
        stations=[
            StationCount(each, counts[each.pk], each == station)
            for each in Station.objects.filter(Q(is_active=True) | Q(pk__in=[pk for pk in counts if pk]))
        ],
        total=len(cards),
        station=station,
        priority=priority,
    )


def wait_of(visit: Appointment, now: dt.datetime) -> Wait | None:
    """How long the visit has been where it is; for a booked one how late it is."""
    limits = WAIT_LIMITS.get(visit.status)
    if limits is None:
        return None
    since = {A.BOOKED: visit.starts_at, A.WAITING: visit.arrived_at}.get(
        A(visit.status), visit.status_changed_at
    )
    minutes = int((now - (since or visit.status_changed_at)).total_seconds() // 60)
    if minutes < 0 or (visit.status == A.BOOKED and minutes == 0):
        return None
    age = "calm" if minutes < limits[0] else "amber" if minutes < limits[1] else "red"
    spoken = spoken_minutes(minutes)
    return Wait(minutes, age, _("%(time)s late") % {"time": spoken} if visit.status == A.BOOKED else spoken)


def _is_shown(card: Card, station: Station | None, priority: str) -> bool:
    return (station is None or card.appointment.station_id == station.pk) and priority in {"", card.priority}


def _column(status: str, cards: list[Card]) -> Column:
    column = Column(status, [card for card in cards if card.appointment.status == status])
    if status in {A.WAITING, A.REVIEW}:
        column.cards.sort(key=_urgency)
    if status not in NOT_OVER:
        column.cards.reverse()
    return column


def _urgency(card: Card) -> tuple[int, dt.datetime]:
    """Most urgent first, then who waits longest."""
    visit = card.appointment
    return PRIORITY_RANK[card.priority], visit.arrived_at or visit.status_changed_at
