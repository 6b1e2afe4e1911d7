"""What this room adds to a patient's timeline: reports, their text only for those who may read reports."""

from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.models import User
from clinic.permissions import Permission
from patients.models import Patient
from patients.timeline import Kind, Moment, register

from .models import Report, ReportStatus
from .templatetags.rich_text import rich_text_words

WORDS = 40


def add_sources() -> None:
    register(Kind.REPORTS, Permission.PATIENT_VIEW, _reports)


def _reports(patient: Patient, user: User, limit: int) -> list[Moment]:
    reports = (
        Report.objects.visible_to(user)
        .filter(order__patient=patient)
        .select_related("order__procedure", "signed_by", "author")
        .order_by("-created_at")
    )
    may_read = user.can(Permission.REPORT_VIEW)
    return [_moment(report, may_read=may_read) for report in reports[:limit]]


def _moment(report: Report, *, may_read: bool) -> Moment:
    is_signed = report.status == ReportStatus.FINAL
    text = report.content.get("impression") or (report.is_imported and report.content.get("findings"))
    parts = [report.order.accession_number, _who(report)]
    if may_read and is_signed and text:
        parts.append(rich_text_words(text, WORDS))
    at = report.order.reported_at if report.is_imported else report.signed_at
    return Moment(
        at=at or report.created_at,
        kind=Kind.REPORTS,
        title=str(report.order.procedure),
        detail=" · ".join(parts),
        url=reverse("reporting:report_view", args=[report.pk]) if may_read and is_signed else "",
        status=(report.status, report.get_status_display()),
    )


def _who(report: Report) -> str:
    if report.is_imported:
        return _("imported, written by %(who)s") % {"who": report.responsible}
    if report.status == ReportStatus.FINAL:
        return _("signed by %(who)s") % {"who": report.signed_by}
    return _("being written by %(who)s") % {"who": report.author}
