"""The technician's work: who is next at a station, and the page of one examination."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from audit.services import record
from clinic.http import StaffRequest, is_background, part_url, require
from clinic.permissions import Permission as P

from ..board import make_board, make_card, visits
from ..days import clinic_today
from ..safety import safety_of
from ..statuses import BEFORE_SCAN, OrderStatus
from ..statuses import AppointmentStatus as A
from .answers import page_or_part
from .board import chosen_station


@require(P.EXAM_PERFORM)
@require_GET
def worklist(request: StaffRequest) -> HttpResponse:
    """Today at one station or all: on the table, next, expected, done."""
    board = make_board(request.user, clinic_today(), station=chosen_station(request))
    columns = {column.status: column for column in [*board.columns, *board.folded]}
    context = {
        "board": board,
        "on_table": [*columns[A.IN_SCAN].cards, *columns[A.IN_ROOM].cards],
        "waiting": columns[A.WAITING].cards,
        "expected": columns[A.BOOKED].cards,
        "done": [*columns[A.REVIEW].cards, *columns[A.COMPLETED].shown],
        "done_count": len(columns[A.REVIEW].cards) + len(columns[A.COMPLETED].cards),
    }
    return page_or_part(request, "scheduling/worklist.html", "lists", context)


@require(P.EXAM_PERFORM)
@require_GET
def exam(request: StaffRequest, pk: int) -> HttpResponse:
    """One examination: who is on the table, what is to be done, and the images as they arrive."""
    visit = get_object_or_404(visits(), pk=pk)
    card = make_card(visit, request.user)
    if not is_background(request) and not request.htmx:
        for order in card.orders:
            record(by=request.user, action="order.viewed", subject=order, patient=visit.patient)
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
    }
    return page_or_part(request, "scheduling/exam.html", "exam", context)
