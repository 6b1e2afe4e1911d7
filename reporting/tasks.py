"""What the worker does for reports: make the PDF of what was signed, and look for any that is missing."""

import datetime as dt
import hashlib
import logging
import shutil
import time
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from clinic.live import announce

from .documents import write_durably
from .models import ReportVersion
from .pdf.render import RenderProblem, render_pdf
from .pdf.sheet import build_sheet

log = logging.getLogger(__name__)
OVERDUE = dt.timedelta(seconds=30)
LEFT_OVER_AFTER_SECONDS = 3600


def render_report_pdf(version_id: int) -> None:
    """Make the PDF of a signed version, once: run twice, at once or after a kill, one file is the result."""
    version = ReportVersion.objects.select_related("report__order").get(pk=version_id)
    if version.pdf:
        return
    try:
        data = render_pdf(build_sheet(version))
    except RenderProblem as problem:
        log.error("report version %s has no PDF: %s", version_id, problem)
        ReportVersion.objects.without_pdf().filter(pk=version_id).update(pdf_problem=str(problem)[:300])
        announce(f"report.{version.report_id}")
        return
    _keep_pdf(version_id, data)


@transaction.atomic
def _keep_pdf(version_id: int, data: bytes) -> None:
    """File first, then the row that names it: whoever holds the row's lock is the only one to write."""
    version = ReportVersion.objects.select_for_update().get(pk=version_id)
    if version.pdf:
        return
    name = f"reports/{version.signed_at:%Y/%m}/report-{version.pk}.pdf"
    write_durably(Path(settings.DOCUMENTS_DIR) / name, data)
    version.pdf = name
    version.pdf_sha256 = hashlib.sha256(data).hexdigest()
    version.pdf_problem = ""
    version.save(update_fields=["pdf", "pdf_sha256", "pdf_problem"])
    report = version.report
    announce("board", f"report.{report.pk}", f"order.{report.order_id}")


def render_missing_pdfs() -> None:
    """Render every signed version whose own job was lost. Runs each minute."""
    overdue = ReportVersion.objects.awaiting_pdf().filter(
        pdf_problem="", signed_at__lt=timezone.now() - OVERDUE
    )
    for version_id in overdue.values_list("pk", flat=True):
        render_report_pdf(version_id)
    _remove_left_overs()


def retry_failed_pdfs() -> None:
    """Try again what could not be rendered: the cause (fonts, disk) may be gone. Runs each hour."""
    failed = ReportVersion.objects.without_pdf().exclude(pdf_problem="")
    for version_id in failed.values_list("pk", flat=True):
        render_report_pdf(version_id)


def _remove_left_overs() -> None:
    """What a killed render left behind."""
    for folder in Path(settings.DOCUMENTS_DIR, "work").glob("render-*"):
        if time.time() - folder.stat().st_mtime > LEFT_OVER_AFTER_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
    for draft in Path(settings.DOCUMENTS_DIR, "reports").glob("**/.*.part"):
        if time.time() - draft.stat().st_mtime > LEFT_OVER_AFTER_SECONDS:
            draft.unlink(missing_ok=True)
