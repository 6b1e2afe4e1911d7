"""Pages about patients."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit.models import Entry
from audit.services import record
from audit.views import Line, lines_of
from clinic.errors import Conflict, InvalidInput
from clinic.http import StaffRequest, done, require
from clinic.permissions import Permission

from .duplicates import find_candidates
from .forms import PatientForm, initial_from_search
from .identities import rename_patient
from .models import Patient
from .records import Merged, open_patient
from .search import LIMIT, Hit, recent_patients, search_patients
from .services import SurelyHere, register_patient

QUICK = 7  # hits under the search box of every page
# What moves a record on to its next version.
WRITING = ["patient.changed", "patient.merged", "patient.merge_undone"]


@require_GET
@require(Permission.PATIENT_VIEW)
def patient_list(request: StaffRequest) -> HttpResponse:
    """The search box: hits while typing, or whom this person saw last."""
    text = request.GET.get("q", "").strip()
    hits = search_patients(text, request.user)
    if text and not request.htmx:
        record(by=request.user, action="patient.searched", changes={"text": text[:200]})
        if len(hits) == 1:
            return redirect(hits[0])
    context = {
        "text": text,
        "hits": hits,
        "are_more": len(hits) >= LIMIT,
        "recent": [] if text else recent_patients(request.user),
        "may_edit": request.user.can(Permission.PATIENT_EDIT),
    }
    return _render(request, "patients/patient_list.html", "results", context)


@require_GET
@require(Permission.PATIENT_VIEW)
def patient_quick(request: StaffRequest) -> HttpResponse:
    """Under the search box in the head of every page: the first hits, or whom this person saw last."""
    text = request.GET.get("q", "").strip()
    hits = search_patients(text, request.user, limit=QUICK) if text else []
    recent = [] if text else [Hit(patient, "") for patient in recent_patients(request.user, limit=QUICK)]
    context = {"text": text, "hits": hits or recent, "may_edit": request.user.can(Permission.PATIENT_EDIT)}
    return render(request, "patients/_quick.html", context)


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
    posted = request.POST if request.method == "POST" else None
    try:
        patient = open_patient(pk, request.user)
    except Merged as merged:
        if posted is None:
            return redirect("patients:patient_edit", merged.survivor.pk)
        return _edit_survivor(request, merged)
    form = PatientForm(posted, patient=patient)
    version = _number(request.POST.get("version", "")) or patient.version
    meanwhile: list[Line] = []
    if posted is not None and form.is_valid():
        try:
            keep_name = "keep_name" in request.POST
            rename_patient(
                patient, by=request.user, version=version, keep_name=keep_name, **form.changed_values()
            )
        except InvalidInput as error:
            form.refuse(error)
        except Merged as merged:
            return _edit_survivor(request, merged)
        except Conflict as error:
            patient = open_patient(pk, request.user)
            meanwhile = _changes_since(patient, version)
            version = patient.version
            form = form.on_top_of(patient)
            form.add_error(None, error.message)
        else:
            done(request, _("The record is changed."))
            return redirect("patients:patient_detail", pk=pk)
    context = {"form": form, "patient": patient, "version": version, "meanwhile": meanwhile}
    return render(request, "patients/patient_edit.html", context, status=422 if form.errors else 200)


def _edit_survivor(request: StaffRequest, merged: Merged) -> HttpResponse:
    """What was typed for a record that has become a part of another is offered for that one."""
    survivor = open_patient(merged.survivor.pk, request.user)
    form = PatientForm(request.POST, patient=merged.patient)
    form.is_valid()
    form = form.on_top_of(survivor)
    form.add_error(None, merged.message)
    context = {"form": form, "patient": survivor, "version": survivor.version, "meanwhile": []}
    return render(request, "patients/patient_edit.html", context, status=422)


def _changes_since(patient: Patient, version: int) -> list[Line]:
    """What others wrote since a form was opened."""
    changes = Entry.objects.for_patient(patient.pk).filter(action__in=WRITING).newest_first()
    return lines_of(list(changes[: max(patient.version - version, 0)]))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _render(request: StaffRequest, page: str, part: str, context: dict[str, object]) -> HttpResponse:
    """The page, or only its live part when htmx asks for it."""
    only_part = request.htmx and not request.htmx.history_restore_request
    return render(request, f"{page}#{part}" if only_part else page, context)
