"""Choosing a time: for an order, and another one for a visit; and the sheet that the patient takes along."""

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from clinic.errors import InvalidInput
from clinic.http import StaffRequest, require
from clinic.permissions import Permission as P

from .. import services
from ..board import visits
from ..days import clinic_today, spoken_time
from ..forms import SlotForm, bookable_stations
from ..models import Appointment, Order, Procedure, Station
from ..slots import free_days
from ..statuses import OrderStatus
from .answers import as_seen, go_to, left, next_url, page_or_part

DAYS = 7
LOOK_AHEAD = 28


@require(P.APPOINTMENT_BOOK)
@require_http_methods(["GET", "POST"])
def appointment_book(request: StaffRequest, pk: int) -> HttpResponse:
    """Pick station, day and free slot for an order, and for others of the same patient with it."""
    order = get_object_or_404(Order.objects.visible_to(request.user).with_visit(), pk=pk)
    open_orders = Order.objects.for_patient(order.patient).filter(status=OrderStatus.ORDERED).exclude(pk=pk)
    others = list(open_orders.with_visit())
    along = [other for other in others if str(other.pk) in _asked(request).getlist("with")]
    if request.method == "POST":
        chosen = _chosen(request)
        appointment = services.book_appointment(
            order.patient, by=request.user, orders=[order, *along], **chosen
        )
        return go_to(request, reverse("scheduling:appointment_sheet", args=[appointment.pk]) + "?booked=1")
    context = _picker(request, [each.procedure for each in (order, *along)], minutes=None)
    context |= {"order": order, "patient": order.patient, "others": others, "along": along}
    return page_or_part(request, "scheduling/appointment_book.html", "slots", context)


@require(P.APPOINTMENT_BOOK)
@require_http_methods(["GET", "POST"])
def appointment_reschedule(request: StaffRequest, pk: int) -> HttpResponse:
    appointment = get_object_or_404(visits(), pk=pk)
    orders = list(appointment.orders.all())
    if request.method == "POST":
        as_seen(request, appointment)
        services.reschedule_appointment(appointment, by=request.user, **_chosen(request))
        words = _("The visit of %(patient)s is now on %(time)s at %(station)s.") % {
            "patient": appointment.patient.display_name,
            "time": spoken_time(appointment.starts_at),
            "station": appointment.station,
        }
        return left(request, words, reverse("scheduling:appointment_sheet", args=[pk]))
    minutes = int((appointment.ends_at - appointment.starts_at).total_seconds() // 60)
    context = _picker(request, [order.procedure for order in orders], minutes=minutes, visit=appointment)
    context |= {"appointment": appointment, "orders": orders, "patient": appointment.patient}
    context["next"] = next_url(request)
    return page_or_part(request, "scheduling/appointment_reschedule.html", "slots", context)


@require(P.BOARD_VIEW)
@require_GET
def appointment_sheet(request: StaffRequest, pk: int) -> HttpResponse:
    """When, where and how to prepare: shown after booking, and printed for the patient."""
    appointment = get_object_or_404(visits(), pk=pk)
    context = {
        "appointment": appointment,
        "orders": list(appointment.orders.all()),
        "patient": appointment.patient,
        "is_new": request.GET.get("booked") == "1",
    }
    return render(request, "scheduling/appointment_sheet.html", context)


def _picker(
    request: StaffRequest,
    procedures: list[Procedure],
    *,
    minutes: int | None,
    visit: Appointment | None = None,
) -> dict[str, Any]:
    """Stations, days and free times to choose from, as the address asks."""
    minutes = minutes or sum(procedure.minutes for procedure in procedures)
    stations = bookable_stations(procedures)
    station = _station(request, stations, visit)
    today = clinic_today()
    day = max(parse_date_or_none(request.GET.get("day", "")) or today, today)
    first = max(day - dt.timedelta(days=day.weekday()), today)
    free = free_days(station, first, LOOK_AHEAD, minutes) if station else {}
    return {
        "stations": stations,
        "station": station,
        "minutes": minutes,
        "day": day,
        "days": [(each, len(free[each])) for each in list(free)[:DAYS]],
        "slots": free.get(day, []),
        "next_free": next((each for each in free if each > day and free[each]), None),
        "week_before": first - dt.timedelta(days=DAYS) if first > today else None,
        "week_after": first + dt.timedelta(days=DAYS),
        "may_overbook": request.user.can(P.APPOINTMENT_OVERBOOK),
    }


def _station(request: StaffRequest, stations: list[Station], visit: Appointment | None) -> Station | None:
    asked = request.GET.get("station") or str(visit.station_id if visit else "")
    named = [station for station in stations if str(station.pk) == asked]
    return next(iter(named or stations), None)


def _chosen(request: StaffRequest) -> dict[str, Any]:
    form = SlotForm(request.POST)
    if not form.is_valid():
        raise InvalidInput(next(iter(form.errors.values()))[0])
    return form.cleaned_data


def _asked(request: StaffRequest) -> Any:
    return request.POST if request.method == "POST" else request.GET


def parse_date_or_none(text: str) -> dt.date | None:
    """A day named in the address; nonsense means none."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return day if day and 2000 <= day.year < 2100 else None
