import pytest
from django.urls import reverse

from audit.models import Entry
from clinic.models import User


@pytest.fixture
def rosa(db):
    return User.objects.create_user("rosa", "correct-horse-7", full_name="Rosa Delgado")


def entries(action: str) -> list[Entry]:
    return list(Entry.objects.filter(action=action))


def sign_in(client, password="correct-horse-7", username="rosa"):
    return client.post(reverse("login"), {"username": username, "password": password})


def test_signing_in_and_out(client, rosa):
    sign_in(client)
    client.post(reverse("logout"))

    assert [entry.actor_id for entry in entries("login")] == [rosa.pk]
    assert [entry.actor_id for entry in entries("logout")] == [rosa.pk]


@pytest.mark.parametrize(("username", "subject"), [("rosa", "Rosa Delgado"), ("mallory", "")])
def test_a_refused_attempt_is_not_put_down_to_the_person_whose_name_was_used(client, rosa, username, subject):
    sign_in(client, password="wrong", username=username)

    (entry,) = entries("login_failed")
    assert (entry.actor_label, entry.subject_label) == ("Cedar web", subject)
    assert entry.changes == {"username": [None, username]}
    assert entry.address == "127.0.0.1"


def test_no_password_is_ever_kept(client, rosa):
    sign_in(client, password="my-secret-typo")

    assert "my-secret-typo" not in str([vars(entry) for entry in Entry.objects.all()])


def test_a_nul_in_the_user_name_is_audited_not_stumbled_over(client, rosa):
    response = sign_in(client, username="ro\x00sa")

    assert response.status_code == 422


def test_a_session_that_ended_by_itself_says_so(client, rosa, settings):
    sign_in(client)
    client.get(reverse("own_account"))
    settings.IDLE_TIMEOUT_SECONDS = -1

    client.get(reverse("own_account"))

    assert [entry.reason for entry in entries("logout")] == ["not used for too long"]
