"""Closed times: holidays, maintenance, absence; and who is booked in them."""

import datetime as dt

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.errors import InvalidInput
from clinic.http import StaffRequest, require
from clinic.permissions import Permission as P

from .. import services
from ..closures import VisitsInTheWay, closures_between, visits_in_closed_times
from ..forms import ClosureForm
from ..models import Appointment, Closure
from .answers import left

AHEAD = dt.timedelta(days=366)


@require(P.APPOINTMENT_BOOK)
@require_http_methods(["GET", "POST"])
def closure_list(request: StaffRequest) -> HttpResponse:
    """What is closed from now on, a form for more, and the visits that have to be moved."""
    form = ClosureForm(request.POST or None, initial=request.GET.dict())
    in_the_way: list[Appointment] = []
    if request.method == "POST" and form.is_valid():
        try:
            closure = services.add_closure(by=request.user, **form.values())
            words = _("Closed: %(place)s. Nobody can be booked there in that time.")
            return left(request, words % {"place": closure.place}, reverse("scheduling:closure_list"))
        except VisitsInTheWay as error:
            in_the_way = error.visits
            form.add_error("despite_visits", error.message)
        except InvalidInput as error:
            form.add_error(error.field, error.message)
    now = timezone.now()
    context = {
        "form": form,
        "in_the_way": in_the_way,
        "closures": list(closures_between(now, now + AHEAD).select_related("station", "doctor")),
        "to_move": visits_in_closed_times(now, now + AHEAD),
    }
    return render(request, "scheduling/closure_list.html", context)


@require(P.APPOINTMENT_BOOK)
@require_POST
def closure_remove(request: StaffRequest, pk: int) -> HttpResponse:
    closure = get_object_or_404(Closure, pk=pk)
    place = closure.place
    services.remove_closure(closure, by=request.user)
    return left(request, _("Open again: %(place)s.") % {"place": place}, reverse("scheduling:closure_list"))
