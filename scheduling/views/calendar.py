"""The calendar: all stations of a day, or a week of one station."""

import datetime as dt

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from clinic.http import StaffRequest, require
from clinic.permissions import Permission as P

from ..agenda import make_agenda
from ..days import clinic_today
from ..models import Station
from .answers import page_or_part
from .board import chosen_station
from .booking import parse_date_or_none

WEEK = 7


@require(P.BOARD_VIEW)
@require_GET
def calendar(request: StaffRequest) -> HttpResponse:
    today = clinic_today()
    day = parse_date_or_none(request.GET.get("day", "")) or today
    stations = list(Station.objects.filter(is_active=True))
    station = chosen_station(request) or next(iter(stations), None)
    is_week = request.GET.get("view") == "week" and bool(stations)
    monday = day - dt.timedelta(days=day.weekday())
    days = [monday + dt.timedelta(days=number) for number in range(WEEK)] if is_week else [day]
    step = dt.timedelta(days=len(days))
    context = {
        "agenda": make_agenda(request.user, [station] if is_week and station else stations, days),
        "is_week": is_week,
        "stations": stations,
        "station": station,
        "day": day,
        "days": days,
        "today": today,
        "before": day - step,
        "after": day + step,
    }
    return page_or_part(request, "scheduling/calendar.html", "agenda", context)
