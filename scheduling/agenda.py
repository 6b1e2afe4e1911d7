"""The calendar as a table: lanes (places of a day, or days of a place), time downwards."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.models import User

from .cards import Card, make_card, visits
from .closures import ClosedTime, closed_times
from .days import clinic_zone, day_bounds
from .models import Appointment, Place, Station
from .slots import who_or_where
from .statuses import OCCUPYING

ROW_MINUTES = 15
ROWS_OF_DAY = 24 * 60 // ROW_MINUTES
ROW = dt.timedelta(minutes=ROW_MINUTES)


@dataclass
class Cell:
    """``rows`` tall; with the visits that share its time, or free from ``free_at``, or closed."""

    lane_of: "Lane"
    row: int
    rows: int = 1
    cards: list[Card] = field(default_factory=list)
    is_closed: bool = False
    reason: str = ""
    free_at: dt.datetime | None = None
    is_first_of_closure: bool = False

    @property
    def lane(self) -> int:
        return self.lane_of.number


@dataclass
class Lane:
    """One column: a station or a doctor on a day."""

    number: int
    place: Place
    day: dt.date
    cells: dict[int, Cell] = field(default_factory=dict)  # by the row in which they begin
    count: int = 0

    @property
    def is_station(self) -> bool:
        return isinstance(self.place, Station)

    @property
    def key(self) -> str:
        """How addresses name the place: ``station=3``."""
        return key_of(self.place)


@dataclass(frozen=True)
class Row:
    clock: dt.time
    cells: list[Cell]
    is_now: bool = False

    @property
    def is_full_hour(self) -> bool:
        return self.clock.minute == 0


@dataclass(frozen=True)
class Agenda:
    lanes: list[Lane]
    rows: list[Row]


def key_of(place: Place) -> str:
    return f"station={place.pk}" if isinstance(place, Station) else f"doctor={place.doctor_id}"


def make_agenda(user: User, places: list[Place], days: list[dt.date]) -> Agenda:
    """What happens at ``places`` on ``days``, in four queries; one of the two has one member."""
    zone = clinic_zone()
    now = timezone.now()
    pairs = [(place, day) for day in days for place in places]
    lanes = [Lane(number, place, day) for number, (place, day) in enumerate(pairs)]
    start, end = day_bounds(days[0], zone)[0], day_bounds(days[-1], zone)[1]
    booked = _cards(user, places, start, end, zone)
    closed = closed_times(start, end)
    for lane in lanes:
        where = who_or_where(lane.place)
        mine = [time for time in closed if time.is_for(where)]
        _fill(lane, booked[lane.key, lane.day], mine, zone, now)
    return Agenda(lanes, _rows(lanes, now=now.astimezone(zone)))


def _cards(
    user: User, places: list[Place], start: dt.datetime, end: dt.datetime, zone: ZoneInfo
) -> dict[tuple[str, dt.date], list[Card]]:
    stations = [place.pk for place in places if isinstance(place, Station)]
    doctors = [place.doctor_id for place in places if not isinstance(place, Station)]
    shown = visits().filter(
        Q(station__in=stations) | Q(doctor__in=doctors),
        status__in=OCCUPYING,
        starts_at__lt=end,
        ends_at__gt=start,
    )
    found = defaultdict(list)
    for visit in shown.order_by("starts_at", "pk"):
        found[_key_of_visit(visit), visit.starts_at.astimezone(zone).date()].append(make_card(visit, user))
    return found


def _key_of_visit(visit: Appointment) -> str:
    return f"station={visit.station_id}" if visit.station_id else f"doctor={visit.doctor_id}"


def _fill(lane: Lane, cards: list[Card], closed: list[ClosedTime], zone: ZoneInfo, now: dt.datetime) -> None:
    lane.count = len(cards)
    taken: set[int] = set()
    for first, last, sharing in _blocks(cards, lane.day, zone):
        lane.cells[first] = Cell(lane, first, rows=last - first, cards=sharing)
        taken |= set(range(first, last))
    for row in range(ROWS_OF_DAY):
        if row not in taken:
            lane.cells[row] = _empty(lane, row, closed, zone, now)
    before = ""
    for row in sorted(lane.cells):
        cell = lane.cells[row]
        cell.is_first_of_closure = bool(cell.reason) and cell.reason != before
        before = cell.reason


def _empty(lane: Lane, row: int, closed: list[ClosedTime], zone: ZoneInfo, now: dt.datetime) -> Cell:
    instant = dt.datetime.combine(lane.day, _clock(row), tzinfo=zone)
    cell = Cell(lane, row)
    for time in closed:
        if time.starts_at < instant + ROW and time.ends_at > instant:
            cell.is_closed, cell.reason = True, time.reason or _("closed")
            return cell
    if _is_break(lane.place, _clock(row)):
        cell.is_closed, cell.reason = True, _("break")
    elif not _is_open(lane, _clock(row)):
        cell.is_closed = True
    elif instant + ROW > now:
        cell.free_at = instant
    return cell


def _blocks(cards: list[Card], day: dt.date, zone: ZoneInfo) -> list[tuple[int, int, list[Card]]]:
    """Visits by the rows they cover; those that share a row stand in one block."""
    blocks: list[tuple[int, int, list[Card]]] = []
    for card in cards:
        starts = card.appointment.starts_at.astimezone(zone)
        ends = card.appointment.ends_at.astimezone(zone)
        first = (starts.hour * 60 + starts.minute) // ROW_MINUTES
        last = -(-(ends.hour * 60 + ends.minute) // ROW_MINUTES) if ends.date() == day else ROWS_OF_DAY
        last = max(last, first + 1)
        if blocks and first < blocks[-1][1]:
            before = blocks.pop()
            blocks.append((before[0], max(before[1], last), [*before[2], card]))
        else:
            blocks.append((first, last, [card]))
    return blocks


def _rows(lanes: list[Lane], *, now: dt.datetime) -> list[Row]:
    """The rows from the first opening to the last closing, and wherever else somebody is booked."""
    first = min((_row(lane.place.opens_at) for lane in lanes), default=0)
    last = max((_row(lane.place.closes_at, up=True) for lane in lanes), default=0)
    for lane in lanes:
        busy = [(row, row + cell.rows) for row, cell in lane.cells.items() if cell.cards]
        first = min([first, *(begin for begin, _end in busy)])
        last = max([last, *(end for _begin, end in busy)])
    this_row = _row(now.time()) if any(lane.day == now.date() for lane in lanes) else None
    return [
        Row(_clock(row), [lane.cells[row] for lane in lanes if row in lane.cells], is_now=row == this_row)
        for row in range(first, last)
    ]


def _is_open(lane: Lane, clock: dt.time) -> bool:
    place = lane.place
    return (
        place.is_active
        and lane.day.isoweekday() in place.weekdays
        and place.opens_at <= clock < place.closes_at
    )


def _is_break(place: Place, clock: dt.time) -> bool:
    return (
        place.break_from is not None
        and place.break_until is not None
        and place.break_from <= clock < place.break_until
    )


def _clock(row: int) -> dt.time:
    return dt.time(row * ROW_MINUTES // 60, row * ROW_MINUTES % 60)


def _row(clock: dt.time, *, up: bool = False) -> int:
    minutes = clock.hour * 60 + clock.minute
    return -(-minutes // ROW_MINUTES) if up else minutes // ROW_MINUTES
