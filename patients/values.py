"""What may be written into a patient's record, checked whoever writes it: a form, an import, a machine."""

import datetime
import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.errors import InvalidInput
from clinic.models import ClinicProfile

from . import names
from .dates import BirthDate, BirthPrecision, check_birth_date
from .models import Patient, Sex
from .phones import read_phone

NAME_FIELDS = ("family_name", "given_name", "middle_name", "name_prefix", "name_suffix")
GROUP_FIELDS = ("ideographic_name", "phonetic_name")
LINE_FIELDS = ("national_id", "pregnancy_note")
TEXT_FIELDS = ("address", "alerts", "note")
EDITABLE = (
    *NAME_FIELDS,
    *GROUP_FIELDS,
    "birth_date",
    "birth_precision",
    "sex",
    "phone",
    "email",
    *LINE_FIELDS,
    *TEXT_FIELDS,
)
BLANK: dict[str, Any] = dict.fromkeys(EDITABLE, "") | {
    "birth_date": None,
    "birth_precision": BirthPrecision.DAY,
    "sex": Sex.UNKNOWN,
}


def clean_values(fields: dict[str, Any], *, country: str = "") -> dict[str, Any]:
    """The values as they are kept; refuses what cannot be, naming the field.

    ``country`` is the clinic's, for who has it at hand.
    """
    unknown = sorted(set(fields) - set(EDITABLE))
    if unknown:
        raise TypeError(f"no such field of a patient: {', '.join(unknown)}")
    for name, value in fields.items():
        if isinstance(value, str) and "\x00" in value:
            raise InvalidInput(_("The text holds a sign that cannot be kept (NUL)."), field=name)
    values = dict(fields)
    for name in (*NAME_FIELDS, *LINE_FIELDS):
        values[name] = names.clean(fields[name])
    for name in GROUP_FIELDS:
        values[name] = "^".join(names.clean(part) for part in fields[name].split("^")).rstrip("^")
    for name in TEXT_FIELDS:
        values[name] = fields[name].replace("\r\n", "\n").strip()
    values["email"] = fields["email"].strip()
    values["phone"] = read_phone(fields["phone"], country=country or ClinicProfile.get().country)
    _check_name(values)
    _check_birth(values)
    _check_rest(values)
    return values


def _check_name(values: dict[str, Any]) -> None:
    person = Patient(**{name: values[name] for name in (*NAME_FIELDS, *GROUP_FIELDS)}).person_name
    for name in (*NAME_FIELDS, *GROUP_FIELDS):
        forbidden = set(re.findall(r"[\\^=\x00-\x1f\x7f]", values[name]))
        forbidden -= {"^"} if name in GROUP_FIELDS else set()
        if forbidden:
            raise InvalidInput(
                _("A name cannot hold the sign %(sign)s: images use it to separate the parts of names.")
                % {"sign": " ".join(sorted(forbidden))},
                field=name,
            )
    if not names.name_key(person) or not (person.family or person.given or person.ideographic):
        raise InvalidInput(
            _("A name is needed. Who has only one name has it as family name."), field="family_name"
        )
    for field, group in (
        ("family_name", person.alphabetic),
        ("ideographic_name", person.ideographic),
        ("phonetic_name", person.phonetic),
    ):
        limit_length(_("name with all its parts"), group, names.GROUP_LENGTH, field)


def _check_birth(values: dict[str, Any]) -> None:
    if values["birth_precision"] not in BirthPrecision.values:
        raise InvalidInput(
            _("“%(value)s” is not a precision of birth dates; accepted: %(accepted)s.")
            % {"value": values["birth_precision"], "accepted": ", ".join(BirthPrecision.values)},
            field="birth_date",
        )
    if values["birth_date"] is None:
        values["birth_precision"] = BirthPrecision.DAY
        return
    if not isinstance(values["birth_date"], datetime.date):
        raise TypeError("birth_date is a date; dates.read_birth_date reads what people type")
    born = BirthDate(values["birth_date"], BirthPrecision(values["birth_precision"]))
    check_birth_date(born, today=timezone.localdate())
    values["birth_date"] = born.kept
    values["birth_precision"] = born.precision.value


def _check_rest(values: dict[str, Any]) -> None:
    if values["sex"] not in Sex.values:
        raise InvalidInput(
            _("“%(value)s” is not a sex that Cedar knows; accepted: M, F, O, U.") % {"value": values["sex"]},
            field="sex",
        )
    values["sex"] = Sex(values["sex"]).value
    if values["email"]:
        try:
            validate_email(values["email"])
        except ValidationError as error:
            raise InvalidInput(
                _("“%(text)s” is not an e-mail address. Accepted: as in name@example.org.")
                % {"text": values["email"]},
                field="email",
            ) from error
    for name, label, length in (
        ("email", _("e-mail"), 254),
        ("national_id", _("national id"), 64),
        ("pregnancy_note", _("pregnancy"), 200),
    ):
        limit_length(label, values[name], length, name)


def limit_length(label: str, text: str, length: int, field: str) -> None:
    """Refuse a text that would have to be cut."""
    if len(text) > length:
        raise InvalidInput(
            _("The %(label)s has %(found)d characters; at most %(length)d fit.")
            % {"label": label, "found": len(text), "length": length},
            field=field,
        )


def plain(value: Any) -> Any:
    """A value as the audit trail keeps it."""
    return value.isoformat() if isinstance(value, datetime.date) else value
