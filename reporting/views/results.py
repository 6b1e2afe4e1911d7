"""Results that are signed and still with us: a list that somebody owns, and how they are handed out."""

from django.db.models import OuterRef, Subquery
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from clinic.errors import InvalidInput
from clinic.http import StaffRequest, require
from clinic.permissions import Permission as P
from scheduling.statuses import OrderStatus

from ..forms import ReleaseForm
from ..models import Release, ReleaseMethod, Report, ReportVersion, ShareLink
from ..services import release_report
from .reports import get_version

RECENT = 10


@require(P.REPORT_RELEASE)
@require_GET
def release_list(request: StaffRequest) -> HttpResponse:
    """Reported and not yet released, the oldest first. No report text: who hands out need not read."""
    newest = ReportVersion.objects.filter(report=OuterRef("pk")).order_by("-number").values("pk")[:1]
    waiting = (
        Report.objects.visible_to(request.user)
        .final()
        .filter(order__status=OrderStatus.REPORTED)
        .select_related("order__patient", "order__procedure", "order__referrer", "signed_by")
        .annotate(newest_id=Subquery(newest))
        .order_by("order__reported_at", "pk")
    )
    reports = list(waiting)
    versions = ReportVersion.objects.defer("content").in_bulk([report.newest_id for report in reports])
    context = {
        "rows": [{"report": report, "version": versions[report.newest_id]} for report in reports],
        "recent": Release.objects.select_related(
            "version__report__order__patient", "version__report__order__procedure", "released_by"
        ).defer("version__content")[:RECENT],
        "links": ShareLink.objects.active().select_related(
            "release__version__report__order__patient", "release__released_by"
        ),
    }
    return render(request, "reporting/release_list.html" + ("#rows" if request.htmx else ""), context)


@require(P.REPORT_RELEASE)
@require_POST
def report_release(request: StaffRequest, pk: int) -> HttpResponse:
    """Note to whom the report goes and give out its PDF, as a file or to print."""
    version = get_version(request, pk)
    form = ReleaseForm(request.POST)
    if not form.is_valid():
        raise InvalidInput(
            " ".join(str(text) for text in form.errors.get("recipient", [])), field="recipient"
        )
    method = request.POST.get("method", "")
    if method == ReleaseMethod.LINK:
        raise InvalidInput(_("A link is made by “Make a link”."))
    release_report(version, by=request.user, method=method, recipient=form.cleaned_data["recipient"])
    url = reverse("reporting:report_pdf", args=[version.pk])
    return redirect(f"{url}?download" if method == ReleaseMethod.DOWNLOAD else url)
