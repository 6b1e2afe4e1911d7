"""Reading the keys of a query and writing the patient into its answers: worklist and Query/Retrieve."""

import datetime
from typing import Any

from pydicom import Dataset

from patients.models import BirthPrecision

from .character_sets import writable


def person_name(value: str, character_set: str) -> str:
    """Up to three component groups of 64 characters each (PS3.5 6.2)."""
    groups = [writable(group.replace("\\", "/"), character_set)[:64] for group in value.split("=")]
    return "=".join(groups)


def birth_date(patient: Any) -> str:
    """Only a date that is known to the day: an invented one would come back in the images as true."""
    known: datetime.date | None = patient.birth_date
    if known is None or patient.birth_precision != BirthPrecision.DAY:
        return ""
    return known.strftime("%Y%m%d")


def value_of(keys: Dataset, keyword: str) -> str:
    """A matching key as text; several values are parted by backslashes."""
    value = keys.get(keyword)
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\0", "").strip()
    if isinstance(value, (list, tuple)) or (hasattr(value, "__iter__") and not hasattr(value, "components")):
        return "\\".join(str(part).replace("\0", "").strip() for part in value)
    return str(value).replace("\0", "").strip()
