"""The board: today, live, for everybody."""

from django.http import HttpResponse

from clinic.http import StaffRequest, require
from clinic.permissions import Permission as P

from ..board import make_board
from ..days import clinic_today
from ..models import Station
from ..statuses import Priority
from .answers import page_or_part


@require(P.BOARD_VIEW)
def board(request: StaffRequest) -> HttpResponse:
    priority = request.GET.get("priority", "")
    shown = make_board(
        request.user,
        clinic_today(),
        station=chosen_station(request),
        priority=priority if priority in Priority.values else "",
    )
    context = {
        "board": shown,
        "priorities": Priority.choices,
        "may_walk_in": request.user.can(P.APPOINTMENT_CHECK_IN),
    }
    return page_or_part(request, "scheduling/board.html", "board", context)


def chosen_station(request: StaffRequest) -> Station | None:
    """The station named in the address; nothing and nonsense mean all."""
    pk = request.GET.get("station", "")
    return Station.objects.filter(pk=pk).first() if pk.isdecimal() and len(pk) < 10 else None
