"""Is this person here already? Candidates with a score and the reasons for it.

What is known of a person is compared sign by sign (``signs.py``); the points of the signs add up. Every
rule is in the table below and nowhere else. A father and his son share a name, twins share a birth date, a
family shares a phone: none of these alone, nor two of them, reach the line of certainty.
``benchmarks/duplicates.py`` shows how well the table does on pairs of which the truth is known.
"""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.contrib.postgres.search import TrigramSimilarity
from django.db.models import Case, F, FloatField, QuerySet, Value, When
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from . import names
from .dates import BirthPrecision
from .models import OtherName, Patient
from .near_words import near_words, sounds_of
from .numbers import number_key
from .signs import Description, Sounds, name_words, nearby_dates, signs_of

__all__ = ["Candidate", "Description", "compare", "find_candidates", "nearby_dates"]

CERTAIN, LIKELY, POSSIBLE = 90, 60, 30  # points from which on a candidate is called so

SIGNS: dict[str, tuple[int, Promise]] = {
    # name: the best one counts
    "same_name": (50, _("same name")),
    "part_of_name": (38, _("same name, one with a further part")),
    "nearly_same_name": (35, _("nearly the same name")),
    "same_sound": (35, _("name sounds the same")),
    "same_given_name": (15, _("same given name, another family name")),
    "shared_name": (5, _("shares a name")),
    "same_family_name": (-15, _("same family name, another given name")),
    "by_another_name": (0, _("by another name of this person")),
    "other_suffix": (-20, _("another suffix (Jr, Sr)")),
    # birth: the first that holds counts
    "same_birth_date": (40, _("same birth date")),
    "same_first_of_january": (30, _("same birth date (1 January)")),
    "day_and_month_swapped": (25, _("birth date with day and month exchanged")),
    "one_digit_off": (25, _("birth date with one digit different")),
    "birth_dates_agree": (25, _("birth dates agree as far as they are known")),
    "ages_agree": (15, _("estimated ages agree")),
    "same_birth_year": (5, _("same year of birth")),
    "other_birth_date": (-20, _("another birth date")),
    # numbers
    "same_national_id": (45, _("same national id")),
    "other_national_id": (-30, _("another national id")),
    "same_number": (45, _("same number of another clinic")),
    "same_phone": (10, _("same phone")),
    # the rest
    "other_sex": (-25, _("another sex")),
}
_LOOKED_AT = 60  # candidates of each kind that are compared


@dataclass(frozen=True)
class Candidate:
    """A patient who may be the one described."""

    patient: Patient
    signs: tuple[str, ...]

    @property
    def score(self) -> int:
        return sum(SIGNS[sign][0] for sign in self.signs)

    @property
    def level(self) -> str:
        if self.score >= CERTAIN:
            return "certain"
        return "likely" if self.score >= LIKELY else "possible"

    @property
    def reasons(self) -> list[str]:
        """Why, in words: what speaks for it first."""
        return [str(SIGNS[sign][1]) for sign in sorted(self.signs, key=lambda sign: -SIGNS[sign][0])]


def find_candidates(described: Description, *, limit: int = 8) -> list[Candidate]:
    """The patients who may be the one described, best first; none below ``POSSIBLE``."""
    if not described.is_enough:
        return []
    patients = _worth_comparing(described)
    words = [word for patient in patients for word in name_words(patient)]
    sounds = sounds_of([*words, *names.main_words(described.name)]) if words else {}
    found = [compare(described, patient, sounds=sounds) for patient in patients]
    found = [candidate for candidate in found if candidate.score >= POSSIBLE]
    return sorted(found, key=lambda candidate: (-candidate.score, candidate.patient.pk))[:limit]


def compare(
    described: Description, patient: Patient, *, sounds: Sounds | None = None, sounds_same: bool = False
) -> Candidate:
    """``patient`` as a candidate. ``sounds`` are the codes of all words (``near_words.sounds_of``); who has
    none may say that the database finds that the whole names sound the same."""
    signs = tuple(signs_of(described, patient, sounds or {}, sounds_same))
    return Candidate(patient, signs)


# --- who is worth comparing, each kind through an index -----------------------------------------------


def _worth_comparing(described: Description) -> list[Patient]:
    kinds = [kind.values_list("pk")[:_LOOKED_AT] for kind in _kinds(described)]
    keys = [pk for (pk,) in kinds[0].union(*kinds[1:])] if kinds else []
    return list(Patient.objects.filter(pk__in=keys).prefetch_related("identifiers", "other_names"))


def _kinds(described: Description) -> Iterator[QuerySet[Patient]]:
    patients = Patient.objects.current().order_by()
    key = names.name_key(described.name)
    days: list[datetime.date] = []
    if described.born is not None and described.born.precision == BirthPrecision.DAY:
        days = [described.born.date, *nearby_dates(described.born.date)]
    if key:
        alike = patients.annotate(nearness=_nearness(key, days))
        # Of a thousand of nearly that name the nearest are compared.
        keys = match_keys(described)
        yield alike.filter(match_keys__overlap=keys).order_by("-nearness")
        if days:
            yield alike.filter(birth_date=days[0], nearness__gt=0.7).order_by("-nearness")
        others = OtherName.objects.filter(match_keys__overlap=[*keys, *_singles(keys)])
        others = others.annotate(nearness=TrigramSimilarity("name_key", key)).order_by("-nearness")
        yield patients.filter(pk__in=others.values("patient_id")[:_LOOKED_AT])
    if described.phone:
        yield patients.filter(phone=described.phone)
    if number_key(described.national_id):
        yield patients.filter(national_id_key=number_key(described.national_id))
    for _issuer, value in described.identifiers:
        yield patients.filter(identifiers__value_key=number_key(value))


def _nearness(key: str, days: list[datetime.date]) -> F | TrigramSimilarity | object:
    """Likeness of the names, half a point more where the birth dates are near."""
    likeness = TrigramSimilarity("name_key", key)
    if not days:
        return likeness
    born = Case(When(birth_date__in=days, then=Value(0.5)), default=Value(0.0), output_field=FloatField())
    return likeness + born


def match_keys(described: Description) -> list[str]:
    """The keys under which the person and the likes of them are kept (``patients_match_keys``, migration
    0020): sounds in pairs, each with year and day of birth, also those of words one slip away."""
    words = [word for word in names.name_key(described.name).split() if word.isascii() and word.isalpha()][:8]
    near = near_words(words)
    codes = [{one.code for one in near[word] if one.slips <= 1 and one.code} for word in words]
    distinct = set().union(*codes)
    keys = {" ".join(sorted({a, b})) for a, b in _pairs(codes)} if len(codes) > 1 else distinct
    keys |= {f"{code}{part}" for code in distinct for part in _birth_parts(described)}
    return sorted(keys)


def _singles(keys: list[str]) -> set[str]:
    """The sounds one by one: often only the family name was another."""
    return {code for key in keys if key.isalpha() or " " in key for code in key.split()}


def _pairs(codes: list[set[str]]) -> Iterable[tuple[str, str]]:
    for place, mine in enumerate(codes):
        for others in codes[place + 1 :]:
            yield from ((a, b) for a in mine for b in others)


def _birth_parts(described: Description) -> list[str]:
    if described.born is None:
        return []
    day = described.born.date
    known_day = described.born.precision == BirthPrecision.DAY and (day.month, day.day) != (1, 1)
    return [str(day.year), f"/{day:%m%d}"] if known_day else [str(day.year)]
