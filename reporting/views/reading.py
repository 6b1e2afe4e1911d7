"""The reading list, and the page on which a study is read: viewer beside report."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from audit.services import record
from clinic.http import StaffRequest, done, is_background, require
from clinic.permissions import Permission as P
from imaging.viewing import chosen_study, viewer_options
from scheduling.models import Order
from scheduling.orders import claim_order, hand_back_order
from scheduling.statuses import READABLE, OrderStatus, Priority

from ..documents import written_sections
from ..forms import ReportForm, TemplateChoiceForm
from ..models import Report, ReportStatus
from ..reading import priors_of, readers_with_loads, reading_rows
from ..services import open_report
from ..services.claims import claim_next
from .editor import field_answers


@require(P.STUDY_READ)
@require_GET
def reading_list(request: StaffRequest) -> HttpResponse:
    """What waits to be read: everybody's, or what I have claimed."""
    only_mine = request.GET.get("whose") == "mine"
    rows = reading_rows(request.user, only_mine=only_mine)
    context = {
        "rows": rows,
        "only_mine": only_mine,
        "readers": readers_with_loads(),
        "free_count": sum(row.is_free for row in rows),
        "stat_count": sum(row.is_free and row.order.priority == Priority.STAT for row in rows),
    }
    return render(request, "reporting/reading_list.html" + ("#rows" if request.htmx else ""), context)


@require(P.STUDY_READ)
@require_POST
def reading_next(request: StaffRequest) -> HttpResponse:
    """Claim the most urgent study that is free or mine already, and open it."""
    skip = request.POST.get("skip", "")
    order = claim_next(by=request.user, skip=int(skip) if skip.isdecimal() else 0)
    if order is None:
        done(request, _("No study waits for a reader now."))
        return redirect("reporting:reading_list")
    return redirect("reporting:read", order.pk)


@require(P.STUDY_READ)
@require_POST
def order_claim(request: StaffRequest, pk: int) -> HttpResponse:
    order = get_object_or_404(Order.objects.visible_to(request.user), pk=pk)
    claim_order(order, by=request.user)
    return redirect("reporting:read", order.pk)


@require(P.STUDY_READ)
@require_POST
def order_hand_back(request: StaffRequest, pk: int) -> HttpResponse:
    """Give a claimed study back to everybody. What is written of its report stays for the next reader."""
    order = get_object_or_404(Order.objects.visible_to(request.user), pk=pk)
    hand_back_order(order, by=request.user, reason=request.POST.get("reason", ""))
    done(request, _("%(number)s is back in everybody's list.") % {"number": order.accession_number})
    return redirect("reporting:reading_list")


@require(P.STUDY_READ)
@require_GET
def read(request: StaffRequest, pk: int) -> HttpResponse:
    """Viewer beside report: to write for the reader of the study, to look on for everybody else."""
    order = get_object_or_404(
        Order.objects.visible_to(request.user).select_related("patient", "procedure", "referrer", "reader"),
        pk=pk,
        status__in=READABLE,
    )
    report = Report.objects.filter(order=order).select_related("template").first()
    if report is not None and report.status == ReportStatus.FINAL:
        url = reverse("reporting:report_view", args=[report.pk])
        return HttpResponseClientRedirect(url) if request.htmx else redirect(url)
    is_mine = order.status == OrderStatus.READING and order.reader == request.user
    if is_mine:
        report = open_report(order, by=request.user)
    elif report is not None and not is_background(request):
        record(by=request.user, action="report.viewed", subject=report, patient=order.patient)
    return render(request, "reporting/read.html", _desk(request, order, report, is_mine=is_mine))


def _desk(request: StaffRequest, order: Order, report: Report | None, *, is_mine: bool) -> dict[str, Any]:
    """Everything on the reading desk."""
    studies = list(order.studies.order_by("pk"))
    study = chosen_study(studies, request.GET.get("study", ""))
    if report is not None:
        report.order = order  # with all that is fetched of it already
    context: dict[str, Any] = {
        "order": order,
        "patient": order.patient,
        "report": report,
        "images": report.images.select_related("key_image") if report else [],
        "study": study,
        "studies": studies,
        "images_seen": sum(each.instance_count for each in studies),
        "viewer_options": viewer_options(study, request.user) if study else {},
        "priors": priors_of(order, request.user),
        "is_free": order.status == OrderStatus.ACQUIRED,
    }
    if is_mine and report is not None:
        form = ReportForm(report)
        context |= {
            "form": form,
            "form_media": form.media.with_nonce(request.csp_nonce),  # type: ignore[attr-defined]
            "template_form": TemplateChoiceForm(report=report),
            "normal_texts": {
                section["key"]: section.get("normal", "") for section in report.template.sections
            },
            "set_aside": report.set_aside.select_related("author"),
            "field_answers": field_answers(report),
            "phrases": dict(request.user.phrases.values_list("shortcut", "html")),
        }
    elif report is not None:
        context["sections"] = written_sections(report)
    return context
