"""The clinic's examinations as a list of the shape that is imported: the way out is as open as the way in."""

import csv
import datetime as dt
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TextIO
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils import timezone
from openpyxl import Workbook

from audit.services import record
from clinic.models import User
from patients.dates import BirthDate, BirthPrecision, written
from reporting.models import ReportVersion, VersionKind
from reporting.richtext import plain_text
from scheduling.days import clinic_zone
from scheduling.models import Order
from scheduling.statuses import OrderStatus

from .refused import as_data
from .tables import neutralised

HEADINGS = [
    "Patient ID",
    "Date",
    "Name",
    "Family name",
    "Given name",
    "Middle name",
    "Birth date",
    "Age",
    "Sex",
    "Phone",
    "Address",
    "Reason for Exam",
    "Procedure",
    "Modality",
    "Referring Doctor",
    "Radiologist",
    "Findings",
    "Billing Status",
    "Accession number",
]
_BATCH = 500


def export_rows(*, with_reports: bool = True) -> Iterator[list[str]]:
    """One row an examination that was made, the oldest first; never more than a batch in memory.

    The accession number tells an import that the examination is here already.
    """
    orders, zone = _orders(), clinic_zone()
    last = 0
    while batch := list(islice(orders.filter(pk__gt=last), _BATCH)):
        texts = _texts(batch) if with_reports else {}
        for order in batch:
            yield _row(order, texts.get(order.pk), zone)
        last = batch[-1].pk


def _orders() -> QuerySet[Order]:
    done = [OrderStatus.ACQUIRED, OrderStatus.READING, OrderStatus.REPORTED, OrderStatus.RELEASED]
    return (
        Order.objects.filter(status__in=done)
        .select_related("patient", "procedure", "referrer", "imported")
        .order_by("pk")
    )


def _texts(orders: list[Order]) -> dict[int, tuple[str, str]]:
    """Author and text of each signed report, with its addenda behind it."""
    found: dict[int, tuple[str, str]] = {}
    versions = ReportVersion.objects.filter(report__order__in=orders).select_related("report")
    for version in versions.order_by("report_id", "number"):
        content = version.content
        text = "\n".join(_section(section) for section in content["sections"])
        author, before = found.get(version.report.order_id, (_author(version), ""))
        found[version.report.order_id] = (author, f"{before}\n{text}".strip())
    return found


def _author(version: ReportVersion) -> str:
    if version.kind == VersionKind.IMPORTED:
        return str(version.content["imported"]["author"])
    return str(version.content["signer"]["name"])


def _section(section: dict[str, str]) -> str:
    text = plain_text(section["html"])
    return text if section["key"] in ("findings", "addendum") else f"{section['title']}: {text}"


def _row(order: Order, report: tuple[str, str] | None, zone: ZoneInfo) -> list[str]:
    patient = order.patient
    imported = getattr(order, "imported", None)
    at = timezone.localtime(order.acquired_at or order.ordered_at, zone).date()
    day: dt.date = imported.visited_on if imported is not None else at
    author, text = report or ("", "")
    born = patient.born
    return [
        patient.mrn,
        day.isoformat(),
        patient.display_name,
        patient.family_name or patient.ideographic_text,
        patient.given_name,
        patient.middle_name,
        written(born) if born and born.precision != BirthPrecision.ABOUT else "",
        _age(born, day),
        patient.sex,
        patient.phone,
        " ".join(patient.address.split()),
        order.indication,
        order.procedure.name,
        order.procedure.modality,
        order.referrer.name if order.referrer else "",
        author,
        text,
        imported.get_billing_display() if imported is not None else "",
        order.accession_number,
    ]


def _age(born: BirthDate | None, day: dt.date) -> str:
    """Whole years at the visit, for those whose birthday nobody knows."""
    if born is None or born.precision != BirthPrecision.ABOUT:
        return ""
    return str(max(0, day.year - born.date.year))


def write_export(path: Path, *, by: User, with_reports: bool = True) -> int:
    """Write the list as .xlsx or .csv, by the end of its name; how many examinations it holds."""
    if path.suffix.lower() == ".csv":
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            count = _write_csv(file, with_reports)
    else:
        count = _write_xlsx(path, with_reports)
    record(by=by, action="spreadsheet.exported", changes={"rows": [None, count], "file": [None, path.name]})
    return count


def _write_csv(file: TextIO, with_reports: bool) -> int:
    writer: Any = csv.writer(file)
    writer.writerow(HEADINGS)
    count = 0
    for row in export_rows(with_reports=with_reports):
        writer.writerow([neutralised(text) for text in row])
        count += 1
    return count


def _write_xlsx(path: Path, with_reports: bool) -> int:
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet("Examinations")
    sheet.freeze_panes = "A2"
    sheet.append(HEADINGS)
    count = 0
    for row in export_rows(with_reports=with_reports):
        sheet.append([as_data(sheet, text) for text in row])
        count += 1
    book.save(path)
    return count
