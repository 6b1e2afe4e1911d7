"""Signing a report, and adding to one that is signed."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from clinic.errors import DomainError
from clinic.http import StaffRequest, done, require
from clinic.permissions import Permission as P

from ..checks import sign_warnings
from ..models import Report
from ..richtext import as_paragraphs
from ..services import add_addendum, sign_report
from ..services.claims import claim_next
from .editor import get_report


@require(P.REPORT_SIGN)
@require_http_methods(["GET", "POST"])
def report_sign(request: StaffRequest, pk: int) -> HttpResponse:
    """What the signer should look at again, the password, and off it goes."""
    report = get_report(request, pk)
    error = ""
    if request.method == "POST":
        try:
            sign_report(
                report,
                by=request.user,
                password=request.POST.get("password", ""),
                revision=int(request.POST.get("revision") or 0),
                despite_warnings=request.POST.get("despite") == "1",
            )
        except DomainError as refusal:
            error = refusal.message
            report = get_report(request, pk)
        else:
            done(request, _("%(report)s is signed. Its PDF is being made.") % {"report": report})
            return _onward(request, report)
    context = {"report": report, "warnings": sign_warnings(report), "error": error}
    template = "reporting/sign.html" + ("#form" if request.htmx else "")
    return render(request, template, context, status=200 if request.htmx or not error else 400)


def _onward(request: StaffRequest, report: Report) -> HttpResponse:
    """To the signed report, or to the next study when that was asked for."""
    url = reverse("reporting:report_view", args=[report.pk])
    if request.POST.get("then") == "next":
        following = claim_next(by=request.user)
        url = (
            reverse("reporting:read", args=[following.pk]) if following else reverse("reporting:reading_list")
        )
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)


@require(P.REPORT_SIGN)
@require_POST
def report_addendum(request: StaffRequest, pk: int) -> HttpResponse:
    report = get_report(request, pk)
    add_addendum(
        report,
        by=request.user,
        text=as_paragraphs(request.POST.get("text", "")),
        password=request.POST.get("password", ""),
    )
    done(request, _("The addendum is signed. Its PDF is being made."))
    url = reverse("reporting:report_view", args=[report.pk])
    # Asked for by htmx, a refusal (wrong password) leaves the page and the text in it alone.
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)
