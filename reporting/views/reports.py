"""Signed reports: read, downloaded, printed; and what other pages show of a report."""

from pathlib import Path

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from audit.services import record
from clinic.errors import Conflict, NotFound
from clinic.http import StaffRequest, done, is_background, require
from clinic.jobs import enqueue
from clinic.permissions import Permission as P
from patients.models import Patient
from scheduling.models import Order
from scheduling.statuses import READABLE

from ..models import Report, ReportVersion
from ..services.signing import RENDER
from .editor import get_report


@require(P.REPORT_VIEW)
@require_GET
def report_view(request: StaffRequest, pk: int) -> HttpResponse:
    """A signed report as it is: text, images, versions, hashes, PDF."""
    report = get_report(request, pk)
    versions = list(report.versions.select_related("signed_by").order_by("number"))
    if not versions:
        return redirect("reporting:read", report.order_id)
    if not is_background(request):
        record(by=request.user, action="report.viewed", subject=report, patient=report.order.patient)
    context = {
        "report": report,
        "order": report.order,
        "patient": report.order.patient,
        "versions": versions,
        "first": versions[0],
        "addenda": versions[1:],
        "newest": versions[-1],
        "releases": [release for version in versions for release in version.releases.all()],
        "may_release": request.user.can(P.REPORT_RELEASE),
        "may_add": request.user.can(P.REPORT_SIGN),
    }
    return render(request, "reporting/report_view.html" + ("#report" if request.htmx else ""), context)


def get_version(request: StaffRequest, pk: int) -> ReportVersion:
    """A signed version whose report this user may see."""
    versions = ReportVersion.objects.filter(report__in=Report.objects.visible_to(request.user))
    return get_object_or_404(
        versions.select_related("report__order__patient", "report__order__referrer"), pk=pk
    )


@require(P.REPORT_VIEW, P.REPORT_RELEASE)
@require_GET
def report_pdf(request: StaffRequest, pk: int) -> HttpResponse:
    """The PDF, to look at and print, or with ``?download`` as a file. Every one given out is on record."""
    version = get_version(request, pk)
    if not version.pdf:
        raise Conflict(_("The PDF of this report is still being made. Try again in a moment."))
    try:
        data = version.pdf_path.read_bytes()
    except OSError:
        raise NotFound(_("The PDF of this report is missing on the disk. Tell the administrator.")) from None
    is_download = "download" in request.GET
    record(
        by=request.user,
        action="report.downloaded" if is_download else "report.printed",
        subject=version.report,
        patient=version.report.order.patient,
        changes={"version": [None, version.number]},
    )
    name = f"{version.report.order.accession_number}-{version.number}.pdf"
    how = "attachment" if is_download else "inline"
    return HttpResponse(
        data,
        content_type="application/pdf",
        headers={"Content-Disposition": f'{how}; filename="{name}"', "Cache-Control": "private, no-store"},
    )


@require(P.REPORT_VIEW)
@require_POST
def report_pdf_retry(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask the worker again for a PDF that it could not make."""
    version = get_version(request, pk)
    if not version.pdf:
        enqueue(RENDER, version.pk)
    done(request, _("The PDF is being made; it appears here in a moment."))
    return redirect("reporting:report_view", version.report_id)


@require(P.REPORT_VIEW)
@require_GET
def report_picture(request: StaffRequest, pk: int, place: int) -> HttpResponse:
    """An image of a signed report, from the copy that was made at signing."""
    version = get_version(request, pk)
    images = version.content.get("images", [])
    if not 0 < place <= len(images):
        raise NotFound(_("This report has no such image."))
    data = Path(settings.DOCUMENTS_DIR, images[place - 1]["file"]).read_bytes()
    cached = {"Cache-Control": "private, max-age=86400, immutable"}
    return HttpResponse(data, content_type="image/jpeg", headers=cached)


@require(P.REPORT_VIEW)
@require_GET
def report_text(request: StaffRequest, pk: int) -> HttpResponse:
    """Only the text, for reading it beside another one."""
    report = get_report(request, pk)
    record(by=request.user, action="report.viewed", subject=report, patient=report.order.patient)
    return render(request, "reporting/_text.html", {"report": report, "versions": report.versions.all()})


@require(P.BOARD_VIEW)
@require_GET
def order_report(request: StaffRequest, pk: int) -> HttpResponse:
    """What an order's page shows of its report: the state for everybody, the way to it for who may read."""
    order = get_object_or_404(Order.objects.visible_to(request.user).select_related("reader"), pk=pk)
    report = Report.objects.visible_to(request.user).filter(order=order).first()
    context = {
        "order": order,
        "report": report,
        "newest": report.versions.order_by("-number").first() if report else None,
        "may_view": request.user.can(P.REPORT_VIEW),
        "may_read": request.user.can(P.STUDY_READ) and order.status in READABLE,
        "may_release": request.user.can(P.REPORT_RELEASE),
    }
    return render(request, "reporting/_order_report.html", context)


@require(P.PATIENT_VIEW)
@require_GET
def patient_reports(request: StaffRequest, pk: int) -> HttpResponse:
    """The reports of a patient; their text and links only for those who may read reports."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=pk)
    reports = (
        Report.objects.visible_to(request.user)
        .filter(order__patient=patient)
        .select_related("order__procedure", "order__reader", "signed_by")
        .prefetch_related("versions")
        .order_by("-order__acquired_at")
    )
    context = {"patient": patient, "reports": reports, "may_view": request.user.can(P.REPORT_VIEW)}
    return render(request, "reporting/_patient_reports.html", context)
