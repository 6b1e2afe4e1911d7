"""Pages on which two records of one person become one, or are parted again."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from audit.services import record
from clinic.errors import Conflict, DomainError, InvalidInput
from clinic.http import StaffRequest, done, require
from clinic.permissions import Permission

from . import belongings
from .comparing import FIELDS, compare
from .duplicates import find_candidates
from .merging import merge_patients, undo_merge, undo_refusals
from .models import Patient, PatientMerge
from .records import open_patient
from .search import search_patients
from .services import describe


@require_GET
@require(Permission.PATIENT_MERGE)
def patient_merge_choose(request: StaffRequest, pk: int) -> HttpResponse:
    """With which record? Those that look like the same person, or whoever is searched for."""
    patient = open_patient(pk, request.user)
    text = request.GET.get("q", "").strip()
    if text:
        found = [(hit.patient, [str(hit.why)]) for hit in search_patients(text, request.user)]
    else:
        numbers = patient.identifiers.values_list("issuer", "value")
        found = [(one.patient, one.reasons) for one in find_candidates(describe(patient, numbers))]
    context = {"patient": patient, "text": text, "found": [one for one in found if one[0].pk != pk]}
    return render(
        request,
        "patients/merge_choose.html#found" if request.htmx else "patients/merge_choose.html",
        context,
    )


@require_http_methods(["GET", "POST"])
@require(Permission.PATIENT_MERGE)
def patient_merge(request: StaffRequest, pk: int, other: int) -> HttpResponse:
    """Both records side by side; ``pk`` keeps its number, the other one's leads to it from then on."""
    survivor, alias = open_patient(pk, request.user), open_patient(other, request.user)
    if survivor == alias:
        raise InvalidInput(_("This is the same record twice. Choose another one."))
    choices = {name: request.POST[f"keep-{name}"] for name in FIELDS if f"keep-{name}" in request.POST}
    problem: DomainError | None = None
    if request.method == "POST":
        try:
            merge = merge_patients(
                survivor,
                alias,
                by=request.user,
                choices=choices,
                versions=(_number(request, "survivor-version"), _number(request, "alias-version")),
                reason=request.POST.get("reason", ""),
            )
        except (Conflict, InvalidInput) as error:
            # Who was looked at may have changed; what was chosen and typed stays.
            survivor, alias = open_patient(pk, request.user), open_patient(other, request.user)
            problem = error
        else:
            done(request, _("%(alias)s is merged into this record.") % {"alias": merge.alias})
            return redirect("patients:patient_detail", pk)
    else:
        record(by=request.user, action="patient.viewed", subject=alias, patient=alias)
    context = _compared(survivor, alias, choices) | {
        "problem": problem,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "patients/merge.html", context, status=problem.status if problem else 200)


@require_http_methods(["GET", "POST"])
@require(Permission.PATIENT_MERGE)
def patient_merge_undo(request: StaffRequest, pk: int) -> HttpResponse:
    """Part two records again, if nothing has come in between."""
    merges = PatientMerge.objects.select_related("survivor__merged_into", "alias", "merged_by")
    merge = get_object_or_404(merges, pk=pk)
    problem: DomainError | None = None
    if request.method == "POST":
        try:
            undo_merge(merge, by=request.user, reason=request.POST.get("reason", ""))
        except (Conflict, InvalidInput) as error:
            problem = error
        else:
            done(request, _("The merge is undone: both records are as they were."))
            return redirect("patients:patient_detail", merge.alias_id)
    back = [
        kind.counted(len(merge.moved[kind.model])) for kind in belongings.kinds() if kind.model in merge.moved
    ]
    context = {
        "merge": merge,
        "back": back,
        "refusals": undo_refusals(merge, survivor=merge.survivor, alias=merge.alias),
        "problem": problem,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "patients/merge_undo.html", context, status=problem.status if problem else 200)


def merges_of(patient: Patient) -> list[PatientMerge]:
    """Merges into ``patient`` that stand, for its page."""
    merges = patient.merges.standing()  # type: ignore[attr-defined]
    return list(merges.select_related("alias", "merged_by"))


def _compared(survivor: Patient, alias: Patient, choices: dict[str, str]) -> dict[str, Any]:
    """Both records and what a merge would do, as ``patients/merge.html`` shows it."""
    rows = compare(survivor, alias, choices)
    return {
        "survivor": survivor,
        "alias": alias,
        "differing": [row for row in rows if row.differs],
        "equal": [row for row in rows if not row.differs],
        "doubts": [row.label for row in rows if row.is_doubt],
        "moving": belongings.counted_of(alias.pk),
        "staying": belongings.counted_of(survivor.pk),
        "refusals": belongings.merge_refusals([survivor.pk, alias.pk]),
    }


def _number(request: StaffRequest, name: str) -> int:
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0
