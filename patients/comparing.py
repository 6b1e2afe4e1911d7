"""Two records side by side: what differs, and which of the two is worth keeping."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from clinic.errors import InvalidInput
from clinic.models import ClinicProfile

from .dates import BirthPrecision
from .models import Patient, Sex
from .phones import shown_phone
from .values import EDITABLE

SURVIVOR, ALIAS, BOTH = "survivor", "alias", "both"
# A warning of one record is one about the person: these are kept together unless somebody decides otherwise.
JOINED = ("alerts", "note", "pregnancy_note", "address")
_JOINED_AT_FIRST = ("alerts", "note", "pregnancy_note")
FIELDS = tuple(name for name in EDITABLE if name != "birth_precision")
_EXACTNESS = [BirthPrecision.ABOUT, BirthPrecision.YEAR, BirthPrecision.MONTH, BirthPrecision.DAY]


@dataclass(frozen=True)
class Row:
    """One field of both records. ``chosen`` is what is kept: survivor, alias or both."""

    field: str
    label: str | Promise
    survivor: str
    alias: str
    chosen: str

    @property
    def differs(self) -> bool:
        return self.survivor != self.alias

    @property
    def is_doubt(self) -> bool:
        """What hardly differs in two records of one person."""
        both_know = bool(self.survivor) and bool(self.alias)
        return self.differs and both_know and self.field in ("birth_date", "sex", "national_id")

    @property
    def can_join(self) -> bool:
        return self.field in JOINED and bool(self.survivor) and bool(self.alias) and self.differs


def compare(survivor: Patient, alias: Patient, choices: Mapping[str, str] | None = None) -> list[Row]:
    """The fields that at least one of them knows; what is not in ``choices`` is chosen sensibly."""
    chosen = sensible_choices(survivor, alias) | dict(choices or {})
    rows = [
        Row(
            field=name,
            label=Patient._meta.get_field(name).verbose_name,  # type: ignore[union-attr]
            survivor=_shown(survivor, name),
            alias=_shown(alias, name),
            chosen=chosen[name],
        )
        for name in FIELDS
    ]
    return [row for row in rows if row.survivor or row.alias]


def sensible_choices(survivor: Patient, alias: Patient) -> dict[str, str]:
    """The survivor's values, but what only the other knows, or knows more exactly, is not given up."""
    choices = {}
    for name in FIELDS:
        mine, theirs = _shown(survivor, name), _shown(alias, name)
        if name in _JOINED_AT_FIRST and mine and theirs and mine != theirs:
            choices[name] = BOTH
        else:
            choices[name] = ALIAS if _worth(alias, name) > _worth(survivor, name) else SURVIVOR
    return choices


def merged_values(survivor: Patient, alias: Patient, choices: Mapping[str, str]) -> dict[str, Any]:
    """The fields of the survivor after the merge, to be checked like everything that is written."""
    for name, choice in choices.items():
        allowed = {SURVIVOR, ALIAS, BOTH} if name in JOINED else {SURVIVOR, ALIAS}
        if name not in FIELDS or choice not in allowed:
            raise InvalidInput(
                _("The choice “%(choice)s” for “%(field)s” is not one of those offered.")
                % {"choice": choice[:40], "field": name[:40]}
            )
    chosen = sensible_choices(survivor, alias) | dict(choices)
    values = {}
    for name in FIELDS:
        source = alias if chosen[name] == ALIAS else survivor
        values[name] = getattr(source, name)
        if chosen[name] == BOTH:
            values[name] = _joined(name, getattr(survivor, name), getattr(alias, name))
        if name == "birth_date":
            values["birth_precision"] = source.birth_precision
    return values


def _joined(name: str, mine: str, theirs: str) -> str:
    """Both texts, neither twice."""
    if theirs in mine:
        return mine
    if mine in theirs:
        return theirs
    return f"{mine}; {theirs}" if name == "pregnancy_note" else f"{mine}\n{theirs}"


def _worth(patient: Patient, name: str) -> int:
    """How much a record knows about a field; nothing is 0."""
    value = getattr(patient, name)
    if name == "birth_date" and value is not None:
        return 1 + _EXACTNESS.index(BirthPrecision(patient.birth_precision))
    if name == "sex":
        return int(value != Sex.UNKNOWN)
    return int(bool(value))


def _shown(patient: Patient, name: str) -> str:
    value = getattr(patient, name)
    if name == "birth_date":
        return patient.birth_text
    if name == "sex":
        return str(patient.get_sex_display()) if value != Sex.UNKNOWN else ""
    if name == "phone":
        return shown_phone(value, country=ClinicProfile.get().country) if value else ""
    return str(value)
