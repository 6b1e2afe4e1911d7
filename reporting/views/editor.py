"""What the editor sends while a report is written."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic.errors import Conflict, DomainError, InvalidInput
from clinic.http import StaffRequest, done, require
from clinic.permissions import Permission as P
from imaging.models import KeyImage
from scheduling.days import clinic_zone, spoken_clock
from scheduling.statuses import OrderStatus

from .. import services
from ..documents import study_day
from ..fields import calculated, has_fields, problems
from ..forms import TemplateChoiceForm
from ..models import Report, ReportImage, ReportStatus


def get_report(request: StaffRequest, pk: int) -> Report:
    """A report that this user may see, with what every answer about it needs."""
    reports = Report.objects.visible_to(request.user).select_related(
        "order__patient", "order__procedure", "order__reader", "order__referrer", "template"
    )
    return get_object_or_404(reports, pk=pk)


@require(P.REPORT_WRITE)
@require_POST
def report_save(request: StaffRequest, pk: int) -> JsonResponse:
    """Save what is on the screen. Always JSON: the new revision, or why not and what is saved instead."""
    report = get_report(request, pk)
    try:
        sent = _sent_text(request)
        saved = services.save_draft(
            report,
            by=request.user,
            revision=sent["revision"],
            content=sent["content"],
            replaces_deliberately=sent.get("replace") is True,
        )
    except Conflict as refusal:
        return _conflict(request, pk, refusal)
    except DomainError as refusal:
        return JsonResponse({"error": refusal.message}, status=refusal.status)
    return JsonResponse(
        {"revision": saved.revision, "saved_at": spoken_clock(timezone.now())} | field_answers(saved)
    )


def field_answers(report: Report) -> dict[str, dict[str, str]]:
    """What the fields come to and what is wrong with them, by name."""
    sections = report.template.sections
    if not has_fields(sections):
        return {}
    return {
        "calculated": calculated(sections, report.content, study_day(report.order)),
        "problems": problems(sections, report.content),
    }


def _sent_text(request: HttpRequest) -> dict[str, Any]:
    """``{"revision": 3, "content": {"findings": "<p>…</p>"}, "replace": false}``."""
    try:
        sent = json.loads(request.body)
    except ValueError:
        sent = None
    if not isinstance(sent, dict) or not isinstance(sent.get("revision"), int):
        raise InvalidInput(_("This is not the text of a report: a revision and the sections are needed."))
    return sent | {"content": sent.get("content", {})}


def _conflict(request: StaffRequest, pk: int, refusal: Conflict) -> JsonResponse:
    """What is saved, so that both texts can be shown; ``writable`` says whether the choice is still open."""
    report = get_report(request, pk)
    writable = (
        report.status != ReportStatus.FINAL
        and report.order.status == OrderStatus.READING
        and report.order.reader == request.user
    )
    saved_at = timezone.localtime(report.updated_at, clinic_zone())
    return JsonResponse(
        {
            "error": refusal.message,
            "revision": report.revision,
            "content": report.content,
            "saved_at": f"{saved_at:%H:%M}",
            "writable": writable,
        },
        status=409,
    )


@require(P.REPORT_WRITE)
@require_POST
def report_template(request: StaffRequest, pk: int) -> HttpResponse:
    """Go on with another template."""
    report = get_report(request, pk)
    form = TemplateChoiceForm(request.POST, report=report)
    if not form.is_valid():
        raise InvalidInput(_("Choose one of the templates in the list."))
    template = form.cleaned_data["template"]
    if template != report.template:
        services.change_template(report, by=request.user, template=template)
        done(request, _("The report goes on with “%(template)s”.") % {"template": template})
    return redirect("reporting:read", report.order_id)


@require(P.REPORT_WRITE)
@require_POST
def report_image_insert(request: StaffRequest, pk: int) -> HttpResponse:
    report = get_report(request, pk)
    sent = request.POST.get("key_image", "")
    key_image = get_object_or_404(KeyImage, pk=int(sent) if sent.isdecimal() else 0)
    services.insert_image(
        report, by=request.user, key_image=key_image, caption=request.POST.get("caption", "")
    )
    return _images(request, report)


@require(P.REPORT_WRITE)
@require_POST
def report_image_change(request: StaffRequest, pk: int) -> HttpResponse:
    """Another caption, another place, or out of the report."""
    image = get_object_or_404(ReportImage.objects.select_related("report"), pk=pk)
    match request.POST.get("do", ""):
        case "caption":
            services.caption_image(image, by=request.user, caption=request.POST.get("caption", ""))
        case "earlier":
            services.move_image(image, by=request.user, steps=-1)
        case "later":
            services.move_image(image, by=request.user, steps=1)
        case "remove":
            services.remove_image(image, by=request.user)
        case other:
            raise InvalidInput(
                _("“%(read)s” is nothing that can be done with an image.") % {"read": other[:40]}
            )
    return _images(request, get_report(request, image.report_id))


def _images(request: StaffRequest, report: Report) -> HttpResponse:
    context = {
        "report": report,
        "images": report.images.select_related("key_image"),
        "may_write": request.user.can(P.REPORT_WRITE) and report.order.reader == request.user,
    }
    return render(request, "reporting/_images.html", context)
