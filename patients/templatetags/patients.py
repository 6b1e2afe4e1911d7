"""How patients' data is shown."""

from django import template

from patients.phones import shown_phone

register = template.Library()


@register.filter
def phone(e164: str, country: str) -> str:
    """``{{ patient.phone|phone:clinic.country }}``: as people of that country write it."""
    return shown_phone(e164, country=country) if e164 else ""
