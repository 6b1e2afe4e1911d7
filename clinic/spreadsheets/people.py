"""Whose visit is it? Patients of a list, met by their number, compared before they are believed."""

import datetime as dt
from collections.abc import Collection, Sequence
from difflib import SequenceMatcher
from typing import Any

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from clinic.models import User
from patients import names
from patients.dates import BirthDate, BirthPrecision
from patients.duplicates import Candidate
from patients.importing import Expected, find_candidates_many, make_patient, register_many
from patients.models import OtherName, Patient, Sex
from patients.records import hold_patients

from .visits import Refused, Visit

NEARLY_SAME = 0.75


class People:
    """The patients of the visits at hand. A number that is known reuses its record if the person agrees; a
    new one is registered unless somebody here is certainly the same person.
    """

    def __init__(self, by: User, *, dry: bool) -> None:
        self._by, self._dry = by, dry
        self._expected = Expected()
        self.forget_batch()

    def forget_batch(self) -> None:
        self._known: dict[str, Patient] = {}
        self._new: dict[str, Patient] = {}
        self._new_rows: dict[str, int] = {}
        self._refused: dict[str, Refused] = {}
        self._likely: dict[str, list[Candidate]] = {}
        self._registered: dict[str, Patient] = {}

    def meet(self, visits: Sequence[Visit]) -> None:
        """Look up everybody in ``visits``."""
        self.forget_batch()
        if not self._dry:  # the database knows those of earlier batches; a dry run goes on remembering
            self._expected.clear()
        numbers = {visit.number for visit in visits}
        if not self._dry:  # a merge waits until the batch is written
            hold_patients(Patient.objects.filter(mrn_key__in=numbers).values_list("pk", flat=True))
        self._known = _by_number(numbers)
        for visit in visits:
            number = visit.number
            if number in self._known or number in self._new:
                continue
            planned = self._expected.with_number(number)
            if planned is not None:
                self._known[number] = planned
                continue
            self._new[number] = make_patient(visit.mrn, visit.patient, by=self._by)
            self._new_rows[number] = visit.row.number
        self._look_for_duplicates()

    def _look_for_duplicates(self) -> None:
        new = list(self._new.items())
        here = find_candidates_many([patient for _number, patient in new])
        for (number, patient), candidates in zip(new, here, strict=True):
            found = [*candidates, *self._expected.candidates(patient)]
            certain = [candidate for candidate in found if candidate.level == "certain"]
            if certain:
                self._refused[number] = Refused(
                    _(
                        "This person is here already under another number: %(known)s (%(why)s). Give the row "
                        "that number if it is the same person."
                    )
                    % {"known": certain[0].patient, "why": ", ".join(certain[0].reasons)},
                    "patient_id",
                )
                continue
            if found:
                self._likely[number] = found
            self._expected.add(patient)

    def refusal_of(self, visit: Visit) -> Refused | None:
        """Why the visit cannot be given to the patient with its number; None when it can."""
        if visit.number in self._refused:
            return self._refused[visit.number]
        known = self._known.get(visit.number) or self._new[visit.number]
        wrong = _contradiction(visit, known)
        if not wrong:
            return None
        return Refused(
            _("The number %(number)s is that of %(known)s; %(wrong)s.")
            % {"number": visit.mrn, "known": _described(known), "wrong": wrong},
            "patient_id",
        )

    def register(self, numbers: Collection[str], *, source: str) -> int:
        """Register the new ones among ``numbers``; how many."""
        self._registered = {number: patient for number, patient in self._new.items() if number in numbers}
        if not self._dry and self._registered:
            register_many(list(self._registered.values()), by=self._by, source=source)
        return len(self._registered)

    def patient(self, number: str) -> Patient:
        return self._known.get(number) or self._registered[number]

    def likely_duplicates(self, numbers: Collection[str]) -> list[dict[str, Any]]:
        """New patients who may be somebody else who is here, for a person to look at."""
        return [
            {
                "row": self._new_rows[number],
                "patient": str(self._new[number]),
                "others": [
                    {"patient": str(candidate.patient), "why": ", ".join(candidate.reasons)}
                    for candidate in candidates[:3]
                ],
            }
            for number, candidates in self._likely.items()
            if number in numbers
        ]


def _by_number(numbers: Collection[str]) -> dict[str, Patient]:
    """The records that count for these numbers; a merged one stands for the one it became."""
    other_names = Prefetch("other_names", OtherName.objects.all())
    found = Patient.objects.filter(mrn_key__in=numbers).select_related("merged_into")
    rows = found.prefetch_related(other_names, Prefetch("merged_into__other_names", OtherName.objects.all()))
    return {patient.mrn_key: patient.merged_into or patient for patient in rows}


def _contradiction(visit: Visit, known: Patient) -> str:
    """What speaks against the row being about ``known``, in words; empty when nothing does."""
    values = visit.patient
    written = names.PersonName(
        values["family_name"],
        values["given_name"],
        values["middle_name"],
        ideographic=values["ideographic_name"],
    )
    others = known.other_names.all() if known.pk else ()
    known_names = [known.person_name, *(other.person_name for other in others)]
    if not any(_names_agree(written, name) for name in known_names):
        shown = " ".join(part for part in (written.given, written.middle, written.family) if part)
        return _("the row names %(name)s") % {"name": shown or written.ideographic}
    if {values["sex"], known.sex} == {Sex.MALE, Sex.FEMALE}:
        return _("the row says another sex")
    if values["birth_date"] is not None and known.born is not None:
        born = BirthDate(values["birth_date"], BirthPrecision(values["birth_precision"]))
        (start, end), (known_start, known_end) = _span(born), _span(known.born)
        if start > known_end or known_start > end:
            return _("the row says born %(born)s") % {"born": born.text}
    return ""


def _span(born: BirthDate) -> tuple[dt.date, dt.date]:
    """The days that are meant; an age in months may be a month or two off."""
    start, end = born.span
    give = dt.timedelta(days=0 if born.precision == BirthPrecision.DAY else 62)
    return start - give, end + give


def _names_agree(one: names.PersonName, other: names.PersonName) -> bool:
    """Every word of the shorter name has one in the longer that is nearly the same."""
    shorter, longer = sorted((names.main_words(one), names.main_words(other)), key=len)
    if not shorter:
        return True  # written in scripts that cannot be compared
    left = list(longer)
    for word in shorter:
        nearest = max(left, key=lambda candidate: _alike(word, candidate), default="")
        if _alike(word, nearest) < NEARLY_SAME:
            return False
        left.remove(nearest)
    return True


def _alike(word: str, other: str) -> float:
    if len(word) == 1 or len(other) == 1:  # an initial
        return float(word[:1] == other[:1])
    return SequenceMatcher(None, word, other, autojunk=False).ratio()


def _described(patient: Patient) -> str:
    born = patient.born
    return f"{patient.display_name}, {born.text}" if born else patient.display_name
