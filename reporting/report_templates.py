"""Report templates: the shipped ones, their versions, and which one an order's report begins with."""

import hashlib
import json
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from clinic.errors import InvalidInput, NotAllowed
from clinic.models import User
from clinic.permissions import Permission
from scheduling.models import Order

from .fields import parse_fields
from .models import ReportTemplate
from .richtext import clean_html

SHIPPED = Path(__file__).parent / "shipped"
GENERAL = "general"
SECTION_KEYS = ["clinical_information", "technique", "comparison", "findings", "impression", "recommendation"]
# A chest film is the same examination whichever of these modalities took it.
_SAME_MODALITY = {"CR": ["CR", "DX"], "DX": ["DX", "CR"]}


def ship_templates() -> list[ReportTemplate]:
    """Bring the templates of ``shipped/`` into the database; those that came in are returned.

    Runs after every migrate and changes nothing the second time. A template that the clinic wrote a version
    of stays as the clinic wants it: the new shipped version is added, but not offered.
    """
    return [template for path in sorted(SHIPPED.glob("*.json")) if (template := _ship(path))]


@transaction.atomic
def _ship(path: Path) -> ReportTemplate | None:
    content = json.loads(path.read_text(encoding="utf-8"))
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    versions = ReportTemplate.objects.filter(code=content["code"])
    if versions.filter(shipped_sha256=digest).exists():
        return None
    offered = versions.offered().first()
    is_ours = offered is not None and offered.shipped_sha256 != ""
    if is_ours:
        _withdraw(content["code"])
    return ReportTemplate.objects.create(
        code=content["code"],
        version=_next_version(content["code"]),
        name=content["name"],
        modality=content["modality"],
        body_part=content["body_part"],
        sections=content["sections"],
        source=content["source"],
        shipped_sha256=digest,
        is_active=is_ours or not versions.exists(),
    )


@transaction.atomic
def create_template(
    *, code: str, by: User, sections: list[dict[str, str]], is_active: bool = True, **about: str
) -> ReportTemplate:
    """A template of the clinic's own."""
    _require_administrator(by)
    if ReportTemplate.objects.filter(code=code).exists():
        raise InvalidInput(_("There is a template “%(code)s” already.") % {"code": code}, field="code")
    return ReportTemplate.objects.create(
        code=code, sections=clean_sections(sections), is_active=is_active, **about
    )


@transaction.atomic
def revise_template(
    template: ReportTemplate,
    *,
    by: User,
    sections: list[dict[str, str]],
    is_active: bool = True,
    **about: str,
) -> ReportTemplate:
    """Save a changed template as its next version; reports already begun keep the one they have."""
    _require_administrator(by)
    sections = clean_sections(sections)
    _withdraw(template.code)
    about = {name: about.get(name, getattr(template, name)) for name in _ABOUT}
    return ReportTemplate.objects.create(
        code=template.code,
        version=_next_version(template.code),
        sections=sections,
        is_active=is_active,
        **about,
    )


@transaction.atomic
def offer_template(template: ReportTemplate, *, by: User) -> None:
    """Offer this version from now on, and no other of its code."""
    _require_administrator(by)
    _withdraw(template.code)
    template.is_active = True
    template.save(update_fields=["is_active"])


def _require_administrator(by: User) -> None:
    if not by.can(Permission.CONFIGURE):
        raise NotAllowed(_("Your role does not include changing report templates."))


def _withdraw(code: str) -> None:
    """Offer no version of ``code``; who changes the template at the same moment waits."""
    for offered in ReportTemplate.objects.select_for_update().filter(code=code):
        if offered.is_active:
            offered.is_active = False
            offered.save(update_fields=["is_active"])


_ABOUT = ["name", "modality", "body_part", "source"]


def clean_sections(sections: list[dict[str, str]]) -> list[dict[str, str]]:
    """Sections as they are kept: known keys once each, a title, clean text."""
    keys = [section.get("key", "") for section in sections]
    if not keys or len(set(keys)) != len(keys) or not set(keys) <= set(SECTION_KEYS):
        raise InvalidInput(
            _("The sections were read as %(read)s; accepted are, once each: %(accepted)s.")
            % {"read": ", ".join(keys) or "–", "accepted": ", ".join(SECTION_KEYS)}
        )
    if not {"findings", "impression"} & set(keys):
        raise InvalidInput(_("A report needs a section for findings or for the impression."))
    return [
        {
            "key": section["key"],
            "title": section.get("title", "").strip() or section["key"].replace("_", " ").capitalize(),
            "initial": clean_html(section.get("initial", "")),
            "normal": clean_html(section.get("normal", "")),
            "fields": clean_fields(section.get("fields", "")),
        }
        for section in sections
    ]


def clean_fields(lines: str) -> str:
    """Lines of fields as they are kept; what is not understood is refused."""
    lines = "\n".join(line.strip() for line in lines.splitlines() if line.strip())
    parse_fields(lines)
    return lines


def _next_version(code: str) -> int:
    highest = ReportTemplate.objects.filter(code=code).aggregate(highest=Max("version"))["highest"]
    return (highest or 0) + 1


def choose_template(order: Order) -> ReportTemplate:
    """The template of ``order``'s report: the procedure's own, else by modality and body part, else by
    modality alone, else the general one."""
    procedure = order.procedure
    offered = ReportTemplate.objects.offered()
    modalities = _SAME_MODALITY.get(procedure.modality, [procedure.modality])
    body_part = procedure.body_part.upper()
    chosen = None
    if procedure.report_template_code:
        chosen = offered.filter(code=procedure.report_template_code).first()
    if chosen is None and body_part:
        chosen = _of(offered, modalities, body_part)
    if chosen is None:
        chosen = _of(offered, modalities, "")
    return chosen or general_template()


def _of(offered: Any, modalities: list[str], body_part: str) -> ReportTemplate | None:
    """The first template whose comma-separated modalities and body parts fit."""
    for template in offered.order_by("code"):
        parts = [part for part in template.body_part.upper().split(",") if part]
        fits = body_part in parts if body_part else not parts
        if fits and set(modalities) & set(template.modality.split(",")):
            return template
    return None


def general_template() -> ReportTemplate:
    """The template for everything else; brought back from ``shipped/`` should it be missing."""
    template = ReportTemplate.objects.offered().filter(code=GENERAL).first()
    if template is None:
        ship_templates()
        template = ReportTemplate.objects.filter(code=GENERAL).latest("version")
    return template
