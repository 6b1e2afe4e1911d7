import pytest
from django.test import RequestFactory

from audit.services import address_of, record
from clinic.http import CallerMiddleware, calling_from
from tests.factories import make_patient, make_user


@pytest.mark.django_db
def test_an_entry_keeps_labels_and_ids():
    user, patient = make_user(full_name="Rosa Delgado"), make_patient(family_name="Silva", given_name="Ana")

    entry = record(by=user, action="patient.viewed", subject=patient, patient=patient)

    assert (entry.actor_id, entry.actor_label) == (user.pk, "Rosa Delgado")
    assert (entry.subject_type, entry.subject_id) == ("patient", str(patient.pk))
    assert entry.patient_label == f"Ana Silva ({patient.mrn})"


@pytest.mark.django_db
def test_inside_a_request_the_address_is_known_by_itself():
    user = make_user()
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.7", headers={"X-Forwarded-For": "6.6.6.6"})

    entry = CallerMiddleware(lambda _request: record(by=user, action="login"))(request)

    assert entry.address == "10.0.0.7"


@pytest.mark.django_db
def test_outside_of_requests_there_is_no_address():
    user = make_user()

    assert record(by=user, action="login").address == ""


@pytest.mark.django_db
def test_a_given_address_counts():
    user = make_user()

    with calling_from("10.0.0.7"):
        entry = record(by=user, action="association.rejected", address="10.0.0.99")

    assert entry.address == "10.0.0.99"


def test_what_a_caller_says_of_its_address_is_not_believed():
    request = RequestFactory().get(
        "/", REMOTE_ADDR="10.0.0.7", headers={"X-Forwarded-For": "6.6.6.6", "Forwarded": "for=6.6.6.6"}
    )

    assert address_of(request) == "10.0.0.7"


@pytest.mark.django_db(transaction=True)
def test_the_address_reaches_the_services_under_asgi(async_client):
    """Middleware, view and service run in threads of their own there."""
    from asgiref.sync import async_to_sync

    from audit.models import Entry

    async_to_sync(async_client.post)("/login/", {"username": "nobody", "password": "wrong"})

    entry = Entry.objects.get(action="login_failed")
    assert entry.address == "127.0.0.1"
