"""Handing a signed report over to whoever asked for it."""

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.live import announce
from clinic.models import User
from clinic.permissions import Permission
from scheduling.orders import mark_released

from ..models import Release, ReleaseMethod, ReportVersion

RECIPIENT_LENGTH = 200


@transaction.atomic
def release_report(version: ReportVersion, *, by: User, method: str, recipient: str) -> Release:
    """Note that ``version`` went to ``recipient``; the first time the order becomes released."""
    if not by.can(Permission.REPORT_RELEASE):
        raise NotAllowed(_("Your role does not include handing out reports."))
    if method not in ReleaseMethod.values:
        raise InvalidInput(
            _("The way was read as “%(read)s”; accepted are %(accepted)s.")
            % {"read": method, "accepted": ", ".join(ReleaseMethod.values)}
        )
    recipient = " ".join(recipient.split())
    if not recipient:
        raise InvalidInput(_("Say to whom the report is given."), field="recipient")
    if len(recipient) > RECIPIENT_LENGTH:
        raise InvalidInput(_("The recipient's name is too long."), field="recipient")
    if not version.pdf:
        raise Conflict(_("The PDF of this report is still being made. Try again in a moment."))
    report = version.report
    newest = report.versions.order_by("-number").first()
    if newest != version:
        raise Conflict(_("There is a newer version of this report. Hand out that one."))
    release = Release.objects.create(version=version, method=method, recipient=recipient, released_by=by)
    mark_released(report.order, by=by)
    record(
        by=by,
        action="report.released",
        subject=report,
        patient=report.order.patient,
        changes={"to": [None, recipient], "method": [None, str(method)], "version": [None, version.number]},
    )
    announce(f"report.{report.pk}")
    return release
