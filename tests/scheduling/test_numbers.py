from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from clinic.errors import Conflict
from scheduling.models import Order
from scheduling.numbers import accession_number, next_accession_number
from tests.factories import make_everyone, make_order, make_patient, make_procedure


@pytest.mark.parametrize(
    ("pattern", "value", "number"),
    [
        ("A000001", 1, "A000001"),
        ("A000001", 12, "A000012"),
        ("A0500", 1, "A0500"),
        ("26-01", 100, "26-100"),
        ("A99", 2, "A100"),
    ],
)
def test_numbers_count_up_from_the_pattern(pattern, value, number):
    assert accession_number(pattern, value) == number


def test_a_number_that_no_longer_fits_is_refused():
    with pytest.raises(Conflict, match="at most 16 characters are allowed"):
        accession_number("ABCDEFGHIJ01", 10_000_000)


@pytest.mark.django_db
def test_a_number_in_use_is_passed_over():
    taken = make_order()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval('scheduling_accession_number', %s, false)", [int(taken.accession_number[1:])]
        )

    assert next_accession_number() != taken.accession_number


@pytest.mark.django_db(transaction=True)
def test_orders_placed_at_once_get_numbers_of_their_own():
    patient, procedure, by = make_patient(), make_procedure(), make_everyone()

    def place(_: int) -> str:
        try:
            return make_order(patient, procedure=procedure, by=by).accession_number
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(place, range(40)))

    assert len(set(numbers)) == 40
    assert Order.objects.count() == 40
