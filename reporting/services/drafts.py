"""A report while it is written: opened, saved, and what happens when two texts meet."""

import hashlib
import json
from collections.abc import Callable
from html import escape

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.live import announce
from clinic.models import User
from clinic.permissions import Permission
from scheduling.days import clinic_zone
from scheduling.models import Order
from scheduling.statuses import OrderStatus

from ..fields import clean_entry, named_fields
from ..models import Report, ReportStatus, ReportTemplate, SetAside
from ..report_templates import choose_template
from ..richtext import as_paragraphs, clean_html

Content = dict[str, str]


@transaction.atomic
def open_report(order: Order, *, by: User) -> Report:
    """The report of ``order``, begun from its template at the first opening by the reader."""
    # Two windows that open at once meet at this row: one of them begins the report.
    locked = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    report = Report.objects.filter(order=order).first()
    if report is not None:
        return report
    _require_reader(locked, by)
    template = choose_template(order)
    report = Report.objects.create(
        order=order, template=template, author=by, content=_initial_content(template, order)
    )
    record(
        by=by,
        action="report.opened",
        subject=report,
        patient=order.patient,
        changes={"template": [None, f"{template.code} {template.version}"]},
    )
    announce("reading", f"order.{order.pk}")
    return report


def _initial_content(template: ReportTemplate, order: Order) -> Content:
    """What stands in a new report: the template's own text, the indication, what to compare with."""
    content = {section["key"]: section.get("initial", "") for section in template.sections}
    if "clinical_information" in content and not content["clinical_information"]:
        content["clinical_information"] = as_paragraphs(order.indication)
    if "comparison" in content and not content["comparison"]:
        content["comparison"] = _comparison(order)
    return {key: html for key, html in content.items() if html}


def _comparison(order: Order) -> str:
    """The latest earlier examination of the same modality, as a line to keep or to delete."""
    earlier = (
        Order.objects.for_patient(order.patient)
        .filter(procedure__modality=order.procedure.modality, acquired_at__isnull=False)
        .exclude(pk=order.pk)
        .filter(acquired_at__lt=order.acquired_at or timezone.now())
        .select_related("procedure")
        .order_by("-acquired_at")
        .first()
    )
    if earlier is None or earlier.acquired_at is None:
        return ""
    day = date_format(timezone.localtime(earlier.acquired_at, clinic_zone()), "j F Y")
    return f"<p>{escape(earlier.procedure.name, quote=False)}, {day}.</p>"


def require_writer(report: Report, by: User) -> None:
    """Refuse everybody but the reader of an order that is being read, and everybody once it is signed."""
    if report.status == ReportStatus.FINAL:
        raise Conflict(_("This report is signed and cannot be changed. Write an addendum instead."))
    _require_reader(report.order, by)


def _require_reader(order: Order, by: User) -> None:
    if not by.can(Permission.REPORT_WRITE):
        raise NotAllowed(_("Your role does not include writing reports."))
    if order.status != OrderStatus.READING or order.reader is None:
        raise Conflict(_("Claim this study first: at the moment nobody reads it."))
    if order.reader != by:
        raise Conflict(
            _("%(reader)s is reading this study. You can only look on.") % {"reader": order.reader}
        )


def save_draft(
    report: Report, *, by: User, revision: int, content: Content, replaces_deliberately: bool = False
) -> Report:
    """Save ``content`` if ``revision`` is still the newest; the report with its next revision.

    Otherwise (someone saved meanwhile, it was handed back, it was signed) ``Conflict``, and the text that
    could not be saved is set aside: no text is ever lost. ``replaces_deliberately`` is the reader's decision
    after such a conflict: then the text that is replaced is set aside too.
    """
    content = clean_content(report.template, content)
    try:
        return _save(report, by=by, revision=revision, content=content, keep_replaced=replaces_deliberately)
    except Conflict:
        if by.can(Permission.REPORT_WRITE):
            set_aside(report, by=by, content=content, based_on=revision)
        raise


@transaction.atomic
def _save(report: Report, *, by: User, revision: int, content: Content, keep_replaced: bool) -> Report:
    current = lock_report(report)
    require_writer(current, by)
    if current.content == content:
        # The same text sent twice, because an answer was lost on the way: saved is saved.
        return current
    if current.revision != revision:
        raise Conflict(
            _("This report was changed in another window meanwhile. Both texts are kept: choose below.")
        )
    if keep_replaced:
        set_aside(current, by=by, content=current.content, based_on=current.revision)
    current.content = content
    current.revision += 1
    current.save(update_fields=["content", "revision", "updated_at"])
    announce(f"report.{current.pk}")
    return current


def lock_report(report: Report) -> Report:
    """The report as it is now, held until the transaction ends."""
    return (
        Report.objects.select_for_update(of=("self",))
        .select_related("order__patient", "order__procedure", "order__reader", "template")
        .get(pk=report.pk)
    )


def clean_content(template: ReportTemplate, content: Content) -> Content:
    """``content`` with known sections and fields and clean text only; what is empty is left out."""
    if not isinstance(content, dict) or not all(isinstance(html, str) for html in content.values()):
        raise InvalidInput(_("The text of a report is one text for each section."))
    known = _names(template)
    unknown = sorted(set(content) - set(known))
    if unknown:
        raise InvalidInput(
            _("There is no section “%(read)s” in this report; there are: %(accepted)s.")
            % {"read": ", ".join(unknown)[:100], "accepted": ", ".join(known)}
        )
    return {name: cleaned for name, clean in known.items() if (cleaned := clean(content.get(name, "")))}


def _names(template: ReportTemplate) -> dict[str, Callable[[str], str]]:
    """What a report from ``template`` may hold, and how each is cleaned."""
    sections = {section["key"]: clean_html for section in template.sections}
    return sections | {name: clean_entry for name, _field in named_fields(template.sections)}


def set_aside(report: Report, *, by: User, content: Content, based_on: int) -> None:
    """Keep a text that is not the report's; the same text is kept once."""
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    SetAside.objects.get_or_create(
        report=report,
        author=by,
        content_sha256=digest,
        defaults={"content": content, "based_on_revision": based_on},
    )


@transaction.atomic
def change_template(report: Report, *, by: User, template: ReportTemplate) -> Report:
    """Write the report from another template. Text of sections that it does not have is set aside."""
    current = lock_report(report)
    require_writer(current, by)
    known = _names(template)
    untouched = _initial_content(current.template, current.order)
    written = {key: html for key, html in current.content.items() if untouched.get(key) != html}
    if set(written) - set(known):
        set_aside(current, by=by, content=current.content, based_on=current.revision)
    current.content = _initial_content(template, current.order) | {
        key: html for key, html in written.items() if key in known
    }
    current.template = template
    current.revision += 1
    current.save(update_fields=["template", "content", "revision", "updated_at"])
    announce(f"report.{current.pk}")
    return current
