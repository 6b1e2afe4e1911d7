"""Calls to make: reminders of what is to come, and whoever has no date any more."""

import datetime as dt

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from clinic.http import StaffRequest, require
from clinic.permissions import Permission as P

from .. import services
from ..days import clinic_today
from ..models import Appointment, CallOutcome
from ..reminders import calls_to_make, visits_to_call_back
from ..statuses import AppointmentStatus
from .answers import go_to, moved, page_or_part
from .booking import parse_date_or_none

LONGEST_LIST = 200
REMINDER_OUTCOMES = [
    CallOutcome.CONFIRMED,
    CallOutcome.MESSAGE_LEFT,
    CallOutcome.NOT_REACHED,
    CallOutcome.WRONG_NUMBER,
    CallOutcome.OTHER_TIME,
    CallOutcome.DECLINED,
]
CALL_BACK_OUTCOMES = [
    CallOutcome.NOT_REACHED,
    CallOutcome.MESSAGE_LEFT,
    CallOutcome.WRONG_NUMBER,
    CallOutcome.OTHER_TIME,
    CallOutcome.DECLINED,
]


@require(P.APPOINTMENT_BOOK)
@require_GET
def call_list(request: StaffRequest) -> HttpResponse:
    """Who is to be reminded, up to a day; printed when the telephone stands elsewhere."""
    today = clinic_today()
    day = max(parse_date_or_none(request.GET.get("day", "")) or today, today)
    messages = list(calls_to_make(day)[:LONGEST_LIST])
    context = {
        "messages_due": messages,
        "day": day,
        "today": today,
        "tomorrow": today + dt.timedelta(days=1),
        "outcomes": [(outcome.value, outcome.label) for outcome in REMINDER_OUTCOMES],
        "call_back_count": visits_to_call_back().count(),
    }
    return page_or_part(request, "scheduling/call_list.html", "calls", context)


@require(P.APPOINTMENT_BOOK)
@require_GET
def call_back_list(request: StaffRequest) -> HttpResponse:
    """Who did not come or was cancelled and has no new date yet."""
    context = {
        "visits": list(visits_to_call_back()[:LONGEST_LIST]),
        "outcomes": [(outcome.value, outcome.label) for outcome in CALL_BACK_OUTCOMES],
        "due_count": calls_to_make(clinic_today()).count(),
    }
    return page_or_part(request, "scheduling/call_back_list.html", "calls", context)


@require(P.APPOINTMENT_BOOK)
@require_POST
def appointment_call(request: StaffRequest, pk: int) -> HttpResponse:
    """Note what came of a call; what the patient wants is the next step."""
    appointment = get_object_or_404(Appointment.objects.select_related("patient"), pk=pk)
    call = services.record_call(
        appointment,
        by=request.user,
        outcome=request.POST.get("outcome", ""),
        note=request.POST.get("note", ""),
    )
    words = _("%(patient)s: %(outcome)s.") % {
        "patient": appointment.patient.display_name,
        "outcome": call.get_outcome_display(),
    }
    if call.outcome == CallOutcome.OTHER_TIME and appointment.status == AppointmentStatus.BOOKED:
        other_time = reverse("scheduling:appointment_reschedule", args=[pk])
        return go_to(request, f"{other_time}?next={reverse('scheduling:call_list')}")
    return moved(request, words, back_to=reverse("scheduling:call_list"))
