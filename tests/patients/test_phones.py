import pytest

from clinic.errors import InvalidInput
from patients.phones import digits_of, read_phone, shown_phone


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("0712 345678", "KE", "+254712345678"),
        ("+254 712 345 678", "KE", "+254712345678"),
        ("00254712345678", "KE", "+254712345678"),
        ("(030) 1234567", "DE", "+49301234567"),
        ("+44 7700 900123", "KE", "+447700900123"),
        ("", "KE", ""),
        ("   ", "KE", ""),
    ],
)
def test_numbers_are_kept_as_e164(text, country, number):
    assert read_phone(text, country=country) == number


@pytest.mark.parametrize("text", ["12", "abc", "0712345678 ext 5", "07123456789012345", "+999 123 456 789"])
def test_an_implausible_number_is_refused_with_what_is_accepted(text):
    with pytest.raises(InvalidInput) as refusal:
        read_phone(text, country="KE")

    assert refusal.value.message == (
        f"“{text}” is not a phone number. Accepted: 0712 123456, or with the country as in +254 712 123456."
    )
    assert refusal.value.field == "phone"


def test_numbers_of_the_own_country_are_shown_without_its_code():
    assert shown_phone("+254712345678", country="KE") == "0712 345678"
    assert shown_phone("+447700900123", country="KE") == "+44 7700 900123"


@pytest.mark.parametrize(
    ("text", "digits"), [("0712 345-678", "0712345678"), ("Ana 0712", ""), ("CVC-0001", ""), ("", "")]
)
def test_digits_of_what_looks_like_a_number(text, digits):
    assert digits_of(text) == digits
