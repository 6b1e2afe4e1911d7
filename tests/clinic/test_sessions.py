import time

import pytest
from django.urls import reverse

from clinic.models import ClinicProfile
from clinic.permissions import Role
from clinic.sessions import LAST_SEEN
from tests.factories import make_user

BACKGROUND = {"X-Cedar-Background": "1"}
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/patients/new/?q=Ana"}


@pytest.fixture
def desk(client, db):
    ClinicProfile.get()
    user = make_user(Role.RECEPTIONIST)
    client.force_login(user)
    client.get(reverse("own_account"))
    return user


def be_idle(client, seconds: float) -> None:
    session = client.session
    session[LAST_SEEN] = time.time() - seconds
    session.save()


def seconds_left(client, **headers) -> int:
    return client.get(reverse("session"), headers=headers).json()["seconds_left"]


def test_a_session_that_nobody_used_for_too_long_is_over(client, desk, settings):
    be_idle(client, settings.IDLE_TIMEOUT_SECONDS + 1)

    response = client.get(reverse("own_account"))

    assert (response.status_code, response.url) == (302, "/login/?next=/account/")


def test_use_extends_the_session(client, desk, settings):
    be_idle(client, settings.IDLE_TIMEOUT_SECONDS - 20)
    client.get(reverse("own_account"))

    assert seconds_left(client, **BACKGROUND) >= settings.IDLE_TIMEOUT_SECONDS - 5


def test_what_a_page_fetches_by_itself_does_not_extend_it(client, desk, settings):
    be_idle(client, settings.IDLE_TIMEOUT_SECONDS - 20)

    client.get(reverse("patients:patient_list"), headers=BACKGROUND)

    assert 0 < seconds_left(client, **BACKGROUND) <= 20


def test_a_session_that_only_the_page_uses_ends_all_the_same(client, desk, settings):
    be_idle(client, settings.IDLE_TIMEOUT_SECONDS + 1)

    client.get(reverse("patients:patient_list"), headers=BACKGROUND)

    assert client.get(reverse("session"), headers=BACKGROUND).json() == {"user": None, "seconds_left": 0}


def test_asking_for_a_person_extends_the_session(client, desk, settings):
    be_idle(client, settings.IDLE_TIMEOUT_SECONDS - 20)

    assert seconds_left(client) >= settings.IDLE_TIMEOUT_SECONDS - 5


def test_a_click_on_a_page_whose_session_ended_leads_to_the_login_and_back(client, db):
    response = client.get(reverse("patients:patient_list"), headers=HTMX)

    assert (response.status_code, response["HX-Redirect"]) == (
        204,
        "/login/?next=/patients/new/%3Fq%3DAna",
    )


def test_a_live_page_whose_session_ended_is_told_and_stays(client, db):
    response = client.get(reverse("patients:patient_list"), headers=HTMX | BACKGROUND)

    assert (response.status_code, response["HX-Trigger"]) == (204, "cedar:signed-out")
    assert not response.has_header("HX-Redirect")


def test_a_program_whose_session_ended_gets_401(client, db):
    response = client.get(reverse("patients:patient_list"), headers={"Accept": "application/json"})

    assert (response.status_code, response.json()) == (401, {"error": "You are signed out. Sign in again."})


@pytest.mark.parametrize("elsewhere", ["https://evil.example/a", "//evil.example/a", "nonsense", ""])
def test_the_way_back_never_leads_elsewhere(client, db, elsewhere):
    headers = HTMX | {"HX-Current-URL": elsewhere}

    response = client.get(reverse("patients:patient_list"), headers=headers)

    assert response["HX-Redirect"].startswith("/login/?next=")
    assert "evil" not in response["HX-Redirect"]


def test_times_are_the_clinics(client, desk, settings):
    ClinicProfile.objects.update(time_zone="Asia/Kathmandu")
    desk.last_login = desk.last_login.replace(year=2026, month=1, day=1, hour=12, minute=0)
    desk.save()

    assert "1 Jan 2026 17:45" in client.get(reverse("own_account")).text


def test_a_request_beside_it_does_not_take_the_words_away(client, db):
    ClinicProfile.get()
    client.force_login(make_user(Role.RADIOLOGIST))
    beside = client.session  # read before, written after
    answer = client.post(reverse("reporting:reading_next"))
    beside[LAST_SEEN] = time.time()
    beside.save()

    page = client.get(answer.url)

    assert [str(message) for message in page.context["messages"]] == ["No study waits for a reader now."]
