from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from audit.models import Entry
from clinic import first_admin
from clinic.accounts import country_choices, create_first_administrator, time_zone_choices
from clinic.errors import Conflict
from clinic.models import ClinicProfile, User
from clinic.permissions import Role

PASSWORD = "correct-horse-7"
JSON = {"Accept": "application/json"}


@pytest.fixture
def rosa(db):
    return User.objects.create_user("rosa", PASSWORD, full_name="Rosa", roles=[Role.RECEPTIONIST])


def sign_in(client, password=PASSWORD, username="rosa", **more):
    return client.post(reverse("login"), {"username": username, "password": password, **more})


# --- signing in --------------------------------------------------------------------------------------


def test_signing_in_leads_home(client, rosa):
    response = sign_in(client)

    assert (response.status_code, response.url) == (302, "/")
    assert client.get(reverse("own_account")).status_code == 200


@pytest.mark.parametrize(
    ("next_page", "lands"),
    [
        ("/patients/?q=x", "/patients/?q=x"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_after_signing_in_one_lands_where_one_was_but_never_elsewhere(client, rosa, next_page, lands):
    assert sign_in(client, next=next_page).url == lands


@pytest.mark.parametrize(("username", "password"), [("rosa", "wrong"), ("nobody", PASSWORD), ("rosa", "")])
def test_a_refusal_does_not_say_which_of_the_two_was_wrong(client, rosa, username, password):
    response = sign_in(client, password, username)

    words = "User name and password do not fit together." if password else "This field is required."
    assert (response.status_code, words in response.text) == (422, True)


def test_who_left_cannot_sign_in_and_an_open_session_ends(client, rosa):
    sign_in(client)
    User.objects.update(is_active=False)

    assert client.get(reverse("own_account")).status_code == 302
    assert sign_in(Client()).status_code == 422


def test_machines_cannot_sign_in(client, db):
    User.objects.machine("dicom")

    assert sign_in(client, "!", "machine-dicom").status_code == 422


def test_who_is_signed_in_is_not_asked_again(client, rosa):
    sign_in(client)

    assert client.get(reverse("login"), {"next": "/account/"}).url == "/account/"


def test_passwords_are_kept_as_bcrypt(rosa, settings):
    settings.PASSWORD_HASHERS = settings.PASSWORD_HASHERS[1:]

    rosa.set_password(PASSWORD)

    assert rosa.password.startswith("bcrypt_sha256$")


def test_after_too_many_attempts_the_account_is_locked_on_this_computer(client, rosa, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        sign_in(client, "wrong")

    locked = sign_in(client)
    elsewhere = Client(REMOTE_ADDR="10.0.0.9").post(
        reverse("login"), {"username": "rosa", "password": PASSWORD}
    )

    assert (locked.status_code, elsewhere.status_code) == (429, 302)
    assert "The password for “rosa” was wrong 8 times in a row on this computer." in locked.text
    assert "You can try again in 15 minutes." in locked.text
    assert Entry.objects.filter(action="login_locked").exists()


def test_another_address_in_a_header_opens_no_lock(client, rosa, settings):
    for number in range(settings.AXES_FAILURE_LIMIT):
        client.post(
            reverse("login"),
            {"username": "rosa", "password": "wrong"},
            headers={"X-Forwarded-For": f"10.0.0.{number}"},
        )

    assert sign_in(client).status_code == 429


def test_an_administrator_unlocks_at_once(client, rosa, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        sign_in(client, "wrong")
    desk = Client(REMOTE_ADDR="10.0.0.2")
    desk.force_login(User.objects.create_user("admin", full_name="Ingrid", roles=[Role.ADMINISTRATOR]))

    from axes.models import AccessAttempt

    desk.post(
        reverse("admin:axes_accessattempt_changelist"),
        {"action": "unlock", "_selected_action": [attempt.pk for attempt in AccessAttempt.objects.all()]},
    )

    assert sign_in(client).status_code == 302
    assert Entry.objects.filter(action="login_unlocked").count() == 1


def test_signing_out_takes_a_post(client, rosa):
    sign_in(client)

    assert client.get(reverse("logout")).status_code == 405
    assert client.post(reverse("logout")).url == reverse("login")
    assert client.get(reverse("own_account")).status_code == 302


def test_a_forged_form_is_refused(rosa):
    client = Client(enforce_csrf_checks=True)

    assert client.post(reverse("login"), {"username": "rosa", "password": PASSWORD}).status_code == 403


# --- signing in again on a page whose session ended --------------------------------------------------


def test_signing_in_again_in_place_answers_with_the_new_token(client, rosa):
    response = client.post(reverse("login"), {"username": "rosa", "password": PASSWORD}, headers=JSON)

    assert response.json() == {"user": rosa.pk, "csrf": response.json()["csrf"]}
    assert len(response.json()["csrf"]) == 64


def test_signing_in_again_in_place_with_a_wrong_password(client, rosa, settings):
    form = {"username": "rosa", "password": "wrong"}

    refused = client.post(reverse("login"), form, headers=JSON)
    for _ in range(settings.AXES_FAILURE_LIMIT):
        locked = client.post(reverse("login"), form, headers=JSON)

    assert (refused.status_code, refused.json()) == (
        400,
        {"error": "User name and password do not fit together."},
    )
    assert (locked.status_code, locked.json()) == (
        429,
        {"error": "Too many attempts. Try again in 15 minutes."},
    )


# --- demo mode ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("demo", "shown"), [(True, 1), (False, 0)])
def test_only_the_demo_shows_logins(client, db, settings, demo, shown):
    settings.CEDAR_DEMO = demo
    User.objects.create_user("reception", "cedar-demo", full_name="Rosa", roles=[Role.RECEPTIONIST])
    User.objects.create_user("somebody", PASSWORD, full_name="Real", roles=[Role.RECEPTIONIST])

    text = client.get(reverse("login")).text

    assert text.count("data-username=") == shown
    assert ("cedar-demo" in text) == demo


# --- one's own account -------------------------------------------------------------------------------


def test_who_has_no_role_is_told_whom_to_ask(client, db):
    client.force_login(User.objects.create_user("new", PASSWORD, full_name="New"))

    response = client.get("/", follow=True)

    assert response.redirect_chain == [(reverse("own_account"), 302)]
    assert "You have no role yet" in response.text


def change(client, old=PASSWORD, new="another-horse-8", again=None):
    fields = {"old_password": old, "new_password1": new, "new_password2": again or new}
    return client.post(reverse("password_change"), fields)


def test_changing_the_password_ends_the_other_sessions_only(client, rosa):
    elsewhere = Client()
    sign_in(client)
    sign_in(elsewhere)

    change(client)

    assert client.get(reverse("own_account")).status_code == 200
    assert elsewhere.get(reverse("own_account")).status_code == 302
    assert Entry.objects.get(action="password.changed").actor_id == rosa.pk


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"old": "wrong"}, "old_password"),
        ({"new": "short-7"}, "new_password2"),
        ({"new": "password123"}, "new_password2"),
        ({"new": "1234567890"}, "new_password2"),
        ({"again": "something-else-9"}, "new_password2"),
    ],
)
def test_a_weak_or_mistyped_password_is_refused(client, rosa, typed, field):
    sign_in(client)

    response = change(client, **typed)

    assert (response.status_code, list(response.context["form"].errors)) == (422, [field])
    rosa.refresh_from_db()
    assert rosa.check_password(PASSWORD)


# --- the first administrator -------------------------------------------------------------------------


@pytest.fixture
def token(settings, tmp_path):
    """The one-time address of a new clinic."""
    settings.CEDAR_DATA = tmp_path
    (tmp_path / "secrets").mkdir(mode=0o700)
    return first_admin.issue_token(tmp_path)


BEGINNING = {
    "full_name": "Ingrid Haugen",
    "username": "ingrid",
    "password": PASSWORD,
    "password_again": PASSWORD,
    "clinic_name": "Cedar Village",
    "country": "KE",
    "time_zone": "Africa/Nairobi",
}


def test_the_first_administrator_is_made_and_signed_in(client, db, token):
    response = client.post(reverse("first_administrator", args=[token]), BEGINNING)

    user = User.objects.people().get()
    clinic = ClinicProfile.get()
    assert response.status_code == 302
    assert (user.roles, user.check_password(PASSWORD)) == (["administrator"], True)
    assert (clinic.name, clinic.country, clinic.time_zone) == ("Cedar Village", "KE", "Africa/Nairobi")
    assert client.get(reverse("admin:index")).status_code == 200
    assert Entry.objects.get(action="administrator.created").actor_id == user.pk


def test_the_address_works_once(client, db, token):
    client.post(reverse("first_administrator", args=[token]), BEGINNING)

    again = Client().get(reverse("first_administrator", args=[token]))

    assert again.status_code == 404
    assert "used already or is too old" in again.text


def test_a_guessed_address_shows_nothing(client, db, token):
    assert client.get(reverse("first_administrator", args=["x" * 32])).status_code == 404
    assert client.post(reverse("first_administrator", args=["x" * 32]), BEGINNING).status_code == 404
    assert not User.objects.people().exists()


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"password_again": "different"}, "password_again"),
        ({"password": "short", "password_again": "short"}, "password"),
        ({"username": "with blank"}, "username"),
        ({"full_name": ""}, "full_name"),
        ({"country": "Kenya"}, "country"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
    ],
)
def test_a_wrong_value_does_not_use_the_address_up(client, db, token, typed, field):
    url = reverse("first_administrator", args=[token])

    refused = client.post(url, BEGINNING | typed)

    assert (refused.status_code, list(refused.context["form"].errors)) == (422, [field])
    assert client.post(url, BEGINNING).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_two_people_with_the_same_address_make_one_administrator(token):
    ClinicProfile.get()

    def make(number: int) -> str:
        try:
            create_first_administrator(
                token,
                full_name="X",
                username=f"admin{number}",
                password=PASSWORD,
                clinic_name=f"Clinic {number}",
                country="KE",
                time_zone="UTC",
            )
        except Conflict:
            return "refused"
        finally:
            connection.close()
        return f"Clinic {number}"

    with ThreadPoolExecutor(6) as threads:
        results = list(threads.map(make, range(6)))

    (clinic,) = [result for result in results if result != "refused"]
    assert results.count("refused") == 5
    assert User.objects.people().count() == 1
    assert ClinicProfile.get().name == clinic


def test_countries_and_time_zones_have_names():
    assert dict(country_choices())["KE"] == "Kenya"
    assert dict(country_choices())["GB"] == "United Kingdom"
    assert dict(time_zone_choices())["America/New_York"] == "America/New York"
