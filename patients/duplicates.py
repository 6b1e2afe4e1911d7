"""Is this person here already? Candidates with a score and the reasons for it.

What is known of a person is compared sign by sign; the points of the signs add up. Every rule is in the
table below and nowhere else. A father and his son share a name, twins share a birth date, a family shares
a phone: none of these alone, nor two of them, reach the line of certainty.
"""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from django.contrib.postgres.search import TrigramSimilarity
from django.db import connection, transaction
from django.db.models import BooleanField, ExpressionWrapper, Func, Q, QuerySet, Value
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from . import names
from .dates import BirthDate, BirthPrecision
from .models import Patient, Sex
from .numbers import number_key

CERTAIN, LIKELY, POSSIBLE = 90, 60, 30  # points from which on a candidate is called so

SIGNS: dict[str, tuple[int, Promise]] = {
    # name: the best one counts
    "same_name": (50, _("same name")),
    "part_of_name": (40, _("same name, one with a further part")),
    "nearly_same_name": (35, _("nearly the same name")),
    "same_sound": (35, _("name sounds the same")),
    "shared_name": (5, _("shares a name")),
    # birth: the first that holds counts
    "same_birth_date": (40, _("same birth date")),
    "same_first_of_january": (30, _("same birth date (1 January)")),
    "day_and_month_swapped": (25, _("birth date with day and month exchanged")),
    "one_digit_off": (25, _("birth date with one digit different")),
    "birth_dates_agree": (20, _("birth dates agree as far as they are known")),
    "same_birth_year": (10, _("same year of birth")),
    "other_birth_date": (-20, _("another birth date")),
    # numbers
    "same_national_id": (50, _("same national id")),
    "other_national_id": (-30, _("another national id")),
    "same_number": (50, _("same number of another clinic")),
    "same_phone": (10, _("same phone")),
    # the rest
    "other_sex": (-25, _("another sex")),
}
NEARLY_SAME = 0.75  # share of letters in common from which on two words are nearly the same
_LOOKED_AT = 60  # candidates of each kind that are compared


@dataclass(frozen=True)
class Description:
    """What is known of a person who may or may not be here already."""

    name: names.PersonName = field(default_factory=names.PersonName)
    born: BirthDate | None = None
    sex: str = Sex.UNKNOWN
    phone: str = ""
    national_id: str = ""
    identifiers: tuple[tuple[str, str], ...] = ()

    @property
    def is_enough(self) -> bool:
        """Whether a search makes sense: a single short word fits half the clinic."""
        return bool(len(names.name_key(self.name)) > 3 or self.phone or self.national_id or self.identifiers)


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
    found = [Candidate(patient, tuple(_signs(described, patient))) for patient in _worth_comparing(described)]
    found = [candidate for candidate in found if candidate.score >= POSSIBLE]
    return sorted(found, key=lambda candidate: (-candidate.score, candidate.patient.pk))[:limit]


def compare(described: Description, patient: Patient, *, sounds_same: bool = False) -> Candidate:
    """``patient`` as a candidate; ``sounds_same`` is what the database says of the two names."""
    patient.sounds_same = sounds_same  # type: ignore[attr-defined]
    return Candidate(patient, tuple(_signs(described, patient)))


# --- candidates, each kind through an index ----------------------------------------------------------


def _worth_comparing(described: Description) -> Iterable[Patient]:
    key = names.name_key(described.name)
    sound = Func(Value(key), function="patients_sound_key")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('pg_trgm.similarity_threshold', '0.45', true)")
        kinds = [kind.order_by().values_list("pk")[:_LOOKED_AT] for kind in _kinds(described, key, sound)]
        keys = [pk for (pk,) in kinds[0].union(*kinds[1:])] if kinds else []
        compared = Patient.objects.filter(pk__in=keys).prefetch_related("identifiers")
        return list(
            compared.annotate(
                sounds_same=ExpressionWrapper(
                    Q(sound_key=sound, sound_key__contains=" "), output_field=BooleanField()
                ),
            )
        )


def _kinds(described: Description, key: str, sound: Func) -> Iterator[QuerySet[Patient]]:
    patients = Patient.objects.current()
    if key:
        alike = patients.annotate(similarity=TrigramSimilarity("name_key", key))
        # The inner slice is ordered by the closest: of a thousand of nearly that name the nearest count.
        nearest = alike.filter(name_key__trigram_similar=key).order_by("-similarity")[:_LOOKED_AT]
        yield patients.filter(pk__in=nearest.values("pk"))
        yield patients.filter(sound_key=sound, sound_key__contains=" ")
        if described.born is not None and described.born.precision == BirthPrecision.DAY:
            days = [described.born.date, *nearby_dates(described.born.date)]
            yield alike.filter(birth_date__in=days, similarity__gt=0.2)
    if described.phone:
        yield patients.filter(phone=described.phone)
    if number_key(described.national_id):
        yield patients.filter(national_id_key=number_key(described.national_id))
    for _issuer, value in described.identifiers:
        yield patients.filter(identifiers__value_key=number_key(value))


def nearby_dates(day: datetime.date) -> list[datetime.date]:
    """The dates that a slip makes of ``day``: day and month exchanged, or one digit different."""
    digits = f"{day:%Y%m%d}"
    texts = [digits[:4] + digits[6:] + digits[4:6]]
    texts += [f"{digits[:i]}{digit}{digits[i + 1 :]}" for i in range(8) for digit in "0123456789"]
    return [
        found
        for text in dict.fromkeys(texts)
        if (found := _date(text)) and found != day and found.year > 1849
    ]


def _date(text: str) -> datetime.date | None:
    try:
        return datetime.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


# --- signs -------------------------------------------------------------------------------------------


def _signs(described: Description, patient: Patient) -> Iterator[str]:
    yield from _name_sign(described.name, patient)
    yield from _birth_sign(described.born, patient.born)
    yield from _number_signs(described, patient)
    if {described.sex, patient.sex} == {Sex.MALE, Sex.FEMALE}:
        yield "other_sex"


def _name_sign(name: names.PersonName, patient: Patient) -> Iterator[str]:
    mine, other = names.main_words(name), names.main_words(patient.person_name)
    if not mine or not other:
        return
    if sorted(mine) == sorted(other):
        yield "same_name"
    elif (len(mine) > 1) != (len(other) > 1):
        # Half a name says little, however alike it looks.
        if set(mine) & set(other):
            yield "shared_name"
    elif min(len(set(mine)), len(set(other))) > 1 and (set(mine) < set(other) or set(other) < set(mine)):
        yield "part_of_name"
    elif _nearly_same(mine, other):
        yield "nearly_same_name"
    elif patient.sounds_same:  # type: ignore[attr-defined]
        yield "same_sound"
    elif set(mine) & set(other):
        yield "shared_name"


def _nearly_same(mine: list[str], other: list[str]) -> bool:
    """Each word of the shorter name has one in the longer that is nearly the same."""
    shorter, longer = sorted((mine, list(other)), key=len)
    left = list(longer)
    for word in shorter:
        nearest = max(left, key=lambda candidate: _alike(word, candidate))
        if _alike(word, nearest) < NEARLY_SAME:
            return False
        left.remove(nearest)
    return True


def _alike(word: str, other: str) -> float:
    return SequenceMatcher(None, word, other, autojunk=False).ratio()


def _birth_sign(mine: BirthDate | None, other: BirthDate | None) -> Iterator[str]:
    if mine is None or other is None:
        return
    if mine.precision == other.precision == BirthPrecision.DAY:
        yield _day_sign(mine.date, other.date)
    else:
        (start, end), (other_start, other_end) = mine.span, other.span
        yield "birth_dates_agree" if start <= other_end and other_start <= end else "other_birth_date"


def _day_sign(mine: datetime.date, other: datetime.date) -> str:
    if mine == other:
        return "same_first_of_january" if (mine.month, mine.day) == (1, 1) else "same_birth_date"
    if (mine.year, mine.month, mine.day) == (other.year, other.day, other.month):
        return "day_and_month_swapped"
    if sum(a != b for a, b in zip(f"{mine:%Y%m%d}", f"{other:%Y%m%d}", strict=True)) == 1:
        return "one_digit_off"
    return "same_birth_year" if mine.year == other.year else "other_birth_date"


def _number_signs(described: Description, patient: Patient) -> Iterator[str]:
    mine, other = number_key(described.national_id), patient.national_id_key
    if mine and other:
        yield "same_national_id" if mine == other else "other_national_id"
    own = {(identifier.issuer, identifier.value_key) for identifier in patient.identifiers.all()}
    if own & {(issuer, number_key(value)) for issuer, value in described.identifiers}:
        yield "same_number"
    if described.phone and described.phone == patient.phone:
        yield "same_phone"
