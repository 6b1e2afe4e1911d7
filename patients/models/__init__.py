"""Patients, the numbers and names by which they are known, merges, documents."""

from ..dates import BirthPrecision
from .documents import DocumentKind, PatientDocument
from .merges import PatientMerge
from .other_names import NameWord, OtherName, OtherNameKind
from .people import Patient, PatientIdentifier, PatientQuerySet, Sex, match_key

__all__ = [
    "BirthPrecision",
    "DocumentKind",
    "NameWord",
    "OtherName",
    "OtherNameKind",
    "Patient",
    "PatientDocument",
    "PatientIdentifier",
    "PatientMerge",
    "PatientQuerySet",
    "Sex",
    "match_key",
]
