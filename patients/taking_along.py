"""What was typed for a new patient is taken along when that person turns out to be here already."""

from collections.abc import Collection
from typing import Any

from . import names
from .comparing import ALIAS, BOTH, JOINED, SURVIVOR, Row, compare, merged_values
from .forms import PatientForm
from .models import Patient
from .values import BLANK, GROUP_FIELDS, NAME_FIELDS


def typed_patient(form: PatientForm) -> Patient:
    """What could be read of the form, as a record that is never saved."""
    form.is_valid()
    return Patient(**BLANK | form.values())


def offered_rows(patient: Patient, typed: Patient) -> list[Row]:
    """The fields in which what was typed says something else than the record, or more."""
    rows = [row for row in compare(patient, typed) if row.alias and row.differs]
    return [row for row in rows if not _is_same_name(row) and row.alias not in row.survivor.splitlines()]


def _is_same_name(row: Row) -> bool:
    """Written in haste: without accents or in small letters only."""
    is_name = row.field in (*NAME_FIELDS, *GROUP_FIELDS)
    return is_name and names.fold(row.alias) == names.fold(row.survivor)


def taken_values(patient: Patient, typed: Patient, chosen: Collection[str]) -> dict[str, Any]:
    """The changes of the record: of the offered fields those that were ``chosen``. Warnings and notes are
    added to those that are there."""
    offered = {row.field: row for row in offered_rows(patient, typed)}
    choices = dict.fromkeys((row.field for row in compare(patient, typed)), SURVIVOR)
    for field in set(chosen) & set(offered):
        adds = offered[field].can_join and field in JOINED and field != "address"
        choices[field] = BOTH if adds else ALIAS
    values = merged_values(patient, typed, choices)
    taken = {field: values[field] for field in set(chosen) & set(offered)}
    return taken | ({"birth_precision": values["birth_precision"]} if "birth_date" in taken else {})
