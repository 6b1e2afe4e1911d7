"""Examinations that machines told of and that belong to no order yet."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic.http import StaffRequest, done, require
from clinic.permissions import Permission

from ..models import PerformedStep
from ..performed_steps import dismiss_step, link_step


@require_POST
@require(Permission.STUDY_RECONCILE)
def step_link(request: StaffRequest, pk: int) -> HttpResponse:
    """A machine's examination is that of the order whose number was typed."""
    step = get_object_or_404(PerformedStep, pk=pk)
    number, reason = request.POST.get("number", ""), request.POST.get("reason", "")
    step = link_step(step, by=request.user, number=number, reason=reason)
    done(request, _("Linked: %(step)s.") % {"step": step})
    return redirect("imaging:held_list")


@require_POST
@require(Permission.STUDY_RECONCILE)
def step_dismiss(request: StaffRequest, pk: int) -> HttpResponse:
    """It belongs to no order."""
    step = dismiss_step(get_object_or_404(PerformedStep, pk=pk), by=request.user)
    done(request, _("Taken off the list: %(step)s.") % {"step": step})
    return redirect("imaging:held_list")
