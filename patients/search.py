"""One box that finds a patient by whatever is known: name, number, phone, birth date."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.postgres.search import TrigramSimilarity
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.models import Entry
from clinic.errors import InvalidInput
from clinic.models import ClinicProfile, User

from . import names
from .dates import AmbiguousDate, BirthDate, read_birth_date
from .models import Patient
from .numbers import format_mrn, number_key
from .phones import digits_of, read_phone

SHORTEST = 2  # characters from which on a search begins
LIMIT = 20
SIMILAR = 0.35  # trigram similarity from which on a name is offered as a similar one


Way = tuple[str | Promise, QuerySet[Patient]]


@dataclass(frozen=True)
class Hit:
    """A patient and why the search found them."""

    patient: Patient
    why: str | Promise


def search_patients(text: str, user: User, *, limit: int = LIMIT) -> list[Hit]:
    """The patients whom ``text`` may mean, surest first.

    Names in any order, in part, without accents or nearly right; patient numbers and other numbers; phone;
    birth date. A name and a birth date together narrow each other.
    """
    text = " ".join(text.split())[:200]
    if len(text) < SHORTEST:
        return []
    hits: dict[int, Hit] = {}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('pg_trgm.similarity_threshold', %s, true)", [str(SIMILAR)])
        for why, found in _ways(text, Patient.objects.visible_to(user)):
            for patient in found[:limit]:
                hits.setdefault(patient.pk, Hit(patient, why))
            if len(hits) >= limit:
                break
    return list(hits.values())[:limit]


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
    digits = digits_of(text)
    if len(digits) >= 5 and not dates:
        yield _("phone"), patients.filter(_phone(text, digits)).order_by("name_key")
    words = names.fold(rest).split()
    if words and not digits_of(rest):
        if dates:
            yield from _by_name(words, patients.filter(_born_on(dates)), _("name and birth date"))
        yield from _by_name(words, patients, _("name"))


def _by_number(text: str, patients: QuerySet[Patient]) -> Iterator[Way]:
    key = number_key(text)
    if not any(letter.isdecimal() for letter in key):
        return
    keys = [key]
    if key.isdecimal() and len(key) < 15:
        # “42” means CVC-0042.
        keys.append(number_key(format_mrn(ClinicProfile.get().mrn_pattern, int(key))))
    yield _("patient number"), patients.filter(mrn_key__in=keys)
    if len(key) >= 3:
        yield _("national id"), patients.filter(national_id_key=key)
        yield _("number of another clinic"), patients.filter(identifiers__value_key=key)
        yield _("patient number"), patients.filter(mrn_key__startswith=key).order_by("mrn_key")


def _phone(text: str, digits: str) -> Q:
    try:
        return Q(phone=read_phone(text, country=ClinicProfile.get().country))
    except InvalidInput:
        return Q(phone__contains=digits.lstrip("0"))


def _by_name(words: list[str], patients: QuerySet[Patient], why: Promise) -> Iterator[Way]:
    key = "".join(f" {word}" for word in words)
    alike = patients.annotate(similarity=TrigramSimilarity("name_key", key))
    begins = Q()
    for word in words:
        latin = "".join(names.latin_words(word))
        begins &= Q(name_key__contains=f" {word}") | Q(name_key__contains=f" {latin}")
    yield why, alike.filter(begins).order_by("-similarity", "name_key")
    if sum(len(word) for word in words) >= 4:
        similar = alike.filter(name_key__trigram_similar=key)
        yield _("similar name"), similar.order_by("-similarity", "name_key")


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
