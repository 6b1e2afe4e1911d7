"""Held images: the list, the page on which one study is decided upon, the decisions and their undoing."""

from collections.abc import Callable
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from clinic.errors import InvalidInput
from clinic.http import StaffRequest, done, require
from clinic.permissions import Permission
from patients.duplicates import find_candidates
from patients.forms import PatientForm
from patients.models import Patient
from patients.records import open_patient
from patients.services import SurelyHere
from scheduling.models import Order

from .. import decisions
from ..forms import HeldOrderForm, initial_from_images
from ..held import (
    default_target,
    find_target,
    find_targets,
    held_studies,
    recent_decisions,
    suggested_orders,
    target_order,
    target_patient,
)
from ..identity import Identity, find_patient
from ..models import Quarantined, Study, StudyDecision
from ..overview import strips_of
from ..performed_steps import unlinked_steps
from ..undoing import undo_decision

PAGE = 20
DECIDED_SHOWN = 10
STEPS_SHOWN = 200
CHOICES = ("this", "other", "new_order", "new_patient", "unknown", "discard")


@require_GET
@require(Permission.STUDY_RECONCILE)
def held_list(request: StaffRequest) -> HttpResponse:
    """Everything that waits for a person, and what was decided lately."""
    page = Paginator(held_studies(request.user), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "decided": recent_decisions(request.user, timezone.now())[:DECIDED_SHOWN],
        "quarantined_count": Quarantined.objects.open().count(),
        "steps": unlinked_steps()[:STEPS_SHOWN],
    }
    template = "imaging/held_list.html"
    return render(request, f"{template}#lists" if request.htmx else template, context)


@require_GET
@require(Permission.STUDY_RECONCILE)
def held_study(request: StaffRequest, pk: int) -> HttpResponse:
    """One study beside the record where it could go, and every choice there is."""
    study = held_studies(request.user).filter(pk=pk).first()
    if study is None:
        get_object_or_404(Study, pk=pk)
        done(request, _("Somebody has decided about these images already."))
        return redirect("imaging:held_list")
    return _page(request, study, request.GET.get("as", ""))


@require_GET
@require(Permission.STUDY_RECONCILE)
def held_state(request: StaffRequest, pk: int) -> HttpResponse:
    """The part of that page which follows what happens meanwhile."""
    study = get_object_or_404(Study, pk=pk)
    decision = study.decisions.filter(undone_at=None).select_related("by").order_by("-pk").first()
    return render(request, "imaging/_held_state.html", {"study": study, "decision": decision})


@require_POST
@require(Permission.STUDY_RECONCILE)
def study_resolve(request: StaffRequest, pk: int) -> HttpResponse:
    """File the study with the order or the patient that was shown."""
    study = get_object_or_404(Study, pk=pk)
    order = get_object_or_404(Order, pk=_pk(request, "order")) if request.POST.get("order") else None
    patient = None if order else open_patient(_pk(request, "patient"), request.user)
    reason = request.POST.get("reason", "")
    study = decisions.resolve_held_study(study, by=request.user, order=order, patient=patient, reason=reason)
    return _decided(request, study)


@require_POST
@require(Permission.STUDY_RECONCILE)
def study_new_order(request: StaffRequest, pk: int) -> HttpResponse:
    """Place an order for a patient and file the study with it."""
    study = get_object_or_404(Study, pk=pk)
    patient = open_patient(_pk(request, "patient"), request.user)
    form = HeldOrderForm(request.POST, study=study)

    def decide() -> Study:
        return decisions.file_with_new_order(
            study,
            by=request.user,
            patient=patient,
            reason=form.cleaned_data["reason"],
            **form.order_values(),
        )

    return _decide_or_show(request, study, "new_order", form, decide)


@require_POST
@require(Permission.STUDY_RECONCILE)
def study_new_patient(request: StaffRequest, pk: int) -> HttpResponse:
    """Register the person in the images, perhaps with an order, and file the study."""
    study = get_object_or_404(Study, pk=pk)
    person = PatientForm(request.POST)
    form = HeldOrderForm(request.POST, study=study, is_optional=True)
    if not (person.is_valid() and form.is_valid()):
        return _page(request, study, "new_patient", form=form, person=person)
    try:
        study = decisions.file_with_new_patient(
            study,
            by=request.user,
            mrn=person.cleaned_data["mrn"],
            duplicate_reason=person.cleaned_data["duplicate_reason"],
            duplicates_seen=[int(one) for one in request.POST.getlist("candidate") if one.isdecimal()],
            **form.order_values(),
            **person.values(),
        )
    except SurelyHere as error:
        person.add_error(None, error.message)
        return _page(request, study, "new_patient", form=form, person=person, candidates=error.candidates)
    except InvalidInput as error:
        person.refuse(error)
        return _page(request, study, "new_patient", form=form, person=person)
    return _decided(request, study)


@require_POST
@require(Permission.STUDY_RECONCILE)
def study_unknown(request: StaffRequest, pk: int) -> HttpResponse:
    """Let the study be read under a placeholder."""
    study = get_object_or_404(Study, pk=pk)
    form = HeldOrderForm(request.POST, study=study)

    def decide() -> Study:
        return decisions.file_as_unknown(study, by=request.user, **form.order_values())

    return _decide_or_show(request, study, "unknown", form, decide)


@require_POST
@require(Permission.STUDY_RECONCILE)
def study_discard(request: StaffRequest, pk: int) -> HttpResponse:
    """Nobody's images: the second step, with the reason."""
    study = get_object_or_404(Study, pk=pk)
    decisions.discard_study(study, by=request.user, reason=request.POST.get("reason", ""))
    done(request, _("Discarded. The files are kept: “Decided lately” below brings the images back."))
    return _back(request)


@require_POST
@require(Permission.STUDY_RECONCILE)
def decision_undo(request: StaffRequest, pk: int) -> HttpResponse:
    """Everything about the study as it was before the decision."""
    decision = get_object_or_404(StudyDecision, pk=pk)
    study = undo_decision(decision, by=request.user)
    done(request, _("Taken back: these images wait for a decision again."))
    return _back(request, reverse("imaging:held_study", args=[study.pk]))


# --- the page -----------------------------------------------------------------------------------------


def _page(request: StaffRequest, study: Study, choice: str, **given: Any) -> HttpResponse:
    default = default_target(study)
    if choice not in CHOICES:
        choice = "this" if default is not None else "other"
    context = {
        "study": study,
        "strips": strips_of([study])[study.pk],
        "default": default,
        "choice": choice,
        "may_register": request.user.can(Permission.PATIENT_EDIT),
        **_CONTEXTS[choice](request, study, default),
        **given,
    }
    return render(request, "imaging/held_study.html", context, status=422 if given else 200)


def _this(request: StaffRequest, study: Study, default: Any) -> dict[str, Any]:
    order, patient = request.GET.get("order", ""), request.GET.get("patient", "")
    if number := request.GET.get("number", ""):
        return {"target": find_target(study, number)}
    if order.isdecimal() and len(order) < 18:
        found = get_object_or_404(Order.objects.select_related("patient", "procedure"), pk=int(order))
        return {"target": target_order(study, found)}
    if patient.isdecimal() and len(patient) < 18:
        current = get_object_or_404(Patient.objects.current(), pk=int(patient))
        return {"target": target_patient(study, current)}
    return {"target": default}


def _other(request: StaffRequest, study: Study, default: Any) -> dict[str, Any]:
    text = " ".join(request.GET.get("text", "").replace("\0", "").split())
    found = find_targets(study, text, request.user) if text else []
    if text:
        return {"text": text, "found": found, "suggested": []}
    named = find_patient(Identity.of_study(study))
    patients = [named] if named is not None else []
    orders = suggested_orders(study, [*patients, *([default.patient] if default else [])])
    suggested = [target_order(study, order) for order in orders]
    suggested += [target_patient(study, patient) for patient in patients]
    return {"text": text, "found": found, "suggested": suggested}


def _new_order(request: StaffRequest, study: Study, default: Any) -> dict[str, Any]:
    text = request.POST.get("patient", "") or request.GET.get("patient", "")
    patient = Patient.objects.current().filter(pk=int(text)).first() if text.isdecimal() else None
    patient = patient or find_patient(Identity.of_study(study)) or (default.patient if default else None)
    target = target_patient(study, patient) if patient is not None else None
    return {"target": target, "form": HeldOrderForm(study=study)}


def _new_patient(request: StaffRequest, study: Study, default: Any) -> dict[str, Any]:
    initial = initial_from_images(study)
    described = PatientForm(initial | {"sex": initial["sex"] or "U"}).described()
    return {
        "person": PatientForm(initial=initial),
        "form": HeldOrderForm(study=study, is_optional=True),
        "candidates": find_candidates(described),
    }


def _unknown(request: StaffRequest, study: Study, default: Any) -> dict[str, Any]:
    initial = {"priority": "stat", "indication": _("Emergency: the patient is not known yet")}
    return {"form": HeldOrderForm(study=study, initial=initial)}


def _discard(request: StaffRequest, study: Study, default: Any) -> dict[str, Any]:
    return {}


_CONTEXTS: dict[str, Callable[[StaffRequest, Study, Any], dict[str, Any]]] = {
    "this": _this,
    "other": _other,
    "new_order": _new_order,
    "new_patient": _new_patient,
    "unknown": _unknown,
    "discard": _discard,
}


# --- answers ------------------------------------------------------------------------------------------


def _decide_or_show(
    request: StaffRequest, study: Study, choice: str, form: HeldOrderForm, decide: Callable[[], Study]
) -> HttpResponse:
    """Decide when the form can be read; else, or when the decision refuses a field, show it there."""
    if form.is_valid():
        try:
            return _decided(request, decide())
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    return _page(request, study, choice, form=form)


def _decided(request: StaffRequest, study: Study) -> HttpResponse:
    words = {"patient": study.patient, "order": study.order.accession_number if study.order else ""}
    if study.order is not None:
        done(request, _("Filed with %(patient)s, order %(order)s.") % words)
    else:
        done(request, _("Filed with %(patient)s.") % words)
    return _back(request)


def _back(request: StaffRequest, url: str = "") -> HttpResponse:
    url = url or reverse("imaging:held_list")
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)


def _pk(request: StaffRequest, name: str) -> int:
    text = request.POST.get(name, "")
    if not text.isdecimal() or len(text) > 18:
        raise InvalidInput(_("Say with which order or patient: look one up first."))
    return int(text)
