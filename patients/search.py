"""One box that finds a patient by whatever is known: name, number, phone, birth date, and what other rooms
know (``finders.py``): accession number, Study Instance UID.

The text is read in every way it can be meant, surest first; each hit says by which it was found. Every way
goes through an index and stays fast when half the clinic has one name.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.contrib.postgres.search import TrigramSimilarity
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.models import Entry
from clinic.errors import InvalidInput
from clinic.models import ClinicProfile, User

from . import finders, names
from .dates import AmbiguousDate, BirthDate, read_birth_date
from .indexed import only_indexes
from .models import OtherName, Patient
from .near_words import near_words
from .numbers import format_mrn, number_key
from .phones import beginnings, digits_of, read_phone

SHORTEST = 2  # characters from which on a search begins
LIMIT = 20
SLIPS = 2  # letters that may be wrong in a word
_SPELLINGS = 6  # of a word that are looked for
_SORTED = 500  # of many who bear a name so many are put in order, not half the clinic


Way = tuple[str | Promise, QuerySet[Patient]]


@dataclass(frozen=True)
class Hit:
    """A patient, why the search found them, and the page that is meant."""

    patient: Patient
    why: str | Promise
    url: str = ""

    def get_absolute_url(self) -> str:
        return self.url or reverse("patients:patient_detail", args=[self.patient.pk])


def search_patients(text: str, user: User, *, limit: int = LIMIT) -> list[Hit]:
    """The patients whom ``text`` may mean, surest first.

    Names in any order, in part, without accents or nearly right, also names of before; patient numbers, those
    of merged records and other numbers; phone; birth date; numbers that other rooms know. A name and a birth
    date together narrow each other.
    """
    text = " ".join(text.replace("\x00", "").split())[:200]
    if len(text) < SHORTEST:
        return []
    hits: dict[int, Hit] = {}
    with only_indexes():
        for hit in _hits(text, user, limit):
            hits.setdefault(hit.patient.pk, hit)
            if len(hits) >= limit:
                break
    return list(hits.values())


def _hits(text: str, user: User, limit: int) -> Iterator[Hit]:
    patients = Patient.objects.visible_to(user)
    found = list(islice(finders.findings(text, user), limit))
    known = patients.in_bulk([finding.patient_id for finding in found]) if found else {}
    for finding in found:
        if finding.patient_id in known:
            yield Hit(known[finding.patient_id], finding.why, finding.url)
    for why, way in _ways(text, patients):
        yield from (Hit(patient, why) for patient in way[:limit])


def recent_patients(user: User, *, limit: int = 10) -> list[Patient]:
    """Whom ``user`` opened or registered last; for a new colleague those whom the clinic registered last."""
    seen = Entry.objects.filter(
        actor_id=user.pk, action__in=["patient.viewed", "patient.registered", "patient.changed"]
    )
    keys = list(dict.fromkeys(seen.newest_first().values_list("patient_id", flat=True)[:100]))
    patients = Patient.objects.visible_to(user)
    if not keys:
        return list(patients.order_by("-pk")[:limit])
    known = patients.in_bulk([key for key in keys[: limit * 2] if key is not None])
    return [known[key] for key in keys if key in known][:limit]


# --- ways to read the text, surest first -------------------------------------------------------------


def _ways(text: str, patients: QuerySet[Patient]) -> Iterator[Way]:
    yield from _by_number(text, patients)
    dates, rest = _dates_in(text)
    if dates and not rest:
        yield _("birth date"), patients.filter(_born_on(dates)).order_by("name_key")
    if not dates:
        yield from _by_phone(text, patients)
    words = names.fold(rest).split()
    if words and not digits_of(rest):
        if dates:
            yield from _by_name(words, patients.filter(_born_on(dates)), _("name and birth date"))
        yield from _by_name(words, patients, _("name"))
        yield _("another name of this person"), _by_other_name(words, patients)
        yield _("similar name"), _by_similar_name(words, patients)


def _by_number(text: str, patients: QuerySet[Patient]) -> Iterator[Way]:
    key = number_key(text)
    if not any(letter.isdecimal() for letter in key):
        return
    keys = [key]
    if key.isdecimal() and len(key) < 15:
        # “42” means CVC-0042.
        keys.append(number_key(format_mrn(ClinicProfile.get().mrn_pattern, int(key))))
    merged = Patient.objects.filter(mrn_key__in=keys).exclude(merged_into=None)
    yield _("patient number"), patients.filter(mrn_key__in=keys)
    yield _("number of a merged record"), patients.filter(pk__in=merged.values("merged_into_id"))
    if len(key) >= 3:
        yield _("national id"), patients.filter(national_id_key=key).exclude(national_id_key="")
        yield _("number of another clinic"), patients.filter(identifiers__value_key=key)
        yield _("patient number"), patients.filter(mrn_key__startswith=key).order_by("mrn_key")


def _by_phone(text: str, patients: QuerySet[Patient]) -> Iterator[Way]:
    digits = digits_of(text)
    if len(digits) < 5:
        return
    country = ClinicProfile.get().country
    with contextlib.suppress(InvalidInput):
        whole = read_phone(text, country=country)
        yield _("phone"), patients.filter(phone=whole)
    begins = Q()
    for beginning in beginnings(text, country=country):
        begins |= Q(phone__startswith=beginning)
    yield _("phone"), patients.filter(begins).exclude(phone="").order_by("phone")
    # A part that very many have, as a network's digits, ends with the first of them.
    part = Patient.objects.filter(phone__contains=digits.lstrip("0") or digits).order_by()
    yield _("part of the phone"), patients.filter(pk__in=part.values("pk")[:_SORTED]).order_by("phone")


def _by_name(words: list[str], patients: QuerySet[Patient], why: Promise) -> Iterator[Way]:
    begins = Q()
    for word in words:
        begins &= _begins(_spelled(word))
    yield why, _nearest(words, patients, patients.filter(begins))


def _by_other_name(words: list[str], patients: QuerySet[Patient]) -> QuerySet[Patient]:
    begins = Q()
    for word in words:
        begins &= _begins(_spelled(word))
    others = OtherName.objects.filter(begins).order_by().values("patient_id")[:_SORTED]
    return patients.filter(pk__in=others).order_by("name_key")


def _by_similar_name(words: list[str], patients: QuerySet[Patient]) -> QuerySet[Patient]:
    """Every word, or one it may have been meant to be."""
    if sum(len(word) for word in words) < 4:
        return patients.none()
    latin = ["".join(names.latin_words(word)) for word in words]
    near = near_words(latin)
    meant = Q()
    for word, plain in zip(words, latin, strict=True):
        others = [one.word for one in near.get(plain, ()) if one.slips <= min(SLIPS, len(plain) // 2)]
        meant &= _begins([*_spelled(word), *others[:_SPELLINGS]])
    return _nearest(words, patients, patients.filter(meant))


def _spelled(word: str) -> list[str]:
    """In its own script and in Latin letters."""
    return list(dict.fromkeys([word, "".join(names.latin_words(word))]))


def _begins(spellings: list[str]) -> Q:
    """Names of which a word begins with one of ``spellings``."""
    wanted = Q()
    for word in dict.fromkeys(spellings):
        wanted |= Q(name_key__contains=f" {word}")
    return wanted


def _nearest(words: list[str], patients: QuerySet[Patient], found: QuerySet[Patient]) -> QuerySet[Patient]:
    key = "".join(f" {word}" for word in words)
    some = patients.filter(pk__in=found.order_by().values("pk")[:_SORTED])
    return some.alias(likeness=TrigramSimilarity("name_key", key)).order_by("-likeness", "name_key")


# --- birth dates in the text -------------------------------------------------------------------------


def _dates_in(text: str) -> tuple[list[BirthDate], str]:
    """The birth dates that (a part of) the text can mean, and what is left of it."""
    whole = _read_date(text)
    if whole:
        return whole, ""
    tokens = text.split()
    for token in tokens:
        found = _read_date(token) if re.fullmatch(r"\d[\d./-]{3,9}", token) else []
        if found:
            return found, " ".join(other for other in tokens if other is not token)
    return [], text


def _read_date(text: str) -> list[BirthDate]:
    try:
        born = read_birth_date(text, today=timezone.localdate(), day_first=ClinicProfile.get().day_first)
    except AmbiguousDate as error:
        return [BirthDate(day) for day in error.readings]
    except InvalidInput:
        return []
    return [born]


def _born_on(dates: list[BirthDate]) -> Q:
    wanted = Q()
    for born in dates:
        wanted |= Q(birth_date__range=born.span)
    return wanted
