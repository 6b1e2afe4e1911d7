"""The board of today: cards in columns by state, or in a list by the hour, and how many there are."""

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy

from clinic.models import User
from clinic.shared import shared

from .cards import PRIORITY_RANK
from .days import clinic_today, clinic_zone, day_bounds
from .faces import Face, Names, face_of
from .models import Appointment, Order, Procedure, Station
from .statuses import PRESENT
from .statuses import AppointmentStatus as A

COLUMNS = [A.BOOKED, A.WAITING, A.IN_ROOM, A.IN_SCAN, A.REVIEW, A.COMPLETED]
FOLDED = [A.NO_SHOW, A.CANCELLED]
OVER = [A.COMPLETED, A.NO_SHOW, A.CANCELLED]
# Of what is far away in time only so many are shown, unless all are asked for.
NEXT, LATEST = 30, 12
FRESH_SECONDS = 20
BEFORE = -1  # the "hour" of who came on another day and is still here
NOBODY: dict[str, str | Promise] = {
    A.BOOKED: gettext_lazy("Nobody else is expected."),
    A.WAITING: gettext_lazy("Nobody waits."),
    A.IN_ROOM: gettext_lazy("The rooms are empty."),
    A.IN_SCAN: gettext_lazy("Nobody is being examined."),
    A.REVIEW: gettext_lazy("Everything is read."),
    A.COMPLETED: gettext_lazy("Nothing is completed yet."),
}


@dataclass(frozen=True)
class Today:
    """Everything that happens today, as one look at the database saw it."""

    day: dt.date
    faces: list[Face]
    stations: list[tuple[int, str]]


@dataclass(frozen=True)
class Choice:
    """What somebody wants to see of today; ``find`` are words of a name or a number."""

    station: int | None = None
    doctor: int | None = None
    priority: str = ""
    find: str = ""
    shows_all: bool = False

    def shows(self, face: Face) -> bool:
        return (
            self.station in {None, face.station_pk}
            and self.doctor in {None, face.doctor_pk}
            and self.priority in {"", face.priority}
            and (not self.find or face.speaks_of(self.find.casefold().replace(",", " ").split()))
        )


@dataclass
class Column:
    """Visits in one state, in the order in which somebody looks at them."""

    status: str
    faces: list[Face] = field(default_factory=list)
    most: int | None = None

    @property
    def shown(self) -> list[Face]:
        return self.faces[: self.most]

    @property
    def hidden(self) -> int:
        return len(self.faces) - len(self.shown)

    @property
    def label(self) -> str | Promise:
        return A(self.status).label

    @property
    def nobody(self) -> str | Promise:
        return NOBODY[self.status]


@dataclass(frozen=True)
class Count:
    """A station or a doctor of today's board, and how many visits there are."""

    pk: int
    name: str
    count: int
    is_chosen: bool


@dataclass
class Board:
    """What of today is shown, by state and by the hour."""

    day: dt.date
    choice: Choice
    columns: dict[str, Column]
    hours: dict[int, list[Face]]
    stations: list[Count]
    doctors: list[Count]
    total: int

    @property
    def shown(self) -> int:
        return sum(len(column.faces) for column in self.columns.values())


def load_today(zone: ZoneInfo | None = None) -> Today:
    """Today in the clinic, in six queries; many who look at the same time share one look."""
    zone = zone or clinic_zone()
    day = clinic_today(zone)
    return shared(
        "board", ("today", day, zone.key, get_language()), lambda: _look(day, zone), seconds=FRESH_SECONDS
    )


def _look(day: dt.date, zone: ZoneInfo) -> Today:
    """The visits of ``day``, and whoever is still in the clinic from before midnight or came early."""
    start, end = day_bounds(day, zone)
    of_today = Q(starts_at__gte=start, starts_at__lt=end)
    visits = Appointment.objects.filter(of_today | Q(status__in=PRESENT)).select_related("patient")
    found = list(visits.order_by("starts_at", "pk"))
    orders = defaultdict(list)
    for order in Order.objects.filter(appointment__in=[visit.pk for visit in found]).order_by("pk"):
        orders[order.appointment_id].append(order)
    stations = list(Station.objects.all())
    names = Names(
        stations={station.pk: str(station) for station in stations},
        procedures=dict(Procedure.objects.values_list("pk", "name")),
        people={person.pk: str(person) for person in User.objects.people().only("full_name", "username")},
    )
    faces = [face_of(visit, orders[visit.pk], names, day, zone) for visit in found]
    busy = {face.station_pk for face in faces}
    shown = [(station.pk, str(station)) for station in stations if station.is_active or station.pk in busy]
    return Today(day, faces, shown)


def make_board(choice: Choice | None = None, zone: ZoneInfo | None = None) -> Board:
    """Today, narrowed to ``choice``."""
    choice, today = choice or Choice(), load_today(zone)
    faces = [face for face in today.faces if choice.shows(face)]
    hours: dict[int, list[Face]] = {}
    for face in faces:
        hours.setdefault(BEFORE if face.other_day else int(face.clock[:2]), []).append(face)
    stations = Counter(face.station_pk for face in today.faces)
    doctors = Counter((face.doctor_pk, face.doctor) for face in today.faces if face.doctor_pk)
    return Board(
        day=today.day,
        choice=choice,
        columns={status: _column(status, faces, choice) for status in [*COLUMNS, *FOLDED]},
        hours=hours,
        stations=[Count(pk, name, stations[pk], pk == choice.station) for pk, name in today.stations],
        doctors=[
            Count(pk, name, number, pk == choice.doctor)
            for (pk, name), number in sorted(doctors.items(), key=lambda pair: pair[0][1])
            if pk
        ],
        total=len(today.faces),
    )


def next_at(visit: Appointment) -> Face | None:
    """Who is to be called in after ``visit``, at its station or by its doctor."""
    choice = Choice(station=visit.station_id, doctor=None if visit.station_id else visit.doctor_id)
    waiting = make_board(choice).columns[A.WAITING].faces
    return next((face for face in waiting if face.pk != visit.pk), None)


def _column(status: str, faces: list[Face], choice: Choice) -> Column:
    mine = [face for face in faces if face.status == status]
    if status in {A.WAITING, A.REVIEW}:
        mine.sort(key=_urgency)
    if status in OVER:
        mine.reverse()
    most = None if choice.shows_all or choice.find else {A.BOOKED: NEXT}.get(A(status))
    return Column(status, mine, LATEST if status in OVER and not (choice.shows_all or choice.find) else most)


def _urgency(face: Face) -> tuple[int, dt.datetime]:
    """Most urgent first, then who waits longest."""
    return PRIORITY_RANK[face.priority], face.arrived_at
