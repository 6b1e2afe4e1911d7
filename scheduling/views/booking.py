"""Choosing a time: for an order, and another one for a visit; and the sheet that the patient takes along."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from clinic.errors import InvalidInput
from clinic.http import StaffRequest, require
from clinic.permissions import Permission as P

from .. import services
from ..agenda import key_of
from ..cards import visits
from ..days import clinic_today, spoken_time
from ..forms import SlotForm, bookable_stations
from ..models import Appointment, Consultant, Order, Place, Preparation, Procedure
from ..places import bookable_places, named_place
from ..slots import free_days
from ..statuses import OrderStatus
from .answers import as_seen, go_to, left, moved, next_url, page_or_part

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
    procedures = [each.procedure for each in (order, *along)]
    minutes = sum(procedure.minutes for procedure in procedures)
    context = _picker(request, bookable_stations(procedures), minutes)
    context |= {"order": order, "patient": order.patient, "others": others, "along": along}
    return page_or_part(request, "scheduling/appointment_book.html", "slots", context)


@require(P.APPOINTMENT_BOOK)
@require_http_methods(["GET", "POST"])
def appointment_reschedule(request: StaffRequest, pk: int) -> HttpResponse:
    appointment = get_object_or_404(visits(), pk=pk)
    orders = list(appointment.orders.all())
    if request.method == "POST":
        return _rescheduled(request, appointment)
    minutes = int((appointment.ends_at - appointment.starts_at).total_seconds() // 60)
    places = _places_for([order.procedure for order in orders], appointment)
    day = timezone.localtime(appointment.starts_at).date()
    context = _picker(request, places, minutes, now_at=_place_now(appointment, places), now_on=day)
    context |= {"appointment": appointment, "orders": orders, "patient": appointment.patient}
    context["next"] = next_url(request)
    return page_or_part(request, "scheduling/appointment_reschedule.html", "slots", context)


@require(P.BOARD_VIEW)
@require_GET
def appointment_sheet(request: StaffRequest, pk: int) -> HttpResponse:
    """When, where and how to prepare: shown after booking, and printed for the patient."""
    appointment = get_object_or_404(visits(), pk=pk)
    orders = [order for order in appointment.orders.all() if order.status != OrderStatus.CANCELLED]
    texts = Preparation.objects.filter(procedure__in=[order.procedure_id for order in orders])
    language = request.GET.get("language", "")
    told = {text.procedure_id: text.text for text in texts if text.language == language}
    context = {
        "appointment": appointment,
        "lines": [(order, told.get(order.procedure_id, order.procedure.preparation)) for order in orders],
        "patient": appointment.patient,
        "is_new": request.GET.get("booked") == "1",
        "language": language,
        "languages": [(code, language_name(code)) for code in sorted({text.language for text in texts})],
    }
    return render(request, "scheduling/appointment_sheet.html", context)


def _rescheduled(request: StaffRequest, appointment: Appointment) -> HttpResponse:
    """Moved; the calendar stays open and offers to take it back."""
    before = {
        appointment_field(appointment): appointment.place.pk,
        "starts_at": appointment.starts_at.isoformat(),
        "overbook_reason": appointment.overbook_reason,
    }
    as_seen(request, appointment)
    tell = request.POST.get("tell") == "1"
    services.reschedule_appointment(appointment, by=request.user, tell_patient=tell, **_chosen(request))
    words = _("The visit of %(patient)s is now on %(time)s at %(place)s.") % {
        "patient": appointment.patient.display_name,
        "time": spoken_time(appointment.starts_at),
        "place": appointment.place,
    }
    if request.POST.get("stay") == "1":
        if tell:
            words += " " + _("The call is on the list.")
        return moved(request, words, moved_from=before | {"seen": appointment.status}, visit=appointment)
    return left(request, words, reverse("scheduling:appointment_sheet", args=[appointment.pk]))


def language_name(code: str) -> str:
    """The language in its own words, or its code when nobody knows it."""
    try:
        return str(get_language_info(code)["name_local"])
    except KeyError:
        return code


def appointment_field(appointment: Appointment) -> str:
    return "doctor" if appointment.is_consultation else "station"


def _picker(
    request: StaffRequest,
    places: Sequence[Place],
    minutes: int,
    *,
    now_at: Place | None = None,
    now_on: dt.date | None = None,
) -> dict[str, Any]:
    """Places, days and free times to choose from, as the address asks, else those of the visit."""
    place = named_place(request.GET, places) or now_at or next(iter(places), None)
    today = clinic_today()
    day = max(parse_date_or_none(request.GET.get("day", "")) or now_on or today, today)
    first = max(day - dt.timedelta(days=day.weekday()), today)
    free = free_days(place, first, LOOK_AHEAD, minutes) if place else {}
    return {
        "places": [(each, *key_of(each).split("=")) for each in places],
        "place": place,
        "place_key": key_of(place).split("=") if place else None,
        "minutes": minutes,
        "day": day,
        "days": [(each, len(free[each])) for each in list(free)[:DAYS]],
        "slots": free.get(day, []),
        "next_free": next((each for each in free if each > day and free[each]), None),
        "week_before": first - dt.timedelta(days=DAYS) if first > today else None,
        "week_after": first + dt.timedelta(days=DAYS),
        "may_overbook": request.user.can(P.APPOINTMENT_OVERBOOK),
    }


def _places_for(procedures: list[Procedure], appointment: Appointment) -> list[Place]:
    if appointment.is_consultation:
        return [place for place in bookable_places() if isinstance(place, Consultant)]
    return [*bookable_stations(procedures)]


def _place_now(appointment: Appointment, places: Sequence[Place]) -> Place | None:
    name = f"{appointment_field(appointment)}={appointment.place.pk}"
    return next((place for place in places if key_of(place) == name), None)


def _chosen(request: StaffRequest) -> dict[str, Any]:
    form = SlotForm(request.POST)
    if not form.is_valid():
        raise InvalidInput(next(iter(form.errors.values()))[0])
    chosen = form.cleaned_data
    if chosen["station"] is None and chosen["doctor"] is None:
        raise InvalidInput(_("Choose a station."))
    return {name: value for name, value in chosen.items() if value is not None}


def _asked(request: StaffRequest) -> Any:
    return request.POST if request.method == "POST" else request.GET


def parse_date_or_none(text: str) -> dt.date | None:
    """A day named in the address; nonsense means none."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return day if day and 2000 <= day.year < 2100 else None
