"""Many patients at once: the same duplicates are found as one by one."""

import datetime as dt
from typing import Any

import pytest

from audit.models import Entry
from clinic.errors import NotAllowed
from clinic.models import User
from clinic.permissions import Role
from patients.duplicates import find_candidates
from patients.importing import Expected, find_candidates_many, make_patient, register_many
from patients.models import Patient
from patients.services import describe
from patients.values import BLANK, clean_values
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> User:
    return factories.make_user(Role.ADMINISTRATOR)


def described(admin: User, mrn: str = "N-1", **fields: Any) -> Patient:
    values = {"family_name": "Roe", "given_name": "Jane", "birth_date": dt.date(1980, 2, 25)} | fields
    return make_patient(mrn, clean_values(BLANK | values), by=admin)


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"given_name": "Jayne"},
        {"birth_date": dt.date(1980, 2, 26)},
        {"birth_date": dt.date(1950, 1, 1)},
        {"family_name": "Jane", "given_name": "Roe"},
        {"national_id": "X 123"},
        {"family_name": "Ober", "given_name": "Karl"},
    ],
)
def test_likely_and_certain_duplicates_are_found_as_one_by_one(admin: User, known: dict[str, Any]) -> None:
    factories.make_patient(
        **{"family_name": "Roe", "given_name": "Jane", "birth_date": dt.date(1980, 2, 25)} | known
    )
    new = described(admin, national_id="X123")

    (found,) = find_candidates_many([new])

    one_by_one = [each for each in find_candidates(describe(new)) if each.level != "possible"]
    assert [(each.patient.pk, each.score) for each in found] == [
        (each.patient.pk, each.score) for each in one_by_one
    ]


def test_a_later_row_of_a_list_may_be_the_same_person(admin: User) -> None:
    expected = Expected()
    expected.add(described(admin))

    found = expected.candidates(described(admin, "N-2"))

    assert [(str(each.patient), each.level) for each in found] == [("Jane Roe (N-1)", "certain")]
    assert expected.candidates(described(admin, "N-3", given_name="Karl", family_name="Ober")) == []
    assert expected.with_number("N1") is not None


def test_a_batch_takes_as_many_queries_as_one(admin: User, django_assert_num_queries: Any) -> None:
    people = [described(admin, f"N-{number}") for number in range(3)]
    with django_assert_num_queries(4):
        register_many(people[:1], by=admin, source="visits.xlsx")

    with django_assert_num_queries(4):
        register_many(people[1:], by=admin, source="visits.xlsx")

    assert Entry.objects.filter(action="patient.imported").count() == 3


def test_only_who_may_import_imports(admin: User) -> None:
    with pytest.raises(NotAllowed):
        register_many([described(admin)], by=factories.make_user(Role.RECEPTIONIST), source="x")
