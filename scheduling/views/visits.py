"""The steps of a visit: one button, one service, one sentence about what happened and what comes next."""

from collections.abc import Callable
from functools import partial

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.http import StaffRequest, require
from clinic.permissions import Permission as P

from .. import services
from ..models import Appointment
from ..statuses import STEP_BACK
from .answers import as_seen, left, moved
from .reasons import ask_reason

Service = Callable[..., Appointment]


@require(P.APPOINTMENT_CHECK_IN)
@require_POST
def appointment_check_in(request: StaffRequest, pk: int) -> HttpResponse:
    words = _("%(patient)s is checked in. Next: called in for %(station)s.")
    return _step(request, pk, services.check_in_appointment, words)


@require(P.EXAM_PERFORM, P.CONSULTATION_HOLD)
@require_POST
def appointment_call_in(request: StaffRequest, pk: int) -> HttpResponse:
    words = _("%(patient)s is in the room. Next: check the name and the birth date, then start.")
    return _step(request, pk, services.call_in_appointment, words)


@require(P.EXAM_PERFORM)
@require_POST
def appointment_start(request: StaffRequest, pk: int) -> HttpResponse:
    words = _("%(patient)s is being examined. Next: when all images are here, “Ready for review”.")
    reason = request.POST.get("emergency_reason", "")
    return _step(request, pk, partial(services.start_examination, emergency_reason=reason), words)


@require(P.EXAM_PERFORM)
@require_POST
def appointment_finish(request: StaffRequest, pk: int) -> HttpResponse:
    words = _("%(patient)s is ready for review. The radiologists have it in their list now.")
    return _step(request, pk, services.finish_examination, words)


@require(P.EXAM_PERFORM, P.CONSULTATION_HOLD)
@require_POST
def appointment_complete(request: StaffRequest, pk: int) -> HttpResponse:
    return _step(request, pk, services.complete_appointment, _("The visit of %(patient)s is completed."))


@require(P.APPOINTMENT_CHECK_IN)
@require_POST
def appointment_no_show(request: StaffRequest, pk: int) -> HttpResponse:
    words = _("%(patient)s did not come. What was ordered can be booked again.")
    return _step(request, pk, services.mark_no_show, words)


@require(P.APPOINTMENT_CHECK_IN, P.EXAM_PERFORM, P.APPOINTMENT_BOOK, P.CONSULTATION_HOLD)
@require_POST
def appointment_undo(request: StaffRequest, pk: int) -> HttpResponse:
    words = _("One step back: the visit of %(patient)s is at “%(state)s” again.")
    return _step(request, pk, services.step_back, words, can_undo=False)


@require(P.APPOINTMENT_BOOK)
@require_http_methods(["GET", "POST"])
def appointment_cancel(request: StaffRequest, pk: int) -> HttpResponse:
    appointment = _visit(pk)
    if request.method == "POST":
        as_seen(request, appointment)
        services.cancel_appointment(appointment, by=request.user, reason=request.POST.get("reason", ""))
        words = _("The visit of %(patient)s is cancelled. What was ordered can be booked again.")
        return left(request, words % _names(appointment), reverse("scheduling:board"))
    return ask_reason(
        request,
        title=_("Cancel the visit"),
        subject=appointment,
        note=_("Its time becomes free, and what was ordered can be booked again."),
        button=_("Cancel the visit"),
        frequent=[_("Patient called off"), _("Patient is ill"), _("Station out of order"), _("Staff is ill")],
    )


def _step(
    request: StaffRequest, pk: int, service: Service, words: str, *, can_undo: bool = True
) -> HttpResponse:
    appointment = _visit(pk)
    as_seen(request, appointment)
    service(appointment, by=request.user)
    undo = appointment if can_undo and appointment.status in STEP_BACK else None
    return moved(request, words % _names(appointment), undo=undo)


def _visit(pk: int) -> Appointment:
    return get_object_or_404(Appointment.objects.select_related("patient", "station", "doctor"), pk=pk)


def _names(appointment: Appointment) -> dict[str, object]:
    return {
        "patient": appointment.patient.display_name,
        "station": appointment.place,
        "state": appointment.get_status_display(),
    }
