"""What a signature freezes: everything that the PDF shows, as plain data, with a hash over all of it.

Pictures and the logo are copied into a store that is addressed by content, so that a version does not
depend on files that may be changed or removed later.
"""

import datetime as dt
import hashlib
import json
import os
import zoneinfo
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Min

from clinic.models import ClinicProfile, User
from scheduling.days import clinic_zone
from scheduling.models import Order

from .fields import field_lines, has_fields
from .models import Report, ReportVersion
from .richtext import clean_html

FORMAT = 1
PICTURES = "reports/pictures"


def fingerprint(content: dict[str, Any]) -> str:
    """SHA-256 over the canonical form of ``content``: sorted keys, no spaces, UTF-8."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def freeze_report(report: Report, *, signer: User, signed_at: dt.datetime) -> dict[str, Any]:
    """The content of the final version of ``report``."""
    images = [
        {**_keep(Path(settings.STUDIES_DIR) / image.key_image.picture), "caption": image.caption}
        for image in report.images.select_related("key_image")
    ]
    return {
        **_frame(report.order, signer, signed_at),
        "sections": written_sections(report),
        "images": images,
        "template": {"code": report.template.code, "version": report.template.version},
    }


def freeze_imported(
    order: Order,
    sections: list[dict[str, str]],
    *,
    importer: User,
    imported_at: dt.datetime,
    clinic: dict[str, Any],
    origin: dict[str, str],
) -> dict[str, Any]:
    """The content of a report that was written and signed elsewhere; ``origin`` says by whom and when.

    ``clinic`` is ``freeze_clinic()``, made once for many.
    """
    return {
        **_frame(order, importer, imported_at, studied_at=order.acquired_at, clinic=clinic),
        "sections": sections,
        "images": [],
        "imported": origin,
    }


def freeze_clinic() -> dict[str, Any]:
    """The clinic as it stands at the head of a report."""
    clinic = ClinicProfile.get()
    return {
        "name": clinic.name,
        "address": clinic.address,
        "phone": clinic.phone,
        "email": clinic.email,
        "time_zone": clinic.time_zone,
        "day_first": clinic.day_first,
        "logo": _keep(Path(clinic.logo.path)) if clinic.logo else None,
    }


def written_sections(report: Report) -> list[dict[str, Any]]:
    """Title, text and field lines of each section in which something is written, in the template's order."""
    there = report.template.sections
    examined_on = study_day(report.order) if has_fields(there) else dt.date.min
    sections = [
        {
            "key": section["key"],
            "title": section["title"],
            "html": clean_html(report.content.get(section["key"], "")),
            "fields": field_lines(section, report.content, examined_on),
        }
        for section in there
    ]
    return [section for section in sections if section["html"] or section["fields"]]


def freeze_addendum(
    report: Report, text: str, amended: list[ReportVersion], *, signer: User, signed_at: dt.datetime
) -> dict[str, Any]:
    """The content of an addendum; ``amended`` are the versions that it adds to, the final one first."""
    return {
        **_frame(report.order, signer, signed_at),
        "sections": [{"key": "addendum", "title": "", "html": text}],
        "images": [],
        "amends": [{"number": version.number, "sha256": version.content_sha256} for version in amended],
    }


def _frame(
    order: Order,
    signer: User,
    signed_at: dt.datetime,
    *,
    studied_at: dt.datetime | None = None,
    clinic: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Who, what, where and when around the text."""
    clinic = clinic or freeze_clinic()
    patient = order.patient
    zone = zoneinfo.ZoneInfo(clinic["time_zone"])
    return {
        "format": FORMAT,
        "clinic": clinic,
        "patient": {
            "name": patient.display_name,
            "mrn": patient.mrn,
            "birth_date": patient.birth_date.isoformat() if patient.birth_date else None,
            "birth_precision": patient.birth_precision,
            "sex": patient.sex,
        },
        "order": {
            "accession_number": order.accession_number,
            "procedure": order.procedure.name,
            "modality": order.procedure.modality,
            "study_date": (studied_at or _study_time(order)).astimezone(zone).date().isoformat(),
            "study_instance_uid": order.study_instance_uid,
            "indication": order.indication,
            "referrer": order.referrer.name if order.referrer else "",
            "referrer_clinic": order.referrer.clinic if order.referrer else "",
        },
        "signer": {"name": signer.full_name or signer.username, "title": signer.title},
        "signed_at": signed_at.isoformat(),
    }


def study_day(order: Order) -> dt.date:
    """The day of the examination where the clinic is."""
    return _study_time(order).astimezone(clinic_zone()).date()


def _study_time(order: Order) -> dt.datetime:
    """When the first images were made, as far as is known."""
    performed_at = order.studies.aggregate(first=Min("performed_at"))["first"]
    return performed_at or order.acquired_at or order.ordered_at


def _keep(source: Path) -> dict[str, str]:
    """Copy ``source`` into the content-addressed store; its name there and its hash."""
    data = source.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    name = f"{PICTURES}/{digest[:2]}/{digest}{source.suffix.lower()}"
    target = Path(settings.DOCUMENTS_DIR) / name
    if not target.exists():
        write_durably(target, data)
    return {"file": name, "sha256": digest}


def write_durably(target: Path, data: bytes) -> None:
    """``data`` under the name ``target``: there whole, or not at all, also after a power cut."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
