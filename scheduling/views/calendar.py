"""The calendar: all places of a day, or a week of one; the printed list of a day."""

import datetime as dt

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from clinic.http import StaffRequest, require
from clinic.permissions import Permission as P

from ..agenda import key_of, make_agenda
from ..cards import make_card, visits
from ..closures import visits_in_closed_times
from ..days import clinic_today, clinic_zone, day_bounds
from ..models import Place
from ..places import bookable_places, named_place
from ..statuses import AppointmentStatus as A
from .answers import page_or_part
from .booking import parse_date_or_none

WEEK = 7


@require(P.BOARD_VIEW)
@require_GET
def calendar(request: StaffRequest) -> HttpResponse:
    today = clinic_today()
    day = parse_date_or_none(request.GET.get("day", "")) or today
    places = bookable_places()
    chosen = named_place(request.GET, places)
    is_week = request.GET.get("view") == "week" and bool(places)
    place = chosen or next(iter(places), None)
    monday = day - dt.timedelta(days=day.weekday())
    days = [monday + dt.timedelta(days=number) for number in range(WEEK)] if is_week else [day]
    step = dt.timedelta(days=len(days))
    shown = [place] if is_week and place else [chosen] if chosen else places
    context = {
        "agenda": make_agenda(request.user, shown, days),
        "is_week": is_week,
        "places": [(each, *key_of(each).split("=")) for each in places],
        "chosen": place if is_week else chosen,
        "chosen_key": key_of(place) if is_week and place else key_of(chosen) if chosen else "",
        "place_field": key_of(place).split("=") if place and (is_week or chosen) else None,
        "day": day,
        "days": days,
        "today": today,
        "before": day - step,
        "after": day + step,
        "may_set_up": request.user.can(P.CONFIGURE),
        "may_book": request.user.can(P.APPOINTMENT_BOOK),
        "to_move": _to_move(request, days),
    }
    return page_or_part(request, "scheduling/calendar.html", "agenda", context)


@require(P.BOARD_VIEW)
@require_GET
def day_list(request: StaffRequest) -> HttpResponse:
    """Who comes on a day, place by place, to be printed and pinned to the door."""
    day = parse_date_or_none(request.GET.get("day", "")) or clinic_today()
    places = bookable_places()
    chosen = named_place(request.GET, places)
    start, end = day_bounds(day, clinic_zone())
    of_day = (
        visits().filter(starts_at__gte=start, starts_at__lt=end).exclude(status__in=[A.CANCELLED, A.NO_SHOW])
    )
    cards = [make_card(visit, request.user) for visit in of_day.order_by("starts_at", "pk")]
    lists = [(place, [card for card in cards if _is_at(card.appointment, place)]) for place in places]
    context = {
        "day": day,
        "lists": [(place, mine) for place, mine in lists if place == chosen or (mine and chosen is None)],
        "chosen": chosen,
        "chosen_key": key_of(chosen) if chosen else "",
        "places": [(each, key_of(each)) for each in places],
    }
    return render(request, "scheduling/day_list.html", context)


def _to_move(request: StaffRequest, days: list[dt.date]) -> int:
    """How many visits stand in times that were closed since."""
    if not request.user.can(P.APPOINTMENT_BOOK):
        return 0
    zone = clinic_zone()
    return len(visits_in_closed_times(day_bounds(days[0], zone)[0], day_bounds(days[-1], zone)[1]))


def _is_at(visit: object, place: Place) -> bool:
    kind, pk = key_of(place).split("=")
    return str(getattr(visit, f"{kind}_id")) == pk
