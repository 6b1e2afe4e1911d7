"""What the tests of this room's pages share."""

from django.test import Client
from django.urls import reverse

from clinic.models import ClinicProfile
from tests.factories import make_everyone, make_procedure, make_user

HTMX = {"HX-Request": "true"}


def sign_in(*roles: str) -> Client:
    ClinicProfile.get()
    client = Client()
    client.force_login(make_user(*roles) if roles else make_everyone())
    return client


def url(name: str, *args: object) -> str:
    return reverse(f"scheduling:{name}", args=args)


def order_form(**changes: object) -> dict[str, object]:
    procedure = changes.pop("of", None) or make_procedure(code="XR-C", name="Chest X-ray, 2 views")
    return {"procedure": procedure.name, "indication": "Cough", "priority": "routine"} | changes
