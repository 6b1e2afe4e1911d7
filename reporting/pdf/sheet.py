"""What stands on the paper: a signed version turned into labels, values and text, for either engine."""

import datetime as dt
import zoneinfo
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from patients.models import BirthPrecision, Sex

from ..models import ReportVersion, VersionKind
from ..richtext import Node, clean_html, parse, plain_text
from .scripts import is_plain, is_right_to_left, normalise

Sheet = dict[str, Any]


def build_sheet(version: ReportVersion) -> Sheet:
    """The sheet of ``version``; that of an addendum shows what it amends first, then all addenda in order."""
    shown = [version]
    if version.kind == VersionKind.ADDENDUM:
        shown = list(version.report.versions.filter(number__lte=version.number).order_by("number"))
    content, newest = shown[0].content, version.content
    clinic, patient, order = newest["clinic"], newest["patient"], newest["order"]
    sheet: Sheet = {
        "title": _("Radiology report") if len(shown) == 1 else _("Radiology report with addendum"),
        "document_title": " ".join([_("Radiology report"), order["accession_number"]]),
        "clinic": {
            "name": clinic["name"],
            "lines": [line.strip() for line in clinic["address"].splitlines() if line.strip()],
            "contact": " · ".join(part for part in [clinic["phone"], clinic["email"]] if part),
        },
        "logo": clinic["logo"]["file"] if clinic["logo"] else None,
        "facts": _patient_facts(newest) + _order_facts(newest),
        "sections": [_section(section) for section in content["sections"]],
        "images": [{"file": image["file"], "caption": image["caption"]} for image in content["images"]],
        "images_title": _("Images"),
        "signature": _signature(shown[0]),
        "addenda": [
            {
                "title": _("Addendum %(number)d") % {"number": each.number - 1},
                "sections": [_section(section) for section in each.content["sections"]],
                "signature": _signature(each),
            }
            for each in shown[1:]
        ],
        "footer": " · ".join([patient["name"], patient["mrn"], order["accession_number"]]),
        "hash": _("Digest (SHA-256) %(digest)s") % {"digest": version.content_sha256},
        "page": _("Page %(page)s of %(pages)s") % {"page": "{page}", "pages": "{pages}"},
    }
    return _normalised(sheet)


def _patient_facts(content: dict[str, Any]) -> list[list[str]]:
    patient = content["patient"]
    return [
        [_("Patient"), patient["name"]],
        [_("Patient number"), patient["mrn"]],
        [_("Date of birth"), _birth_date(patient)],
        [_("Sex"), str(Sex(patient["sex"]).label) if patient["sex"] in Sex.values else patient["sex"]],
    ]


def _order_facts(content: dict[str, Any]) -> list[list[str]]:
    order = content["order"]
    referrer = ", ".join(part for part in [order["referrer"], order["referrer_clinic"]] if part)
    return [
        [_("Examination"), order["procedure"]],
        [_("Accession number"), order["accession_number"]],
        [_("Study date"), _day(order["study_date"])],
        [_("Referred by"), referrer or "–"],
    ]


def _birth_date(patient: dict[str, Any]) -> str:
    """As precisely as it is known."""
    if not patient["birth_date"]:
        return _("not known")
    day = dt.date.fromisoformat(patient["birth_date"])
    return {
        BirthPrecision.MONTH: date_format(day, "F Y"),
        BirthPrecision.YEAR: str(day.year),
        BirthPrecision.ABOUT: _("about %(year)s") % {"year": day.year},
    }.get(patient["birth_precision"], _day(patient["birth_date"]))


def _day(iso: str) -> str:
    """With the month in letters: 03/04 is read in two ways."""
    return date_format(dt.date.fromisoformat(iso), "j F Y")


def _signature(version: ReportVersion) -> dict[str, str]:
    content = version.content
    zone = zoneinfo.ZoneInfo(content["clinic"]["time_zone"])
    signed_at = dt.datetime.fromisoformat(content["signed_at"]).astimezone(zone)
    if version.kind == VersionKind.IMPORTED:
        return _origin(content, signed_at)
    return {
        "name": content["signer"]["name"],
        "title": content["signer"]["title"],
        "when": _("Signed electronically on %(day)s at %(time)s (%(zone)s)")
        % {"day": date_format(signed_at, "j F Y"), "time": f"{signed_at:%H:%M}", "zone": zone.key},
    }


def _origin(content: dict[str, Any], imported_at: dt.datetime) -> dict[str, str]:
    """Instead of a signature: nobody signed this here."""
    origin = content["imported"]
    return {
        "name": origin["author"] or _("Author not known"),
        "title": _("Report of %(day)s") % {"day": _day(origin["reported_on"])},
        "when": _("Imported from the clinic's earlier records on %(day)s by %(who)s; not signed in Cedar")
        % {"day": date_format(imported_at, "j F Y"), "who": content["signer"]["name"]},
    }


def _section(section: dict[str, str]) -> dict[str, Any]:
    html = clean_html(section["html"])
    return {
        "key": section["key"],
        "title": section["title"],
        "fields": section.get("fields", []),
        "html": normalise(html),
        "nodes": _with_direction(parse(html)),
    }


def _with_direction(node: Node) -> dict[str, Any]:
    """The node as plain data, each paragraph and list item with the direction of its own text."""
    data = node.as_json()
    _mark_direction(data)
    return data


def _mark_direction(data: dict[str, Any]) -> str:
    text = "".join(child if isinstance(child, str) else _mark_direction(child) for child in data["children"])
    if data["tag"] in {"p", "li", "ul", "ol", "root"}:
        data["rtl"] = is_right_to_left(text)
    return text


def _normalised(value: Any) -> Any:
    if isinstance(value, str):
        return normalise(value)
    if isinstance(value, list):
        return [_normalised(item) for item in value]
    if isinstance(value, dict):
        return {key: _normalised(item) for key, item in value.items()}
    return value


def text_of(sheet: Sheet) -> str:
    """Every character on the sheet, to choose the engine and the fonts by."""
    pieces: list[str] = []

    def collect(value: Any) -> None:
        if isinstance(value, str):
            pieces.append(value)
        elif isinstance(value, dict):
            for key, item in value.items():
                if key not in {"html", "file", "logo", "tag", "key"}:
                    collect(item)
        elif isinstance(value, list):
            for item in value:
                collect(item)

    collect(sheet)
    return "\n".join(pieces)


def engine_for(sheet: Sheet) -> str:
    return "xhtml2pdf" if is_plain(text_of(sheet)) else "typst"


__all__ = ["Sheet", "build_sheet", "engine_for", "plain_text", "text_of"]
