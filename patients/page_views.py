"""The page of one patient: who it is, everything that happened, and a summary to print."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from audit.services import record
from clinic.http import StaffRequest, is_background, part_url, require
from clinic.permissions import Permission

from .merge_views import merges_of
from .models import Patient
from .records import Merged, open_patient
from .timeline import FIRST, Kind, by_day, kinds_for, moments_of

# Where the room itself shows more of a kind than a timeline does, under that room's own permission.
PARTS = {
    Kind.ORDERS: "scheduling:patient_orders",
    Kind.STUDIES: "imaging:patient_studies",
    Kind.REPORTS: "reporting:patient_reports",
}
MOST = 2000
SUMMARY_LINES = 25


@require_GET
@require(Permission.PATIENT_VIEW)
def patient_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One person: identity, and the timeline filtered by ``?kind=``."""
    try:
        patient = open_patient(pk, request.user)
    except Merged as merged:
        return _to_survivor(request, merged)
    if not is_background(request):
        record(by=request.user, action="patient.viewed", subject=patient, patient=patient)
    only_part = request.htmx and not request.htmx.history_restore_request
    if only_part and request.GET.get("part") == "timeline":
        context = {"patient": patient, **_timeline(request, patient)}
        return render(request, "patients/patient_detail.html#timeline", context)
    context = {"patient": patient, **_identity(request, patient)}
    if only_part:
        return render(request, "patients/patient_detail.html#identity", context)
    return render(request, "patients/patient_detail.html", context | _timeline(request, patient))


@require_GET
@require(Permission.PATIENT_VIEW)
def patient_summary(request: StaffRequest, pk: int) -> HttpResponse:
    """One page to print and take along: who it is, warnings, and what was last."""
    patient = open_patient(pk, request.user)
    record(by=request.user, action="patient.printed", subject=patient, patient=patient)
    moments = []
    for kind in kinds_for(request.user):
        if kind not in (Kind.CHANGES, Kind.ORDERS):
            moments += moments_of(patient, request.user, kind=kind, limit=SUMMARY_LINES + 1)[0]
    moments.sort(key=lambda moment: moment.at, reverse=True)
    context = {
        "patient": patient,
        "numbers": [
            *patient.aliases.order_by("mrn").values_list("mrn", flat=True),
            *map(str, patient.identifiers.order_by("pk")),  # type: ignore[attr-defined]
        ],
        "other_names": patient.other_names.all(),  # type: ignore[attr-defined]
        "moments": moments[:SUMMARY_LINES],
        "has_older": len(moments) > SUMMARY_LINES,
        "printed_at": timezone.localtime(),
    }
    return render(request, "patients/patient_summary.html", context)


def _identity(request: StaffRequest, patient: Patient) -> dict[str, Any]:
    user = request.user
    return {
        "identifiers": list(patient.identifiers.all()),  # type: ignore[attr-defined]
        "other_names": list(patient.other_names.all()),  # type: ignore[attr-defined]
        "merges": merges_of(patient),
        "may_edit": user.can(Permission.PATIENT_EDIT),
        "may_merge": user.can(Permission.PATIENT_MERGE),
        "may_order": user.can(Permission.ORDER_PLACE),
        "may_add_documents": user.can(Permission.DOCUMENT_EDIT),
        "may_see_audit": user.can(Permission.AUDIT_VIEW),
    }


def _timeline(request: StaffRequest, patient: Patient) -> dict[str, Any]:
    kinds = kinds_for(request.user)
    asked = request.GET.get("kind", "")
    kind = Kind(asked) if asked in kinds else None
    limit = _limit(request.GET.get("n", ""))
    part = part_url(request.user, PARTS[kind], patient.pk) if kind in PARTS else ""
    moments, has_older = ([], False) if part else moments_of(patient, request.user, kind=kind, limit=limit)
    filters = [("", _("All")), *((each.value, each.label) for each in kinds)]
    return {
        "filters": filters,
        "kind": kind.value if kind else "",
        "part": part,
        "days": by_day(moments),
        "n": limit if limit != FIRST else "",
        "more": limit + FIRST if has_older else 0,
        "may_book": request.user.can(Permission.APPOINTMENT_BOOK),
        "may_edit_documents": request.user.can(Permission.DOCUMENT_EDIT),
        "today": timezone.localdate(),
    }


def _limit(text: str) -> int:
    return min(max(int(text), FIRST), MOST) if text.isdecimal() and len(text) < 6 else FIRST


def _to_survivor(request: StaffRequest, merged: Merged) -> HttpResponse:
    """Old links, bookmarks and pages that were open while two records became one lead on."""
    if request.htmx and not request.htmx.history_restore_request:
        url = redirect("patients:patient_detail", merged.survivor.pk).url
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    messages.info(request, merged.message)
    return redirect("patients:patient_detail", merged.survivor.pk)
