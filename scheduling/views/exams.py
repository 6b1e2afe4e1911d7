"""The technician's work: who is next at a station, and the page of one examination."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET

from audit.services import record
from clinic.http import StaffRequest, is_background, part_url, require
from clinic.parts import HAVE_HEADER, parts_response, whole
from clinic.permissions import Permission as P

from ..board import next_at
from ..cards import make_card, visits
from ..safety import safety_of
from ..statuses import BEFORE_SCAN, OrderStatus
from ..statuses import AppointmentStatus as A
from ..worklist_parts import worklist_parts
from .answers import page_or_part
from .board import chosen_station

STATION = "station"  # in the session: where she works


@require(P.EXAM_PERFORM)
@require_GET
def worklist(request: StaffRequest) -> HttpResponse:
    """Today at one station or all: on the table, next, expected, done."""
    if _forgot_station(request):
        return redirect(f"{reverse('scheduling:worklist')}?station={request.session[STATION]}")
    station = chosen_station(request)
    pk = station.pk if station else None
    if request.session.get(STATION) != pk:
        request.session[STATION] = pk
    parts = worklist_parts(request.user, pk)
    if request.htmx:
        response = parts_response(request, parts)
    else:
        context = {"worklist": whole(parts), "address": request.get_full_path()}
        response = render(request, "scheduling/worklist.html", context)
    patch_vary_headers(response, ["HX-Request", HAVE_HEADER])
    return response


def _forgot_station(request: StaffRequest) -> bool:
    """The address names no station, but she has worked at one: a technician's list is that of her station."""
    return "station" not in request.GET and bool(request.session.get(STATION)) and not request.htmx


@require(P.EXAM_PERFORM)
@require_GET
def exam(request: StaffRequest, pk: int) -> HttpResponse:
    """One examination: who is on the table, what is to be done, and the images as they arrive."""
    visit = get_object_or_404(visits(), pk=pk)
    card = make_card(visit, request.user)
    if not is_background(request) and not request.htmx:
        for order in card.orders:
            record(by=request.user, action="order.viewed", subject=order, patient=visit.patient)
    following = next_at(visit)
    safety = {each.order.pk: each for each in safety_of(visit)}
    context = {
        "card": card,
        "visit": visit,
        "patient": visit.patient,
        "lines": [
            {
                "order": order,
                "safety": safety.get(order.pk),
                "images_url": part_url(request.user, "imaging:order_images", order.pk),
                "may_repeat": order.status == OrderStatus.ACQUIRED,
            }
            for order in card.orders
        ],
        "may_answer": visit.status in {*BEFORE_SCAN, A.IN_SCAN},
        "may_start": visit.status in BEFORE_SCAN,
        "is_clear": all(each.is_clear for each in safety.values()),
        "is_over": visit.status in {A.NO_SHOW, A.CANCELLED, A.COMPLETED},
        "is_done": visit.status in {A.REVIEW, A.NO_SHOW, A.CANCELLED, A.COMPLETED},
        "next_face": following,
        "next_wait": following.waits.html(timezone.now()) if following and following.waits else "",
    }
    return page_or_part(request, "scheduling/exam.html", "exam", context)
