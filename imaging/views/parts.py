"""Parts of other rooms' pages about images, and the viewer's page."""

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from clinic.http import StaffRequest, require
from clinic.models import ClinicProfile
from clinic.permissions import Permission
from patients.models import Patient
from scheduling.models import Order

from ..dicomweb import representative, thumbnail_response, visible_instances
from ..models import Quarantined, Study
from ..overview import arrivals_of, order_overview, studies_overview
from ..plausibility import doubts_about
from ..viewing import note_viewed, viewer_options


@require_GET
@require(Permission.STUDY_VIEW)
def order_images(request: StaffRequest, pk: int) -> HttpResponse:
    """Images of an order as they arrive: series, thumbnails, counts."""
    order = get_object_or_404(Order.objects.visible_to(request.user).select_related("procedure"), pk=pk)
    context = order_overview(order.pk) | {
        "order": order,
        "doubts": doubts_about(order),
        "quiet_seconds": ClinicProfile.get().quiet_seconds,
        "may_reconcile": request.user.can(Permission.STUDY_RECONCILE),
    }
    return render(request, "imaging/order_images.html", context)


@require_GET
@require(Permission.STUDY_VIEW)
def patient_studies(request: StaffRequest, pk: int) -> HttpResponse:
    """The patient's studies, newest first."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=pk)
    studies = list(
        Study.objects.visible_to(request.user)
        .for_patient(patient)
        .select_related("order__procedure")
        .order_by("-performed_at", "-pk")
    )
    return render(
        request, "imaging/patient_studies.html", {"patient": patient, "rows": studies_overview(studies)}
    )


@require_GET
@require(Permission.STUDY_VIEW)
def study_viewer(request: StaffRequest, pk: int) -> HttpResponse:
    """The viewer on a page of its own."""
    study = get_object_or_404(
        Study.objects.visible_to(request.user).select_related("patient", "order__procedure"), pk=pk
    )
    note_viewed(study, request)
    siblings = study.order.studies.order_by("pk") if study.order is not None else []
    return render(
        request,
        "imaging/study_viewer.html",
        {"study": study, "studies": siblings, "viewer_options": viewer_options(study, request.user)},
    )


@require_GET
@require(Permission.STUDY_VIEW)
def study_thumbnail(request: StaffRequest, pk: int) -> HttpResponseBase:
    return thumbnail_response(request, representative(visible_instances(request).filter(series__study_id=pk)))


@require_GET
@require(Permission.STUDY_VIEW)
def instance_thumbnail(request: StaffRequest, pk: int) -> HttpResponseBase:
    return thumbnail_response(request, visible_instances(request).filter(pk=pk).first())


@require_GET
@require(Permission.STUDY_VIEW)
def order_arrivals(request: StaffRequest, pk: int) -> HttpResponse:
    """Beside a report: images that came after the page was opened (``?seen=``) or the report was signed."""
    order = get_object_or_404(Order.objects.visible_to(request.user), pk=pk)
    seen = request.GET.get("seen", "")
    context = arrivals_of(order, int(seen) if seen.isdecimal() and len(seen) < 9 else None)
    return render(request, "imaging/order_arrivals.html", context | {"order": order})


@require_GET
@require(Permission.STUDY_RECONCILE)
def stuck_images(request: StaffRequest) -> HttpResponse:
    """How many images wait for a person, for the board of whoever is in charge."""
    context = {
        "held": Study.objects.visible_to(request.user).undecided().count(),
        "quarantined": Quarantined.objects.open().count(),
    }
    return render(request, "imaging/_stuck_images.html", context)
