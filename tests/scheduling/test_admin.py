"""The settings pages of catalogue and rooms."""

import pytest
from django.test import Client
from django.urls import reverse

from scheduling.models import Consultant, SafetyQuestion, Station
from tests.factories import make_procedure, make_station, make_user

pytestmark = pytest.mark.django_db
STATION = {
    "name": "X-ray 1",
    "ae_title": "CEDAR_XR",
    "modalities": ["DX", "CR"],
    "weekdays": ["1", "5"],
    "opens_at": "08:00",
    "closes_at": "16:30",
    "is_active": "on",
}


@pytest.fixture
def administrator() -> Client:
    client = Client()
    client.force_login(make_user("administrator"))
    return client


@pytest.mark.parametrize(
    "model",
    ["procedure", "safetyquestion", "station", "consultant", "signedmodality", "referrer", "indication"],
)
@pytest.mark.parametrize("page", ["changelist", "add"])
def test_every_list_and_form_opens(administrator, model, page):
    make_procedure()
    make_station()

    assert administrator.get(reverse(f"admin:scheduling_{model}_{page}")).status_code == 200


def test_a_station_is_made_with_ticked_modalities_and_days(administrator):
    administrator.post(reverse("admin:scheduling_station_add"), STATION)

    station = Station.objects.get()
    assert (station.modalities, station.weekdays) == (["DX", "CR"], [1, 5])


def test_a_station_that_closes_before_it_opens_is_refused_in_words(administrator):
    page = administrator.post(reverse("admin:scheduling_station_add"), STATION | {"closes_at": "07:00"})

    assert "It closes at 07:00, which is not after it opens at 08:00." in page.content.decode()
    assert Station.objects.count() == 0


def test_safety_questions_are_ticked(administrator):
    pacemaker = SafetyQuestion.objects.create(text="Pacemaker?", is_critical=True)
    procedure = make_procedure(safety_questions=["Metal in the eye?"])
    change = reverse("admin:scheduling_procedure_change", args=[procedure.pk])
    form = {"code": "MR1", "name": "MR knee", "modality": "MR", "minutes": 30, "is_active": "on"}
    inline = {"preparations-TOTAL_FORMS": "1", "preparations-INITIAL_FORMS": "0"}
    french = {"preparations-0-language": "fr", "preparations-0-text": "À jeun."}

    administrator.post(
        change, form | inline | french | {"safety_questions": [pacemaker.pk], "signature": "always"}
    )

    procedure.refresh_from_db()
    assert list(procedure.safety_questions.all()) == [pacemaker]
    assert [(each.language, each.text) for each in procedure.preparations.all()] == [("fr", "À jeun.")]


def test_a_break_has_two_ends(administrator):
    page = administrator.post(
        reverse("admin:scheduling_station_add"), STATION | {"break_from": "12:00", "break_until": ""}
    )

    assert "A break has a beginning and an end" in page.content.decode()
    assert Station.objects.count() == 0


def test_a_doctor_gets_consultation_hours(administrator):
    doctor = make_user("radiologist")
    make_user("receptionist", full_name="Rosa Desk")
    add = reverse("admin:scheduling_consultant_add")
    form = {key: STATION[key] for key in ("weekdays", "opens_at", "closes_at", "is_active")}

    shown = administrator.get(add).content.decode()
    administrator.post(add, form | {"doctor": doctor.pk, "minutes": 20})

    assert "Rosa Desk" not in shown
    assert Consultant.objects.get().doctor == doctor
