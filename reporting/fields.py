"""The fields of a report's sections: how a template names them, what was entered, what follows from it.

A field is one line of a template, its parts parted by bars::

    crl | Crown–rump length | number | mm | 5–84
    lmp | Last menstrual period | date
    margin | Margin | choice | Smooth (0); Lobulated or irregular (2)
    side | Side | text
    ga | Gestational age | calculated | gestational_age_crl(crl)

What is entered is kept beside the texts of the report under ``section.field`` as it was typed: a slip is
shown and stops the signature, but never throws away what somebody wrote.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.errors import InvalidInput

from .formulas import DATE, FORMULAS, NUMBER, POINTS, Value, work_out

TEXT, CALCULATED = "text", "calculated"
KINDS = [NUMBER, TEXT, POINTS, DATE, CALCULATED]
MAX_FIELDS = 40
MAX_LENGTH = 300
_KEY = re.compile(r"[a-z][a-z0-9_]{0,30}")
_RANGE = re.compile(r"(\d+(?:\.\d+)?)?\s*[–-]\s*(\d+(?:\.\d+)?)?")
_CALL = re.compile(r"([a-z_]+)\s*\(([^()]*)\)")
_WITH_POINTS = re.compile(r"(.+?)\s*\((\d+)\)")
_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")


@dataclass(frozen=True)
class Field:
    """One field. ``choices`` are label and points; ``low`` and ``high`` bound what is usual."""

    key: str
    label: str
    kind: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[tuple[str, float], ...] = ()
    formula: str = ""
    inputs: tuple[str, ...] = ()

    @property
    def range_text(self) -> str:
        low, high = ("" if bound is None else f"{bound:g}" for bound in (self.low, self.high))
        if low and high:
            return f"{low}–{high}"
        return f"≥ {low}" if low else f"≤ {high}" if high else ""

    def value_of(self, text: str) -> Value | None:
        """What ``text`` means; None when it is empty or not of this kind."""
        text = text.strip()
        if self.kind == NUMBER:
            return float(text.replace(",", ".")) if re.fullmatch(r"-?\d{1,9}([.,]\d{1,6})?", text) else None
        if self.kind == DATE:
            try:
                return dt.date.fromisoformat(text)
            except ValueError:
                return None
        return dict(self.choices).get(text)

    def problem_with(self, text: str) -> str:
        """Why ``text`` is no value of this field; empty when it is one."""
        if not text or self.kind in {TEXT, CALCULATED} or self.value_of(text) is not None:
            return ""
        accepted = {
            NUMBER: _("a number such as 12.5"),
            DATE: _("a date such as 2026-02-25"),
            POINTS: "; ".join(label for label, _points in self.choices),
        }[self.kind]
        return _("%(label)s was read as “%(read)s”; accepted is %(accepted)s.") % {
            "label": self.label,
            "read": text[:60],
            "accepted": accepted,
        }

    def is_unusual(self, text: str) -> bool:
        value = self.value_of(text) if self.kind == NUMBER else None
        if not isinstance(value, float):
            return False
        return (self.low is not None and value < self.low) or (self.high is not None and value > self.high)

    def shown(self, text: str) -> str:
        """``text`` as a report says it."""
        value = self.value_of(text) if self.kind in {NUMBER, DATE} else None
        if isinstance(value, dt.date):
            return date_format(value, "j F Y")
        return f"{text} {self.unit}".strip() if self.kind == NUMBER else text


# --- a template's lines ------------------------------------------------------------------------------


def parse_fields(lines: str) -> list[Field]:
    """The fields that ``lines`` name, one a line. ``InvalidInput`` names the line that is not understood."""
    fields: list[Field] = []
    for number, line in enumerate(lines.splitlines(), 1):
        if not line.strip():
            continue
        try:
            fields.append(_parse(line, fields))
        except ValueError as reason:
            raise InvalidInput(
                _("Line %(number)d of the fields, “%(line)s”: %(reason)s")
                % {"number": number, "line": line.strip()[:80], "reason": reason}
            ) from None
    if len(fields) > MAX_FIELDS:
        raise InvalidInput(
            _("A section has at most %(most)d fields; these are %(read)d.")
            % {"most": MAX_FIELDS, "read": len(fields)}
        )
    return fields


def _parse(line: str, before: list[Field]) -> Field:
    parts = [part.strip() for part in line.split("|")]
    if not 3 <= len(parts) <= 5:
        raise ValueError(_("name | label | kind | unit, choices or formula | range"))
    key, label, kind, detail, bounds = parts + [""] * (5 - len(parts))
    if not _KEY.fullmatch(key) or key in {field.key for field in before}:
        raise ValueError(_("the name needs small letters, digits and _, and each name stands once"))
    if not label:
        raise ValueError(_("the label is missing"))
    if kind not in KINDS:
        raise ValueError(
            _("the kind was read as “%(read)s”; there are: %(accepted)s")
            % {"read": kind[:20], "accepted": ", ".join(KINDS)}
        )
    low, high = _bounds(bounds)
    formula, inputs = _formula(detail, before) if kind == CALCULATED else ("", ())
    return Field(
        key=key,
        label=label[:100],
        kind=kind,
        unit=detail[:20] if kind == NUMBER else "",
        low=low,
        high=high,
        choices=_choices(detail) if kind == POINTS else (),
        formula=formula,
        inputs=inputs,
    )


def _bounds(text: str) -> tuple[float | None, float | None]:
    if not text:
        return None, None
    found = _RANGE.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ValueError(
            _("the range was read as “%(read)s”; 5–84, 5– and –84 are accepted") % {"read": text[:20]}
        )
    low, high = (float(bound) if bound else None for bound in found.groups())
    return low, high


def _choices(text: str) -> tuple[tuple[str, float], ...]:
    choices = []
    for each in filter(None, (part.strip() for part in text.split(";"))):
        with_points = _WITH_POINTS.fullmatch(each)
        choices.append((with_points[1], float(with_points[2])) if with_points else (each, 0.0))
    if len(choices) < 2:
        raise ValueError(_("a choice needs at least two answers parted by semicolons"))
    return tuple(choices)


def _formula(text: str, before: list[Field]) -> tuple[str, tuple[str, ...]]:
    call = _CALL.fullmatch(text)
    if call is None or call[1] not in FORMULAS:
        raise ValueError(
            _("the formula was read as “%(read)s”; there are: %(accepted)s")
            % {"read": text[:40], "accepted": ", ".join(FORMULAS)}
        )
    inputs = tuple(part.strip() for part in call[2].split(","))
    kinds = {field.key: field.kind for field in before}
    takes = FORMULAS[call[1]].takes
    if tuple(kinds.get(name) for name in inputs) != takes:
        raise ValueError(
            _("%(formula)s takes fields of these kinds, named above it: %(takes)s")
            % {"formula": call[1], "takes": ", ".join(takes)}
        )
    return call[1], inputs


def fields_of(section: dict[str, Any]) -> list[Field]:
    """The fields of a template's section."""
    return parse_fields(section.get("fields", ""))


def has_fields(sections: list[dict[str, Any]]) -> bool:
    return any(section.get("fields") for section in sections)


def name_of(section: dict[str, Any], field: Field) -> str:
    """Under which name a report keeps the field."""
    return f"{section['key']}.{field.key}"


# --- what was entered --------------------------------------------------------------------------------


def named_fields(sections: list[dict[str, Any]]) -> Iterator[tuple[str, Field]]:
    """Name and field of everything that can be entered."""
    for section in sections:
        for field in fields_of(section):
            if field.kind != CALCULATED:
                yield name_of(section, field), field


def clean_entry(text: str) -> str:
    """What was typed into a field, without what a database cannot keep."""
    return _UNSTORABLE.sub(" ", text).strip()[:MAX_LENGTH]


def problems(sections: list[dict[str, Any]], content: dict[str, str]) -> dict[str, str]:
    """By name: what is no value of its field, and what would be one."""
    found = {name: field.problem_with(content.get(name, "")) for name, field in named_fields(sections)}
    return {name: problem for name, problem in found.items() if problem}


def calculated(
    sections: list[dict[str, Any]], content: dict[str, str], examined_on: dt.date
) -> dict[str, str]:
    """By name: what the calculated fields come to; empty while something is missing for it."""
    found = {}
    for section in sections:
        fields = {field.key: field for field in fields_of(section)}
        for field in fields.values():
            if field.kind == CALCULATED:
                values = [
                    fields[key].value_of(content.get(name_of(section, fields[key]), ""))
                    for key in field.inputs
                ]
                found[name_of(section, field)] = work_out(field.formula, values, examined_on)
    return found


def field_lines(
    section: dict[str, Any], content: dict[str, str], examined_on: dt.date
) -> list[dict[str, Any]]:
    """What a report shows of the section's fields: label, value, usual range, and whether it is outside."""
    worked_out = calculated([section], content, examined_on)
    lines = []
    for field in fields_of(section):
        name = name_of(section, field)
        text = worked_out.get(name, "") if field.kind == CALCULATED else content.get(name, "")
        if text:
            lines.append(
                {
                    "label": field.label,
                    "value": field.shown(text),
                    "range": f"{field.range_text} {field.unit}".strip() if field.range_text else "",
                    "is_unusual": field.is_unusual(text),
                }
            )
    return lines
