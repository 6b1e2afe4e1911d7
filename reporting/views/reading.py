"""The reading list, and the page on which a study is read: viewer beside report."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from audit.services import record
from clinic.http import StaffRequest, done, is_background, require
from clinic.permissions import Permission as P
from imaging.viewing import chosen_study, viewer_options
from scheduling.models import Modality, Order
from scheduling.orders import claim_order, hand_back_order
from scheduling.statuses import READABLE, OrderStatus

from ..documents import written_sections
from ..forms import ReportForm, TemplateChoiceForm
from ..models import Report, ReportStatus, Subspecialty
from ..reading import Whose, count_lists, priors_of, readers_with_loads, reading_rows
from ..services import open_report
from ..services.claims import claim_next
from ..services.subspecialties import body_parts_offered, choose_subspecialty, modalities_offered
from .editor import field_answers


@require(P.STUDY_READ)
@require_GET
def reading_list(request: StaffRequest) -> HttpResponse:
    """What waits to be read: everybody's, or what I have claimed."""
    whose = _whose(request.GET.get("whose", ""))
    rows = reading_rows(request.user, whose=whose)
    subspecialty = Subspecialty.objects.filter(reader=request.user).first()
    counts = count_lists(request.user, subspecialty)
    context = {
        "rows": rows,
        "whose": whose,
        "lists": [(value, label, counts[value]) for value, label in Whose.choices],
        "subspecialty": subspecialty,
        "readers": readers_with_loads(),
        "free_count": sum(row.is_free for row in rows),
    }
    return render(request, "reporting/reading_list.html" + ("#rows" if request.htmx else ""), context)


def _whose(text: str) -> str:
    return text if text in Whose.values else Whose.EVERYONES


@require(P.STUDY_READ)
@require_POST
def reading_next(request: StaffRequest) -> HttpResponse:
    """Claim the most urgent study that is free or mine already, and open it."""
    skip = request.POST.get("skip", "")
    whose = _whose(request.POST.get("whose", ""))
    order = claim_next(by=request.user, skip=int(skip) if skip.isdecimal() else 0, whose=whose)
    if order is None:
        done(request, _("No study waits for a reader now."))
        return redirect("reporting:reading_list")
    return redirect("reporting:read", order.pk)


@require(P.STUDY_READ)
@require_POST
def order_claim(request: StaffRequest, pk: int) -> HttpResponse:
    order = get_object_or_404(Order.objects.visible_to(request.user), pk=pk)
    claim_order(order, by=request.user)
    url = reverse("reporting:read", args=[order.pk])
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)


@require(P.STUDY_READ)
@require_http_methods(["GET", "POST"])
def subspecialty_choose(request: StaffRequest) -> HttpResponse:
    """What she reads best, by herself."""
    if request.method == "POST":
        choose_subspecialty(
            by=request.user,
            modalities=request.POST.getlist("modality"),
            body_parts=request.POST.getlist("body_part"),
        )
        done(request, _("Your subspecialty is kept. It narrows the reading list when you choose it there."))
        return redirect(f"{reverse('reporting:reading_list')}?whose={Whose.SUBSPECIALTY}")
    labels = dict(Modality.choices)
    context = {
        "chosen": Subspecialty.objects.filter(reader=request.user).first(),
        "modalities": [(each, labels[each]) for each in modalities_offered()],
        "body_parts": body_parts_offered(),
    }
    return render(request, "reporting/subspecialty.html", context)


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
