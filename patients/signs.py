"""Comparing what is known of a person with a record, sign by sign. The points are in ``duplicates.SIGNS``."""

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import lru_cache

from . import names
from .dates import BirthDate, BirthPrecision
from .models import OtherName, Patient, Sex
from .numbers import number_key

NEARLY_SAME = 0.75  # share of letters in common from which on two words are nearly the same
GENERATION = 15  # years from which on another year is another person, not a slip: fathers and sons

Sounds = Mapping[str, str]


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


def signs_of(
    described: Description, patient: Patient, sounds: Sounds, sounds_same: bool = False
) -> Iterator[str]:
    """The signs that speak for and against ``patient`` being the one described.

    ``sounds`` holds the codes of the words of all their names (``name_words``); ``sounds_same`` stands for
    it where only the whole names were compared.
    """
    own = list(name_signs(described.name, patient.person_name, sounds, sounds_same))
    for other in names_of_before(patient):
        as_other = list(name_signs(described.name, other_name_of(other, patient), sounds))
        if _place(as_other) < _place(own):
            own = [*as_other, "by_another_name"]
    yield from own
    yield from _birth_sign(described.born, patient.born)
    yield from _number_signs(described, patient)
    if {described.sex, patient.sex} == {Sex.MALE, Sex.FEMALE}:
        yield "other_sex"


# --- names ---------------------------------------------------------------------------------------------


def other_name_of(other: OtherName, patient: Patient) -> names.PersonName:
    """A name of before; what it does not say is as now: often only the family name was another."""
    name = other.person_name
    if not name.given:
        name = replace(name, given=patient.given_name, middle=name.middle or patient.middle_name)
    return name if name.family else replace(name, family=patient.family_name)


def names_of_before(patient: Patient) -> Iterable[OtherName]:
    """The other names; a search brings them along as a list, which is quicker to ask than a relation."""
    fetched: list[OtherName] | None = getattr(patient, "names_of_before", None)
    return patient.other_names.all() if fetched is None else fetched


def name_words(patient: Patient) -> list[str]:
    """The words of every name of a patient."""
    all_names = [patient.person_name, *(other.person_name for other in names_of_before(patient))]
    return [word for name in all_names for word in names.main_words(name)]


def _place(signs: list[str]) -> int:
    return next((_NAME_SIGNS.index(sign) for sign in signs if sign in _NAME_SIGNS), len(_NAME_SIGNS))


def name_signs(
    name: names.PersonName, other: names.PersonName, sounds: Sounds, sounds_same: bool = False
) -> Iterator[str]:
    """How alike two names are, whatever the order of their parts."""
    mine, theirs = names.main_words(name), names.main_words(other)
    if not mine or not theirs:
        return
    suffixes = {names.fold(name.suffix), names.fold(other.suffix)}
    if len(suffixes - {""}) == 2:
        yield "other_suffix"
    if (len(mine) > 1) != (len(theirs) > 1):
        # Half a name says little, however alike it looks.
        yield from ["shared_name"] if set(mine) & set(theirs) else []
        return
    # Word by word, and part by part without blanks: Mc Donald, Abd al-Rahman, O Brien.
    whole = [_likeness(mine, theirs, sounds), _likeness(_parts(name), _parts(other), sounds)]
    best = next((sign for sign in _LIKENESSES if sign in whole), "same_sound" if sounds_same else None)
    if best:
        yield best
    elif set(mine) & set(theirs):
        yield _shared(name, other)


_LIKENESSES = ("same_name", "part_of_name", "nearly_same_name", "same_sound")
_NAME_SIGNS = (*_LIKENESSES, "same_given_name", "shared_name")  # the best first


def _likeness(mine: list[str], theirs: list[str], sounds: Sounds) -> str | None:
    """The sign of two lists of words of which each of the shorter has its like in the longer."""
    shorter, longer = sorted((mine, theirs), key=len)
    left, likes = list(longer), set()
    for word in sorted(shorter, key=lambda word: word not in longer):
        nearest = max(left, key=lambda candidate: _rank(word, candidate, sounds))
        likes.add(how := _how_alike(word, nearest, sounds))
        if how is None:
            return None
        left.remove(nearest)
    if likes == {"same"}:
        if not left:
            return "same_name"
        return "part_of_name" if len(shorter) > 1 else None
    if len(shorter) == 1 and left:
        return None
    return "same_sound" if "sound" in likes else "nearly_same_name"


def _parts(name: names.PersonName) -> list[str]:
    parts = ["".join(names.latin_words(part)) for part in (name.family, name.given, name.middle)]
    return [part for part in parts if part] or names.main_words(name)


def _how_alike(word: str, other: str, sounds: Sounds) -> str | None:
    if word == other:
        return "same"
    if alike(word, other) >= NEARLY_SAME:
        return "nearly"
    code = sounds.get(word, "")
    return "sound" if len(code) > 1 and code == sounds.get(other) else None


def _rank(word: str, other: str, sounds: Sounds) -> float:
    return alike(word, other) + (0.5 if sounds.get(word, "") == sounds.get(other, "-") else 0)


@lru_cache(maxsize=65536)
def alike(word: str, other: str) -> float:
    """Share of letters in common; one slip in a word of three letters or more is no less than nearly."""
    ratio = SequenceMatcher(None, word, other, autojunk=False).ratio()
    if min(len(word), len(other)) > 2 and ratio < NEARLY_SAME and _one_slip(word, other):
        return NEARLY_SAME
    return ratio


def _one_slip(word: str, other: str) -> bool:
    if len(word) != len(other):
        return False  # one letter more or less of three is nearly the same by its share
    places = [place for place, (a, b) in enumerate(zip(word, other, strict=True)) if a != b]
    if len(places) == 2:
        first, second = places
        return second == first + 1 and word[first] == other[second] and word[second] == other[first]
    return len(places) == 1


def _shared(name: names.PersonName, other: names.PersonName) -> str:
    """Sisters share the family name, a woman keeps her given name when she marries."""
    given, others_given = names.latin_words(name.given), names.latin_words(other.given)
    family, others_family = names.latin_words(name.family), names.latin_words(other.family)
    if given and given == others_given:
        return "same_given_name"
    if family and family == others_family and given and others_given:
        return "same_family_name"
    return "shared_name"


# --- birth ---------------------------------------------------------------------------------------------


def nearby_dates(day: datetime.date) -> list[datetime.date]:
    """The dates that a slip makes of ``day``: day and month exchanged, or one digit different."""
    digits = f"{day:%Y%m%d}"
    texts = [digits[:4] + digits[6:] + digits[4:6]]
    texts += [f"{digits[:i]}{digit}{digits[i + 1 :]}" for i in range(8) for digit in "0123456789"]
    return [
        found
        for text in dict.fromkeys(texts)
        if (found := _date(text)) and found != day and abs(found.year - day.year) < GENERATION
    ]


def _date(text: str) -> datetime.date | None:
    try:
        return datetime.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def _birth_sign(mine: BirthDate | None, other: BirthDate | None) -> Iterator[str]:
    if mine is None or other is None:
        return
    if mine.precision == other.precision == BirthPrecision.DAY:
        yield _day_sign(mine.date, other.date)
        return
    (start, end), (other_start, other_end) = mine.span, other.span
    if start > other_end or other_start > end:
        yield "other_birth_date"
    elif BirthPrecision.ABOUT in {mine.precision, other.precision}:
        yield "ages_agree"
    else:
        yield "birth_dates_agree"


def _day_sign(mine: datetime.date, other: datetime.date) -> str:
    if mine == other:
        return "same_first_of_january" if (mine.month, mine.day) == (1, 1) else "same_birth_date"
    if (mine.year, mine.month, mine.day) == (other.year, other.day, other.month):
        return "day_and_month_swapped"
    digits = sum(a != b for a, b in zip(f"{mine:%Y%m%d}", f"{other:%Y%m%d}", strict=True))
    if digits == 1 and abs(mine.year - other.year) < GENERATION:
        return "one_digit_off"
    return "same_birth_year" if mine.year == other.year else "other_birth_date"


# --- numbers -------------------------------------------------------------------------------------------


def _number_signs(described: Description, patient: Patient) -> Iterator[str]:
    mine, other = number_key(described.national_id), patient.national_id_key
    if mine and other:
        yield "same_national_id" if mine == other else "other_national_id"
    numbers = {(issuer, number_key(value)) for issuer, value in described.identifiers}
    if numbers and any((one.issuer, one.value_key) in numbers for one in patient.identifiers.all()):
        yield "same_number"
    if described.phone and described.phone == patient.phone:
        yield "same_phone"
