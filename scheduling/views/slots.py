"""A free time that was chosen in the calendar: whom to book into it, and for what."""

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from clinic.errors import InvalidInput
from clinic.http import StaffRequest, require
from clinic.permissions import Permission as P
from patients.forms import PatientForm
from patients.models import Patient
from patients.search import search_patients
from patients.services import SurelyHere

from .. import services
from ..agenda import key_of
from ..forms import ConsultationForm, OrderForm
from ..models import Appointment, Consultant, Order, Place, Station
from ..places import bookable_places, named_place
from .answers import go_to, page_or_part
from .walk_in import all_valid, known_patient, new_patient_values, refuse

PASSED = dt.timedelta(minutes=15)  # how long after its beginning a free time is still offered


@require(P.APPOINTMENT_BOOK)
@require_http_methods(["GET", "POST"])
def slot_book(request: StaffRequest) -> HttpResponse:
    """Find or register the patient, then book what is ordered already, a new order, or a consultation."""
    place = named_place(request.GET, bookable_places())
    if place is None:
        return go_to(request, reverse("scheduling:calendar"))
    at = _time(request.GET.get("at", ""))
    patient = known_patient(request)
    waiting = _waiting_orders(patient, place)
    form, patient_form = _forms(request, place, patient)
    candidates: list[Any] = []
    if request.method == "POST" and "order" in request.POST and patient is not None:
        chosen = [order for order in waiting if str(order.pk) in request.POST.getlist("order")]
        return _booked(request, _book_orders(request, patient, place, at, chosen))
    if request.method == "POST" and all_valid(form, patient_form):
        try:
            return _booked(request, _book_new(request, place, at, form, patient, patient_form))
        except SurelyHere as error:
            candidates = error.candidates
            if patient_form is not None:
                patient_form.add_error(None, error.message)
        except InvalidInput as error:
            refuse(error, form, patient_form)
    context = {"place": place, "at": at, "patient": patient, "waiting": waiting, "form": form}
    context |= {"patient_form": patient_form, "candidates": candidates, "slot": _address(place, at)}
    context["is_consultation"] = isinstance(place, Consultant)
    return page_or_part(request, "scheduling/slot_book.html", "form", context)


@require(P.APPOINTMENT_BOOK)
@require_GET
def slot_patients(request: StaffRequest) -> HttpResponse:
    """Who is found while the name is typed."""
    text = request.GET.get("q", "").strip()
    hits = search_patients(text, request.user, limit=6)
    slot = request.GET.get("slot", "")
    return render(request, "scheduling/slot_patients.html", {"text": text, "hits": hits, "slot": slot})


def _forms(request: StaffRequest, place: Place, patient: Patient | None) -> tuple[Any, PatientForm | None]:
    data = request.POST if request.method == "POST" and "order" not in request.POST else None
    patient_form = PatientForm(data) if patient is None else None
    if isinstance(place, Consultant):
        return ConsultationForm(data, initial={"minutes": place.minutes}), patient_form
    return OrderForm(data, at=place), patient_form


def _book_orders(
    request: StaffRequest, patient: Patient, place: Place, at: dt.datetime, orders: list[Order]
) -> Appointment:
    if not orders or not isinstance(place, Station):
        raise InvalidInput(_("Tick what is to be done, or order something new."))
    return services.book_appointment(
        patient,
        by=request.user,
        station=place,
        starts_at=at,
        orders=orders,
        overbook_reason=request.POST.get("overbook_reason", ""),
    )


def _book_new(
    request: StaffRequest,
    place: Place,
    at: dt.datetime,
    form: Any,
    patient: Patient | None,
    patient_form: PatientForm | None,
) -> Appointment:
    new = new_patient_values(request, patient_form)
    if isinstance(place, Station):
        return services.book_new_order(
            by=request.user, station=place, starts_at=at, patient=patient, new_patient=new, **form.values()
        )
    return services.book_new_consultation(
        by=request.user,
        doctor=place.doctor,
        starts_at=at,
        patient=patient,
        new_patient=new,
        **form.cleaned_data,
    )


def _booked(request: StaffRequest, appointment: Appointment) -> HttpResponse:
    sheet = reverse("scheduling:appointment_sheet", args=[appointment.pk])
    return go_to(request, f"{sheet}?booked=1")


def _waiting_orders(patient: Patient | None, place: Place) -> list[Order]:
    """What the patient has ordered and not booked, as far as it is done here."""
    if patient is None or not isinstance(place, Station):
        return []
    orders = Order.objects.for_patient(patient).open().with_visit().newest_first()
    return [order for order in orders if order.needs_time and place.does(order.procedure)]


def _time(text: str) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            _("The time was read as “%(text)s”; accepted is 2026-11-21T10:15.") % {"text": text}
        ) from None
    if timezone.is_naive(at):
        at = timezone.make_aware(at)
    if at < timezone.now() - PASSED:
        raise InvalidInput(_("That time has passed. Choose a later one."))
    return at


def _address(place: Place, at: dt.datetime) -> str:
    return f"{key_of(place)}&{urlencode({'at': at.isoformat()})}"
