"""The board: today, live, for everybody."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from clinic.http import StaffRequest, is_background, require
from clinic.models import User
from clinic.parts import HAVE_HEADER, parts_response, whole
from clinic.permissions import Permission as P

from ..board import Choice
from ..board_parts import COLUMNS_VIEW, LIST_VIEW, address, board_parts
from ..models import Station
from ..statuses import Priority
from .stuck import stuck_urls

FIND_LENGTH = 60


@require(P.BOARD_VIEW)
def board(request: StaffRequest) -> HttpResponse:
    choice, view = _choice(request), _view(request)
    parts = board_parts(request.user, choice, view)
    if request.htmx:
        response = parts_response(request, parts)
        if not is_background(request):
            response["HX-Replace-Url"] = address(choice, view, find=choice.find)
    else:
        context = {
            "board": whole(parts),
            "address": address(choice, view),
            "choice": choice,
            "view": view,
            "stuck_urls": stuck_urls(request.user) if request.user.can(P.CONFIGURE) else [],
        }
        response = render(request, "scheduling/board.html", context)
    patch_vary_headers(response, ["HX-Request", HAVE_HEADER])
    return response


def _choice(request: StaffRequest) -> Choice:
    """What the address says; nonsense in it means everything."""
    station, priority = chosen_station(request), request.GET.get("priority", "")
    return Choice(
        station=station.pk if station else None,
        doctor=_chosen_doctor(request),
        priority=priority if priority in Priority.values else "",
        find=" ".join(request.GET.get("find", "")[:FIND_LENGTH].split()),
        shows_all=request.GET.get("all") == "1",
    )


def _view(request: StaffRequest) -> str:
    """As the address says; else the front desk's list by the hour, and columns for everybody else."""
    view = request.GET.get("view")
    if view in {COLUMNS_VIEW, LIST_VIEW}:
        return view
    works_elsewhere = any(request.user.can(one) for one in (P.EXAM_PERFORM, P.STUDY_READ, P.CONFIGURE))
    return COLUMNS_VIEW if works_elsewhere else LIST_VIEW


def chosen_station(request: StaffRequest) -> Station | None:
    """The station named in the address; nothing and nonsense mean all."""
    pk = request.GET.get("station", "")
    return Station.objects.filter(pk=pk).first() if pk.isdecimal() and len(pk) < 10 else None


def _chosen_doctor(request: StaffRequest) -> int | None:
    pk = request.GET.get("doctor", "")
    known = pk.isdecimal() and len(pk) < 10 and User.objects.people().filter(pk=pk).exists()
    return int(pk) if known else None
