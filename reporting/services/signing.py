"""Signing: the password again, the frozen version, its hash, and what follows from it."""

import datetime as dt

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.models import Entry
from audit.services import record
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.jobs import enqueue
from clinic.live import announce
from clinic.models import User
from clinic.permissions import Permission
from scheduling.orders import mark_reported

from ..checks import sign_warnings
from ..documents import fingerprint, freeze_addendum, freeze_report
from ..fields import problems
from ..models import Report, ReportStatus, ReportVersion, VersionKind
from ..richtext import clean_html
from .drafts import lock_report, require_writer

WRONG_PASSWORDS = 5
WRONG_PASSWORDS_WITHIN = dt.timedelta(minutes=15)
RENDER = "reporting.tasks.render_report_pdf"


class Unconfirmed(Conflict):
    """The report can be signed, but its reader should look at ``warnings`` first."""

    def __init__(self, warnings: list) -> None:
        super().__init__(" ".join(warning.text for warning in warnings))
        self.warnings = warnings


def sign_report(
    report: Report, *, by: User, password: str, revision: int | None = None, despite_warnings: bool = False
) -> ReportVersion:
    """Freeze the report under ``by``'s name; exactly once, whoever else signs at the same moment.

    ``revision`` is the one that the signer has on the screen: another one is not signed.
    """
    if not by.can(Permission.REPORT_SIGN):
        raise NotAllowed(_("Your role does not include signing reports."))
    _check_password(report, by=by, password=password)
    return _sign(report, by=by, revision=revision, despite_warnings=despite_warnings)


@transaction.atomic
def _sign(report: Report, *, by: User, revision: int | None, despite_warnings: bool) -> ReportVersion:
    current = lock_report(report)
    if current.status == ReportStatus.FINAL:
        raise Conflict(
            _("%(signer)s has signed this report already; nothing was changed.")
            % {"signer": current.signed_by}
        )
    require_writer(current, by)
    if revision is not None and revision != current.revision:
        raise Conflict(_("The text was changed meanwhile. Look at it again before you sign."))
    if not {"findings", "impression"} & {name.partition(".")[0] for name in current.content}:
        raise InvalidInput(_("Write the findings or the impression before you sign."))
    wrong = problems(current.template.sections, current.content)
    if wrong:
        raise InvalidInput(" ".join(wrong.values()))
    if current.images.exclude(key_image__study__patient=current.order.patient_id).exists():
        raise InvalidInput(
            _("An image in this report is no longer of this patient: remove it before you sign.")
        )
    warnings = sign_warnings(current)
    if warnings and not despite_warnings:
        raise Unconfirmed(warnings)
    signed_at = timezone.now()
    content = freeze_report(current, signer=by, signed_at=signed_at)
    version = _add_version(current, VersionKind.FINAL, content, by=by, signed_at=signed_at)
    current.status = ReportStatus.FINAL
    current.signed_by, current.signed_at = by, signed_at
    current.save(update_fields=["status", "signed_by", "signed_at", "updated_at"])
    mark_reported(current.order, by=by)
    record(
        by=by,
        action="report.signed",
        subject=current,
        patient=current.order.patient,
        changes={
            "sha256": [None, version.content_sha256],
            "despite": [None, [warning.text for warning in warnings]],
        },
    )
    return version


def _add_version(
    report: Report, kind: str, content: dict, *, by: User, signed_at: dt.datetime
) -> ReportVersion:
    """The signed version; its PDF follows from the worker."""
    version = ReportVersion.objects.create(
        report=report,
        number=report.versions.count() + 1,
        kind=kind,
        content=content,
        content_sha256=fingerprint(content),
        signed_by=by,
        signed_at=signed_at,
    )
    enqueue(RENDER, version.pk)
    announce("board", f"report.{report.pk}", f"order.{report.order_id}", f"patient.{report.order.patient_id}")
    return version


def add_addendum(report: Report, *, by: User, text: str, password: str) -> ReportVersion:
    """Add a signed text to a final report. What it adds to stays as it is and stays readable."""
    if not by.can(Permission.REPORT_SIGN):
        raise NotAllowed(_("Your role does not include signing reports."))
    text = clean_html(text)
    if not text:
        raise InvalidInput(_("Write the addendum before you sign it."), field="text")
    _check_password(report, by=by, password=password)
    return _add_addendum(report, by=by, text=text)


@transaction.atomic
def _add_addendum(report: Report, *, by: User, text: str) -> ReportVersion:
    current = lock_report(report)
    if current.status != ReportStatus.FINAL:
        raise Conflict(_("This report is not signed yet: change the report itself."))
    signed_at = timezone.now()
    amended = list(current.versions.order_by("number"))
    content = freeze_addendum(current, text, amended, signer=by, signed_at=signed_at)
    version = _add_version(current, VersionKind.ADDENDUM, content, by=by, signed_at=signed_at)
    record(
        by=by,
        action="report.addendum_signed",
        subject=current,
        patient=current.order.patient,
        changes={"sha256": [None, version.content_sha256]},
    )
    return version


def _check_password(report: Report, *, by: User, password: str) -> None:
    """The signer is who is signed in. Wrong tries are counted in the audit trail: no restart forgets them."""
    with transaction.atomic():
        # One try at a time, so that many at once cannot slip past the count.
        User.objects.select_for_update(no_key=True).get(pk=by.pk)
        recent = Entry.objects.filter(
            actor_id=by.pk, action="report.sign_refused", at__gt=timezone.now() - WRONG_PASSWORDS_WITHIN
        )
        if recent.count() >= WRONG_PASSWORDS:
            raise NotAllowed(
                _("The password was wrong too often. Try again in 15 minutes; your text is saved.")
            )
        is_right = by.check_password(password)
        if not is_right:
            record(by=by, action="report.sign_refused", subject=report, patient=report.order.patient)
    if not is_right:
        raise InvalidInput(
            _("The password is wrong; nothing was signed. It is the one you sign in with."), field="password"
        )
