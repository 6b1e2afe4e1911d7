from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from clinic.errors import InvalidInput
from clinic.models import ClinicProfile
from patients.models import Patient
from patients.numbers import format_mrn, next_mrn, number_key, read_mrn
from tests.factories import make_everyone, make_patient


def set_pattern(pattern: str) -> None:
    ClinicProfile.get()
    ClinicProfile.objects.update(mrn_pattern=pattern)


def restart_sequence() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER SEQUENCE patients_mrn_number RESTART WITH 1")


@pytest.mark.parametrize(
    ("pattern", "number", "mrn"),
    [
        ("CVC-0001", 42, "CVC-0042"),
        ("CVC-0001", 12345, "CVC-12345"),
        ("001", 7, "007"),
        ("A/B 01", 3, "A/B 03"),
    ],
)
def test_format_mrn(pattern, number, mrn):
    assert format_mrn(pattern, number) == mrn


@pytest.mark.django_db
def test_numbers_count_up_in_the_clinics_pattern():
    set_pattern("CVC-0001")
    restart_sequence()

    assert [next_mrn(), next_mrn(), next_mrn()] == ["CVC-0001", "CVC-0002", "CVC-0003"]


@pytest.mark.django_db
def test_a_pattern_that_begins_higher_moves_the_sequence_once():
    set_pattern("CVC-5000")
    restart_sequence()

    assert [next_mrn(), next_mrn()] == ["CVC-5000", "CVC-5001"]


@pytest.mark.django_db
def test_a_pattern_that_begins_lower_never_gives_a_number_again():
    set_pattern("CVC-5000")
    restart_sequence()
    next_mrn()

    set_pattern("CVC-0001")

    assert next_mrn() == "CVC-5001"


@pytest.mark.django_db
def test_numbers_entered_by_hand_are_stepped_over():
    set_pattern("CVC-0001")
    restart_sequence()
    by = make_everyone()
    Patient.objects.bulk_create(
        Patient(mrn=f"cvc {number:04d}", family_name="Old", name_key=" old", created_by=by)
        for number in range(1, 701)
    )

    assert next_mrn() == "CVC-0701"


@pytest.mark.django_db
def test_the_database_normalises_numbers_as_python_does():
    patient = make_patient(mrn="cvc-00 17/b")

    assert patient.mrn_key == number_key("cvc-00 17/b") == "CVC0017B"


@pytest.mark.parametrize("text", ["", "-", "A\\B", "Ä-1", "a^b", "x" * 65, "№ 5"])
def test_a_number_with_other_signs_is_refused(text):
    with pytest.raises(InvalidInput) as refusal:
        read_mrn(text)

    assert refusal.value.field == "mrn"


def test_a_typed_number_is_shown_as_entered():
    assert read_mrn("  cvc-17 /b ") == "cvc-17 /b"


@pytest.mark.django_db(transaction=True)
def test_a_hundred_threads_get_a_hundred_numbers():
    set_pattern("CVC-5000")
    restart_sequence()
    for number in (5003, 5004, 5050):
        make_patient(mrn=f"CVC-{number}")

    def take(_thread: int) -> str:
        try:
            return next_mrn()
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as threads:
        taken = list(threads.map(take, range(100)))

    assert len(set(taken)) == 100
    assert not Patient.objects.filter(mrn__in=taken).exists()
