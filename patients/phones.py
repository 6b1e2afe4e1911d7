"""Phone numbers, kept as E.164 and shown as people of the clinic's country write them."""

import re

import phonenumbers
from django.utils.translation import gettext as _

from clinic.errors import InvalidInput


def read_phone(text: str, *, country: str) -> str:
    """The number as E.164 (``+254712345678``); empty for empty.

    Plausible is enough: right length for its country. Whether such a number is given out changes too
    often to refuse a patient's phone for it.
    """
    given = " ".join(text.split())
    if not given:
        return ""
    try:
        number = phonenumbers.parse(re.sub(r"^\s*00(?=[1-9])", "+", given), country)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or number.extension or not phonenumbers.is_possible_number(number):
        raise InvalidInput(
            _("“%(text)s” is not a phone number. Accepted: %(local)s, or with the country as in %(world)s.")
            % {"text": given, "local": example(country, world=False), "world": example(country, world=True)},
            field="phone",
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def shown_phone(e164: str, *, country: str) -> str:
    """Numbers of the clinic's own country without its code, others with it."""
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return e164
    own = phonenumbers.country_code_for_region(country) == number.country_code
    form = phonenumbers.PhoneNumberFormat.NATIONAL if own else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, form)


def example(country: str, *, world: bool) -> str:
    """A number as it may be typed."""
    number = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    if number is None:
        return "+44 7400 123456"
    form = phonenumbers.PhoneNumberFormat.INTERNATIONAL if world else phonenumbers.PhoneNumberFormat.NATIONAL
    return phonenumbers.format_number(number, form)


def digits_of(text: str) -> str:
    """The digits of what looks like (a part of) a phone number, else empty."""
    if not re.fullmatch(r"[\d\s()+./-]+", text.strip()):
        return ""
    return re.sub(r"\D", "", text)


def beginnings(text: str, *, country: str) -> list[str]:
    """How numbers begin in E.164 that begin with the digits of ``text``: ``0712`` is ``+254712``."""
    digits = digits_of(text)
    if text.strip().startswith("+"):
        return [f"+{digits}"]
    if digits.startswith("00"):
        return [f"+{digits[2:]}"]
    code = phonenumbers.country_code_for_region(country)
    return [f"+{code}{digits.lstrip('0')}", f"+{digits.lstrip('0')}"]
