"""The calendar as a table: lanes (stations of a day, or days of a station), time downwards."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from django.utils import timezone

from clinic.models import User

from .board import Card, make_card, visits
from .days import clinic_zone, day_bounds
from .models import Closure, Station
from .statuses import OCCUPYING

ROW_MINUTES = 15
ROWS_OF_DAY = 24 * 60 // ROW_MINUTES


@dataclass
class Cell:
    """``rows`` tall; with the visits that share its time, or free, or closed (then with the reason)."""

    rows: int = 1
    cards: list[Card] = field(default_factory=list)
    is_closed: bool = False
    reason: str = ""


@dataclass
class Lane:
    """One column: a station on a day."""

    station: Station
    day: dt.date
    cells: dict[int, Cell] = field(default_factory=dict)  # by the row in which they begin
    count: int = 0


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


def make_agenda(user: User, stations: list[Station], days: list[dt.date]) -> Agenda:
    """What happens at ``stations`` on ``days``, in four queries; one of the two has one member."""
    zone = clinic_zone()
    lanes = [Lane(station, day) for day in days for station in stations]
    start, end = day_bounds(days[0], zone)[0], day_bounds(days[-1], zone)[1]
    inside = {"station__in": stations, "starts_at__lt": end, "ends_at__gt": start}
    booked = defaultdict(list)
    for visit in visits().filter(status__in=OCCUPYING, **inside).order_by("starts_at", "pk"):
        booked[visit.station_id, visit.starts_at.astimezone(zone).date()].append(make_card(visit, user))
    closures = list(Closure.objects.filter(**inside))
    for lane in lanes:
        _fill(lane, booked[lane.station.pk, lane.day], closures, zone)
    return Agenda(lanes, _rows(lanes, now=timezone.now().astimezone(zone)))


def _fill(lane: Lane, cards: list[Card], closures: list[Closure], zone: ZoneInfo) -> None:
    lane.count = len(cards)
    taken: set[int] = set()
    for first, last, sharing in _blocks(cards, lane.day, zone):
        lane.cells[first] = Cell(rows=last - first, cards=sharing)
        taken |= set(range(first, last))
    mine = [closure for closure in closures if closure.station_id == lane.station.pk]
    for row in range(ROWS_OF_DAY):
        if row in taken:
            continue
        instant = dt.datetime.combine(lane.day, _clock(row), tzinfo=zone)
        closure = next((each for each in mine if each.starts_at <= instant < each.ends_at), None)
        lane.cells[row] = Cell(
            is_closed=closure is not None or not _is_open(lane, _clock(row)),
            reason=closure.reason if closure else "",
        )


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
    first = min((_row(lane.station.opens_at) for lane in lanes), default=0)
    last = max((_row(lane.station.closes_at, up=True) for lane in lanes), default=0)
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
    station = lane.station
    return lane.day.isoweekday() in station.weekdays and station.opens_at <= clock < station.closes_at


def _clock(row: int) -> dt.time:
    return dt.time(row * ROW_MINUTES // 60, row * ROW_MINUTES % 60)


def _row(clock: dt.time, *, up: bool = False) -> int:
    minutes = clock.hour * 60 + clock.minute
    return -(-minutes // ROW_MINUTES) if up else minutes // ROW_MINUTES
