"""Reports that were written and signed before Cedar, taken over as they are."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import Event, record_many
from clinic.errors import InvalidInput, NotAllowed
from clinic.models import User
from clinic.permissions import Permission
from scheduling.models import Order

from ..documents import fingerprint, freeze_clinic, freeze_imported
from ..models import Report, ReportStatus, ReportVersion, VersionKind
from ..report_templates import general_template
from ..richtext import as_paragraphs, clean_html

AUTHOR_LENGTH = 200


@dataclass(frozen=True)
class WrittenReport:
    """The findings of ``order`` as ``author`` (a name, perhaps empty) wrote them on a day of the past."""

    order: Order
    text: str
    author: str
    reported_on: dt.date


@transaction.atomic
def import_final_reports(reports: Sequence[WrittenReport], *, by: User) -> list[ReportVersion]:
    """Final reports with one frozen version each, of the kind ``imported``.

    They are as immutable as signed ones and may get addenda. Nobody signed them here, and they say so
    wherever they are shown: ``signed_by`` is who imported them, the author's name is that of the list. Their
    PDF is made when somebody asks for it.
    """
    if not by.can(Permission.RECORDS_IMPORT):
        raise NotAllowed(_("Your role does not include importing reports."))
    template, now = general_template(), timezone.now()
    titles = {section["key"]: section["title"] for section in template.sections}
    made = []
    for written in reports:
        html = imported_html(written.text)
        author = imported_author(written.author)
        made.append(
            Report(
                order=written.order,
                template=template,
                status=ReportStatus.FINAL,
                content={"findings": html},
                author=by,
                signed_by=by,
                signed_at=now,
                is_imported=True,
                original_author=author,
                reported_on=written.reported_on,
            )
        )
    Report.objects.bulk_create(made)
    clinic = freeze_clinic()
    versions = []
    for report in made:
        section = {
            "key": "findings",
            "title": titles.get("findings", _("Findings")),
            "html": report.content["findings"],
        }
        content = freeze_imported(
            report.order,
            [section],
            importer=by,
            imported_at=now,
            clinic=clinic,
            origin={"author": report.original_author, "reported_on": str(report.reported_on)},
        )
        versions.append(
            ReportVersion(
                report=report,
                kind=VersionKind.IMPORTED,
                content=content,
                content_sha256=fingerprint(content),
                signed_by=by,
                signed_at=now,
            )
        )
    ReportVersion.objects.bulk_create(versions)
    record_many(
        (
            Event(
                "report.imported",
                version.report,
                version.report.order.patient,
                {
                    "author": [None, version.report.original_author],
                    "date": [None, version.content["imported"]["reported_on"]],
                    "sha256": [None, version.content_sha256],
                },
            )
            for version in versions
        ),
        by=by,
    )
    return versions


def imported_html(text: str) -> str:
    """The plain text of a list as a section of a report; refuses what does not fit into one."""
    html = clean_html(as_paragraphs(text))
    if not html:
        raise InvalidInput(_("The report has no text."), field="findings")
    return html


def imported_author(name: str) -> str:
    name = " ".join(name.split())
    if len(name) > AUTHOR_LENGTH:
        raise InvalidInput(
            _("The radiologist's name has %(length)d characters; at most %(most)d are kept.")
            % {"length": len(name), "most": AUTHOR_LENGTH},
            field="radiologist",
        )
    return name
