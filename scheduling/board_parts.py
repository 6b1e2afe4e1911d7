"""The board as a page, in parts that are sent again only when they differ; one drawing for all who see it."""

from collections.abc import Iterable
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language

from clinic.models import User
from clinic.parts import Part, draw_part
from clinic.permissions import Permission as P
from clinic.shared import shared

from .board import BEFORE, COLUMNS, FOLDED, FRESH_SECONDS, OVER, Board, Choice, make_board
from .days import clinic_today, clinic_zone
from .faces import Face, drawn_card
from .statuses import Priority

COLUMNS_VIEW, LIST_VIEW = "columns", "list"


def board_parts(user: User, choice: Choice, view: str) -> list[Part]:
    """The parts of the board that ``user`` sees; everybody who may do the same shares them."""
    permissions, zone = user.permissions, clinic_zone()
    if choice.find:
        return _draw(permissions, choice, view, zone)
    key = ("board", clinic_today(zone), zone.key, permissions, choice, view, get_language())
    return shared("board", key, lambda: _draw(permissions, choice, view, zone), seconds=FRESH_SECONDS)


def _draw(permissions: frozenset[P], choice: Choice, view: str, zone: ZoneInfo) -> list[Part]:
    board = make_board(choice, zone)
    head = draw_part("board-head", "scheduling/_board_head.html", _head(board, permissions, view))
    if not board.total:
        return [head, draw_part("board-empty", "scheduling/_board_empty.html", _may(permissions))]
    if view == LIST_VIEW:
        return [head, *_hours(board, permissions)]
    columns = [
        cards_part(
            f"column-{status}",
            "scheduling/_column.html",
            board.columns[status].shown,
            permissions,
            column=board.columns[status],
            all_url=address(choice, view, shows_all=True),
        )
        for status in COLUMNS
    ]
    folded = [
        cards_part(
            f"folded-{status}",
            "scheduling/_folded.html",
            board.columns[status].shown,
            permissions,
            column=board.columns[status],
            all_url=address(choice, view, shows_all=True),
        )
        for status in FOLDED
    ]
    return [head, *columns, *folded]


def _hours(board: Board, permissions: frozenset[P]) -> list[Part]:
    if not board.hours:
        return [draw_part("board-nobody", "scheduling/_board_nobody.html", {})]
    return [
        cards_part(
            f"hour-{'before' if hour == BEFORE else hour}",
            "scheduling/_hour.html",
            faces,
            permissions,
            shows_status=True,
            hour="" if hour == BEFORE else f"{hour:02d}:00",
            is_over=not board.choice.find and all(face.status in OVER for face in faces),
        )
        for hour, faces in sorted(board.hours.items())
    ]


def cards_part(
    name: str,
    template: str,
    faces: Iterable[Face],
    permissions: frozenset[P],
    *,
    shows_status: bool = False,
    **context: object,
) -> Part:
    """A part with the cards of ``faces``; ``template`` finds them drawn in ``cards``."""
    faces, now = list(faces), timezone.now()
    cards = [drawn_card(face, permissions, shows_status, get_language()) for face in faces]
    fillings = [face.waits.html(now) if face.waits else "" for face in faces]
    return draw_part(name, template, {"cards": cards, **context}, fillings)


def _may(permissions: frozenset[P]) -> dict[str, object]:
    return {"may_walk_in": P.APPOINTMENT_CHECK_IN in permissions}


def _head(board: Board, permissions: frozenset[P], view: str) -> dict[str, object]:
    choice = board.choice
    return _may(permissions) | {
        "board": board,
        "is_list": view == LIST_VIEW,
        "columns_url": address(choice, COLUMNS_VIEW),
        "list_url": address(choice, LIST_VIEW),
        "every_station": address(choice, view, station=None),
        "stations": [(entry, address(choice, view, station=entry.pk)) for entry in board.stations],
        "every_doctor": address(choice, view, doctor=None),
        "doctors": [(entry, address(choice, view, doctor=entry.pk)) for entry in board.doctors],
        "every_priority": address(choice, view, priority=""),
        "priorities": [
            (value, label, address(choice, view, priority=value)) for value, label in Priority.choices
        ],
    }


def address(choice: Choice, view: str, **changes: object) -> str:
    """The board's address with a choice, so that it can be kept, sent and gone back to."""
    wanted = {
        "view": view,
        "station": choice.station,
        "doctor": choice.doctor,
        "priority": choice.priority,
        "all": "1" if changes.pop("shows_all", choice.shows_all) else "",
    } | changes
    return (
        f"{reverse('scheduling:board')}?{urlencode({key: value for key, value in wanted.items() if value})}"
    )
