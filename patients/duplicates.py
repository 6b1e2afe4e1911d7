"""Is this person here already? Candidates with a score and the reasons for it.

What is known of a person is compared sign by sign (``signs.py``); the points of the signs add up. Every
rule is in the table below and nowhere else. A father and his son share a name, twins share a birth date, a
family shares a phone: none of these alone, nor two of them, reach the line of certainty.
``benchmarks/duplicates.py`` shows how well the table does on pairs of which the truth is known.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.contrib.postgres.search import TrigramSimilarity
from django.db.models import Prefetch, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from . import names
from .dates import BirthDate, BirthPrecision
from .indexed import only_indexes
from .models import OtherName, Patient
from .near_words import NearWord, near_words, sounds_of
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
_LOOKED_AT = 30  # candidates of each kind that are compared
_OF_ONE_NAME = 200
_WORDS, _SOUNDS = 6, 4  # of a name; of a word


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
    with only_indexes():
        keys = [pk for (pk,) in kinds[0].union(*kinds[1:])]
    patients = Patient.objects.filter(pk__in=keys)
    if described.identifiers:
        patients = patients.prefetch_related("identifiers")
    return list(patients.prefetch_related(Prefetch("other_names", to_attr="names_of_before")))


def _kinds(described: Description) -> Iterator[QuerySet[Patient]]:
    patients = Patient.objects.current().order_by()
    if names.name_key(described.name):
        yield from _alike(described, patients)
    if described.phone:
        yield patients.filter(phone=described.phone)
    if number_key(described.national_id):
        yield patients.filter(national_id_key=number_key(described.national_id))
    for _issuer, value in described.identifiers:
        yield patients.filter(identifiers__value_key=number_key(value))


def _alike(described: Description, patients: QuerySet[Patient]) -> Iterator[QuerySet[Patient]]:
    """By the name: those born at (about) that time; some of those born at another; those known otherwise."""
    by_name, by_name_and_birth = match_keys(described)
    likeness = TrigramSimilarity("name_key", names.name_key(described.name))
    alike = patients.annotate(likeness=likeness).order_by("-likeness")
    born = described.born
    if born is not None and born.precision == BirthPrecision.DAY:
        near = [born.date, *nearby_dates(born.date)]
        yield alike.filter(match_keys__overlap=by_name_and_birth, birth_date__in=near)
        if not born.is_first_of_january:
            yield alike.filter(birth_date=born.date, likeness__gt=0.2)
    elif born is not None:
        yield alike.filter(match_keys__overlap=by_name).filter(match_keys__overlap=by_name_and_birth)
    # Thousands of one name who were born at another time are not worth the time to put them in order.
    some = patients.filter(match_keys__overlap=by_name).values("pk")[:_OF_ONE_NAME]
    yield alike.filter(pk__in=some)
    others = OtherName.objects.filter(match_keys__overlap=_with_singles(by_name)).order_by()
    yield patients.filter(pk__in=others.values("patient_id")[:_LOOKED_AT])


def match_keys(described: Description) -> tuple[list[str], list[str]]:
    """The keys under which the person and the likes of them are kept (``patients_match_keys``, migration
    0020): sounds in pairs; each sound with the year and the day of birth. Also those of words that are known
    here and one slip away."""
    words = [word for word in names.name_key(described.name).split() if word.isascii() and word.isalpha()]
    codes = [_codes(word, near) for word, near in near_words(words[:_WORDS], sounds=False).items()]
    every = dict.fromkeys(code for of_word in codes for code in of_word)
    pairs = {" ".join(sorted({a, b})) for a, b in _pairs(codes)} if len(codes) > 1 else set(every)
    with_birth = {f"{code}{part}" for code in every for part in _birth_parts(described.born)}
    return sorted(pairs), sorted(with_birth)


def _codes(word: str, near: list[NearWord]) -> list[str]:
    """How a word sounds, and what it may have been meant to be. Short words are like too many others."""
    reach = 1 if len(word) > 3 else 0
    return list(dict.fromkeys(one.code for one in near if one.slips <= reach and one.code))[:_SOUNDS]


def _with_singles(pairs: list[str]) -> list[str]:
    """With the sounds one by one: often only the family name was another."""
    return sorted({*pairs, *(code for pair in pairs for code in pair.split())})


def _pairs(codes: list[list[str]]) -> Iterable[tuple[str, str]]:
    for place, mine in enumerate(codes):
        for others in codes[place + 1 :]:
            yield from ((a, b) for a in mine for b in others)


def _birth_parts(born: BirthDate | None) -> list[str]:
    """The years that are meant, and the day where it is known."""
    if born is None:
        return []
    years = [str(year) for year in range(born.span[0].year, born.span[1].year + 1)]
    known_day = born.precision == BirthPrecision.DAY and not born.is_first_of_january
    return [*years, f"/{born.date:%m%d}"] if known_day else years
