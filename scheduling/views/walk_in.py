"""The walk-in: one short page from the door to the waiting room."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from clinic.errors import InvalidInput
from clinic.http import StaffRequest, require
from clinic.permissions import Permission as P
from patients.forms import PatientForm
from patients.models import Patient
from patients.records import open_patient
from patients.search import search_patients
from patients.services import SurelyHere

from .. import services
from ..days import spoken_clock
from ..forms import WalkInForm
from ..models import Appointment
from .answers import left, page_or_part

MAY_WALK_IN = P.APPOINTMENT_CHECK_IN


@require(MAY_WALK_IN)
@require_http_methods(["GET", "POST"])
def walk_in(request: StaffRequest) -> HttpResponse:
    """Find or register the patient, order, book the next free minute, check in: one button."""
    patient = known_patient(request)
    form = WalkInForm(request.POST or None)
    patient_form = PatientForm(request.POST or None) if patient is None else None
    candidates: list[Any] = []
    if request.method == "POST" and all_valid(form, patient_form):
        try:
            return _received(request, _take_in(request, form, patient, patient_form))
        except SurelyHere as error:
            candidates = error.candidates
            if patient_form is not None:
                patient_form.add_error(None, error.message)
        except InvalidInput as error:
            refuse(error, form, patient_form)
    context = {"form": form, "patient_form": patient_form, "patient": patient, "candidates": candidates}
    return page_or_part(request, "scheduling/walk_in.html", "form", context)


@require(MAY_WALK_IN)
@require_GET
def walk_in_patients(request: StaffRequest) -> HttpResponse:
    """Who is found while the name is typed."""
    text = request.GET.get("q", "").strip()
    hits = search_patients(text, request.user, limit=6)
    return render(request, "scheduling/walk_in_patients.html", {"text": text, "hits": hits})


def known_patient(request: StaffRequest) -> Patient | None:
    pk = request.POST.get("patient") or request.GET.get("patient") or ""
    if not pk.isdecimal() or len(pk) > 9:
        return None
    return open_patient(int(pk), request.user)


def all_valid(*forms: Any) -> bool:
    """Every form is looked at, so that all mistakes show at once."""
    verdicts = [form.is_valid() for form in forms if form is not None]
    return all(verdicts)


def _take_in(
    request: StaffRequest, form: WalkInForm, patient: Patient | None, patient_form: PatientForm | None
) -> Appointment:
    return services.walk_in_patient(
        by=request.user,
        patient=patient,
        new_patient=new_patient_values(request, patient_form),
        station=form.cleaned_data["station"],
        **form.values(),
    )


def new_patient_values(request: StaffRequest, patient_form: PatientForm | None) -> dict[str, Any] | None:
    """What ``register_patient`` takes, when somebody is registered here."""
    if patient_form is None:
        return None
    seen = [int(pk) for pk in request.POST.getlist("candidate") if pk.isdecimal()]
    return patient_form.values() | {
        "mrn": patient_form.cleaned_data["mrn"],
        "duplicate_reason": patient_form.cleaned_data["duplicate_reason"],
        "duplicates_seen": seen,
    }


def _received(request: StaffRequest, appointment: Appointment) -> HttpResponse:
    words = _(
        "%(patient)s is registered, ordered and checked in: %(station)s at %(time)s, number %(number)s. "
        "Next: the technician calls in."
    )
    names = {
        "patient": appointment.patient,
        "station": appointment.station,
        "time": spoken_clock(appointment.starts_at),
        "number": appointment.orders.get().accession_number,
    }
    return left(request, words % names, reverse("scheduling:board"))


def refuse(error: InvalidInput, form: Any, patient_form: PatientForm | None) -> None:
    if error.field in form.fields or patient_form is None:
        form.add_error(error.field if error.field in form.fields else None, error.message)
    else:
        patient_form.refuse(error)
