import datetime as dt

import pytest
from django.db import connection

from patients.dates import BirthDate, BirthPrecision
from patients.duplicates import CERTAIN, LIKELY, SIGNS, Description, find_candidates, nearby_dates
from patients.models import PatientIdentifier
from patients.names import PersonName
from tests.factories import make_patient

BORN = dt.date(1985, 2, 25)


def described(family="", given="", born=None, precision=BirthPrecision.DAY, **more):
    birth = BirthDate(born, precision) if born else None
    return Description(name=PersonName(family=family, given=given), born=birth, **more)


def only(candidates):
    (candidate,) = candidates
    return candidate


@pytest.fixture
def ana(db):
    return make_patient(
        family_name="Silva",
        given_name="Ana",
        birth_date=BORN,
        sex="F",
        phone="+254712345678",
        national_id="AB-12 3",
    )


@pytest.mark.parametrize(
    ("known", "signs", "level"),
    [
        (described("Silva", "Ana", BORN), {"same_name", "same_birth_date"}, "certain"),
        (described("Ana", "Silva", BORN), {"same_name", "same_birth_date"}, "certain"),
        (described("SILVÁ", "Aña", BORN), {"same_name", "same_birth_date"}, "certain"),
        (described("Сильва", "Ана", BORN), {"same_name", "same_birth_date"}, "certain"),
        (described("Silba", "Ana", BORN), {"nearly_same_name", "same_birth_date"}, "likely"),
        (described("Sylwa", "Hanna", BORN), {"other_birth_date"}, None),
        (described("Silva", "Ana Maria", BORN), {"part_of_name", "same_birth_date"}, "likely"),
        (described("Silva", "Ana", dt.date(1985, 2, 26)), {"same_name", "one_digit_off"}, "likely"),
        (described("Silva", "Ana"), {"same_name"}, "possible"),
        (described("Silva", "Ana", phone="+254712345678"), {"same_name", "same_phone"}, "likely"),
        (described("Silva", "Ana", dt.date(1960, 7, 1)), {"same_name", "other_birth_date"}, "possible"),
        (described("Silva", "Ana", dt.date(1985, 1, 1), BirthPrecision.YEAR),
         {"same_name", "birth_dates_agree"}, "likely"),
        (described("Silva", "Ana", BORN, sex="M"), {"same_name", "same_birth_date", "other_sex"}, "likely"),
        (described("Silva", "Ana", BORN, national_id="999"),
         {"same_name", "same_birth_date", "other_national_id"}, "likely"),
        (described("Moreno", "Ana", BORN, national_id="ab123"),
         {"same_given_name", "same_birth_date", "same_national_id"}, "certain"),
    ],
)  # fmt: skip
def test_signs_and_level(ana, known, signs, level):
    candidates = find_candidates(known)

    if level is None:
        assert candidates == []
    else:
        assert (set(only(candidates).signs), only(candidates).level) == (signs, level)


def test_day_and_month_exchanged(db):
    make_patient(family_name="Silva", given_name="Ana", birth_date=dt.date(1985, 4, 3))

    candidate = only(find_candidates(described("Silva", "Ana", dt.date(1985, 3, 4))))

    assert set(candidate.signs) == {"same_name", "day_and_month_swapped"}
    assert candidate.reasons == ["same name", "birth date with day and month exchanged"]


def test_a_name_that_only_sounds_the_same_is_found(db):
    make_patient(family_name="Wright", given_name="Catherine", birth_date=BORN)

    candidate = only(find_candidates(described("Rite", "Kathryn", BORN)))

    assert set(candidate.signs) == {"same_sound", "same_birth_date"}


def test_a_number_of_another_clinic_finds_its_person(ana):
    PatientIdentifier.objects.create(patient=ana, issuer="Hilltop", value="H-77")

    candidate = only(find_candidates(described("Silva", identifiers=(("Hilltop", "h77"),))))

    assert set(candidate.signs) == {"shared_name", "same_number"}


def test_twins_are_not_the_same_person(db):
    """Same family name, birth date, phone, sex; a given name of their own."""
    make_patient(family_name="Banda", given_name="Chipo", birth_date=BORN, sex="F", phone="+254712345678")

    # Chipa is within one letter of Chipo: likely, never certain.
    twins = [
        find_candidates(described("Banda", given, BORN, sex="F", phone="+254712345678"))
        for given in ("Chikondi", "Chipa", "Hope")
    ]

    assert [[candidate.level for candidate in found] for found in twins] == [
        ["possible"],
        ["likely"],
        ["possible"],
    ]


def test_father_and_son_of_one_name_are_not_the_same_person(db):
    make_patient(family_name="Banda", given_name="Joseph", birth_date=BORN, sex="M", phone="+254712345678")

    for born in (dt.date(2010, 7, 3), dt.date(2015, 2, 25), dt.date(1995, 2, 25), dt.date(2011, 1, 1)):
        found = find_candidates(described("Banda", "Joseph", born, sex="M", phone="+254712345678"))

        assert only(found).level != "certain"


def test_the_first_of_january_alone_is_weak(db):
    """Who knows no birthday is often given the first of January."""
    make_patient(family_name="Banda", given_name="Joseph", birth_date=dt.date(1985, 1, 1), sex="M")

    candidate = only(find_candidates(described("Banda", "Joseph", dt.date(1985, 1, 1), sex="M")))

    assert candidate.level == "likely"


def test_merged_records_are_not_offered(ana):
    alias = make_patient(family_name="Silva", given_name="Ana", birth_date=BORN)
    alias.merged_into = ana
    alias.save()

    assert only(find_candidates(described("Silva", "Ana", BORN))).patient == ana


def test_the_best_comes_first(ana):
    make_patient(family_name="Silva", given_name="Ana", birth_date=dt.date(1970, 8, 8))
    make_patient(family_name="Silva", given_name="Anna", birth_date=BORN)

    scores = [candidate.score for candidate in find_candidates(described("Silva", "Ana", BORN))]

    assert scores == sorted(scores, reverse=True)
    assert scores[0] >= CERTAIN > scores[1] >= LIKELY


@pytest.mark.parametrize("known", [described(), described("Li"), described("", "", BORN)])
def test_too_little_is_not_searched(ana, known, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert find_candidates(known) == []


def test_dates_that_a_slip_makes():
    nearby = nearby_dates(dt.date(1985, 3, 4))

    assert dt.date(1985, 4, 3) in nearby
    assert dt.date(1985, 3, 5) in nearby
    assert dt.date(1995, 3, 4) in nearby
    assert dt.date(1985, 3, 4) not in nearby
    assert min(nearby) >= dt.date(1850, 1, 1)
    assert len(nearby) == len(set(nearby))


def test_every_sign_says_why():
    assert all(str(words) for _points, words in SIGNS.values())


def test_one_search_takes_the_same_number_of_queries_for_one_and_three(ana, django_assert_num_queries):
    known = described("Silva", "Ana", BORN, phone="+254712345678", national_id="AB123")
    with django_assert_num_queries(9):
        find_candidates(known)
    make_patient(family_name="Silva", given_name="Ana", birth_date=BORN)
    make_patient(family_name="Silva", given_name="Anna", birth_date=BORN)

    with django_assert_num_queries(9):
        assert len(find_candidates(known)) == 3


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("name_key %% ' silva ana'", "patient_name_trigram"),
        ("name_key LIKE '%% silv%%'", "patient_name_trigram"),
        ("match_keys && ARRAY['AN SLF', 'SLF1985']", "patient_match_keys"),
        ("birth_date IN ('1985-02-25', '1985-02-26')", "patient_birth_date"),
        ("phone = '+254712345678' AND phone <> ''", "patient_phone"),
        ("phone LIKE '%%12345%%'", "patient_phone_trigram"),
        ("national_id_key = 'AB123' AND NOT national_id_key = ''", "patient_national_id"),
        ("mrn_key LIKE 'CVC00%%'", "_like"),
    ],
)
def test_every_way_to_a_candidate_has_an_index(db, condition, index):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN SELECT id FROM patients_patient WHERE {condition}", [])
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert index in plan
