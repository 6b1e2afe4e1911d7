"""“Use this patient”, pressed beside the form of a new one: nothing that was typed is lost."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic.errors import Conflict, InvalidInput
from clinic.http import StaffRequest, done, require
from clinic.permissions import Permission

from .forms import PatientForm
from .identities import rename_patient
from .models import Patient
from .records import open_patient
from .taking_along import offered_rows, taken_values, typed_patient


@require_POST
@require(Permission.PATIENT_EDIT)
def patient_take(request: StaffRequest, pk: int) -> HttpResponse:
    """Offer what was typed as an update, field by field; nothing to offer leads straight to the record."""
    patient = open_patient(pk, request.user)
    form = PatientForm(request.POST)
    typed = typed_patient(form)
    # The number and the reason speak of a new record, which there will not be.
    unread = [form[name] for name in form.errors if name in form.fields and form.data.get(name)]
    problem = ""
    if "confirmed" in request.POST:
        try:
            _take(request, patient, typed)
        except (Conflict, InvalidInput) as error:
            problem, patient = error.message, open_patient(pk, request.user)
        else:
            return redirect(_next(request, patient))
    rows = offered_rows(patient, typed)
    if not rows and not unread and not problem:
        return redirect(_next(request, patient))
    context = {
        "patient": patient,
        "rows": rows,
        "unread": unread,
        "problem": problem,
        "next": _next(request, patient),
        "typed": [(name, request.POST[name]) for name in [*form.fields, "purpose"] if request.POST.get(name)],
    }
    return render(request, "patients/patient_take.html", context, status=409 if problem else 200)


def _take(request: StaffRequest, patient: Patient, typed: Patient) -> None:
    changes = taken_values(patient, typed, request.POST.getlist("take"))
    seen = request.POST.get("version", "")
    version = int(seen) if seen.isdecimal() and len(seen) < 10 else 0
    if not changes:
        return
    rename_patient(patient, by=request.user, version=version, keep_name=True, **changes)
    done(request, _("The record is changed."))


def _next(request: StaffRequest, patient: Patient) -> str:
    """The record, or back to the walk-in that was begun."""
    if request.POST.get("purpose") == "walk_in":
        try:
            return f"{reverse('scheduling:walk_in')}?patient={patient.pk}"
        except NoReverseMatch:
            pass
    return reverse("patients:patient_detail", args=[patient.pk])
