"""Pages about patients."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit.models import Entry
from audit.services import record
from audit.views import Line, lines_of
from clinic.errors import Conflict, InvalidInput
from clinic.http import StaffRequest, done, is_background, part_url, require
from clinic.models import User
from clinic.permissions import Permission

from .duplicates import find_candidates
from .forms import PatientForm, initial_from_search
from .models import Patient
from .search import recent_patients, search_patients
from .services import SurelyHere, register_patient, update_patient

# What the other rooms show on the patient's page, each under that room's own permission.
PARTS = ["scheduling:patient_orders", "imaging:patient_studies", "reporting:patient_reports"]
HISTORY = 20


@require_GET
@require(Permission.PATIENT_VIEW)
def patient_list(request: StaffRequest) -> HttpResponse:
    """The search box: hits while typing, or whom this person saw last."""
    text = request.GET.get("q", "").strip()
    hits = search_patients(text, request.user)
    if text and not request.htmx:
        record(by=request.user, action="patient.searched", changes={"text": text[:200]})
        if len(hits) == 1:
            return redirect("patients:patient_detail", pk=hits[0].patient.pk)
    context = {
        "text": text,
        "hits": hits,
        "recent": [] if text else recent_patients(request.user),
        "may_edit": request.user.can(Permission.PATIENT_EDIT),
    }
    return _render(request, "patients/patient_list.html", "results", context)


@require_http_methods(["GET", "POST"])
@require(Permission.PATIENT_EDIT)
def patient_register(request: StaffRequest) -> HttpResponse:
    """A new patient; whoever is surely here already needs a reason."""
    form = PatientForm(request.POST or None, initial=initial_from_search(request.GET.get("q", "")))
    candidates = []
    if request.method == "POST" and form.is_valid():
        seen = [_number(pk) for pk in request.POST.getlist("candidate")]
        try:
            patient = register_patient(
                by=request.user,
                mrn=form.cleaned_data["mrn"],
                duplicate_reason=form.cleaned_data["duplicate_reason"],
                duplicates_seen=seen,
                **form.values(),
            )
        except SurelyHere as error:
            candidates = error.candidates
            form.add_error(None, error.message)
        except InvalidInput as error:
            form.refuse(error)
        except Conflict as error:
            form.add_error("mrn", error.message)
        else:
            done(request, _("%(patient)s is registered.") % {"patient": patient})
            return redirect("patients:patient_detail", pk=patient.pk)
    context = {"form": form, "candidates": candidates}
    return render(request, "patients/patient_register.html", context, status=422 if form.errors else 200)


@require_POST
@require(Permission.PATIENT_EDIT)
def patient_candidates(request: StaffRequest) -> HttpResponse:
    """Beside the form while it is being filled: who this may be, and how the birth date is understood."""
    form = PatientForm(request.POST)
    candidates = find_candidates(form.described())
    context = {
        "form": form,
        "candidates": candidates,
        "purpose": request.POST.get("purpose", ""),
    }
    return render(request, "patients/_candidates.html", context)


@require_http_methods(["GET", "POST"])
@require(Permission.PATIENT_EDIT)
def patient_edit(request: StaffRequest, pk: int) -> HttpResponse:
    """Change a record; when somebody else was quicker, both changes are shown and nothing is lost."""
    patient = _patient(request, pk)
    form = PatientForm(request.POST or None, patient=patient)
    version = _number(request.POST.get("version", "")) or patient.version
    meanwhile: list[Line] = []
    if request.method == "POST" and form.is_valid():
        try:
            update_patient(patient, by=request.user, version=version, **form.changed_values())
        except InvalidInput as error:
            form.refuse(error)
        except Conflict as error:
            patient = _patient(request, pk)
            meanwhile = _changes_since(patient, version)
            version = patient.version
            form = form.on_top_of(patient)
            form.add_error(None, error.message)
        else:
            done(request, _("The record is changed."))
            return redirect("patients:patient_detail", pk=pk)
    context = {"form": form, "patient": patient, "version": version, "meanwhile": meanwhile}
    return render(request, "patients/patient_edit.html", context, status=422 if form.errors else 200)


@require_GET
@require(Permission.PATIENT_VIEW)
def patient_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One person: identity, and what each room knows."""
    patient = _patient(request, pk)
    user = request.user
    if not is_background(request):
        record(by=user, action="patient.viewed", subject=patient, patient=patient)
    may_see_history = user.can(Permission.AUDIT_VIEW)
    changes = Entry.objects.for_patient(pk).exclude(action__endswith=".viewed").newest_first()
    context = {
        "patient": patient,
        "identifiers": list(patient.identifiers.all()),
        "parts": _parts(patient, user),
        "may_edit": user.can(Permission.PATIENT_EDIT),
        "may_order": user.can(Permission.ORDER_PLACE),
        "may_see_history": may_see_history,
        "history": lines_of(list(changes[:HISTORY])) if may_see_history else [],
    }
    return _render(request, "patients/patient_detail.html", "identity", context)


def _patient(request: StaffRequest, pk: int) -> Patient:
    return get_object_or_404(Patient.objects.visible_to(request.user), pk=pk)


def _parts(patient: Patient, user: User) -> list[dict[str, str]]:
    """The other rooms' parts that exist and that this person may see."""
    urls = {url_name.partition(":")[2]: part_url(user, url_name, patient.pk) for url_name in PARTS}
    return [{"name": name, "url": url} for name, url in urls.items() if url]


def _changes_since(patient: Patient, version: int) -> list[Line]:
    """What others wrote since a form was opened."""
    changes = Entry.objects.for_patient(patient.pk).filter(action="patient.changed").newest_first()
    return lines_of(list(changes[: max(patient.version - version, 0)]))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _render(request: StaffRequest, page: str, part: str, context: dict[str, object]) -> HttpResponse:
    """The page, or only its live part when htmx asks for it."""
    only_part = request.htmx and not request.htmx.history_restore_request
    return render(request, f"{page}#{part}" if only_part else page, context)
