"""The technician's list in parts: who is on the table, who is next, who is expected, what is done."""

from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clinic.models import User
from clinic.parts import Part, draw_part
from clinic.permissions import Permission as P
from clinic.shared import shared

from .board import FRESH_SECONDS, Choice, make_board
from .board_parts import cards_part
from .days import clinic_today, clinic_zone
from .statuses import AppointmentStatus as A


def worklist_parts(user: User, station: int | None) -> list[Part]:
    """The parts that ``user`` sees of ``station``, or of all; everybody who may do the same shares them."""
    permissions, zone = user.permissions, clinic_zone()
    key = ("worklist", clinic_today(zone), zone.key, permissions, station, get_language())
    return shared("board", key, lambda: _draw(permissions, station, zone), seconds=FRESH_SECONDS)


def _draw(permissions: frozenset[P], station: int | None, zone: ZoneInfo) -> list[Part]:
    board = make_board(Choice(station=station), zone)
    columns, url = board.columns, reverse("scheduling:worklist")
    head = {
        "board": board,
        "every_station": f"{url}?station=",
        "stations": [(entry, f"{url}?station={entry.pk}") for entry in board.stations],
    }
    done = [*columns[A.REVIEW].faces, *columns[A.COMPLETED].shown]
    lists = [
        (
            "list-table",
            _("On the table"),
            [*columns[A.IN_SCAN].faces, *columns[A.IN_ROOM].faces],
            _("The rooms are empty. Call in the first one who waits.")
            if columns[A.WAITING].faces
            else _("The rooms are empty, and nobody waits."),
        ),
        (
            "list-waiting",
            _("Who is next"),
            columns[A.WAITING].faces,
            _("Nobody waits. Whoever is checked in at the front desk appears here."),
        ),
        ("list-expected", _("Expected"), columns[A.BOOKED].faces, _("Nobody else is expected today.")),
        ("list-done", _("Done today"), done, _("Nothing is done yet.")),
    ]
    parts = [draw_part("worklist-head", "scheduling/_worklist_head.html", head)]
    for name, title, faces, nobody in lists:
        most = columns[A.BOOKED].most if name == "list-expected" else None
        parts.append(
            cards_part(
                name,
                "scheduling/_worklist_list.html",
                faces[:most],
                permissions,
                shows_status=name in {"list-table", "list-done"},
                title=title,
                nobody=nobody,
                count=len(faces) + (columns[A.COMPLETED].hidden if name == "list-done" else 0),
                hidden=len(faces) - len(faces[:most]),
            )
        )
    return parts
