"""The settings pages of catalogue and rooms."""

import pytest
from django.test import Client
from django.urls import reverse

from scheduling.models import Procedure, Station
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
    "closures-TOTAL_FORMS": "0",
    "closures-INITIAL_FORMS": "0",
}


@pytest.fixture
def administrator() -> Client:
    client = Client()
    client.force_login(make_user("administrator"))
    return client


@pytest.mark.parametrize("model", ["procedure", "station", "referrer", "indication"])
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


def test_safety_questions_are_lines(administrator):
    procedure = make_procedure(safety_questions=["Pacemaker?"])
    change = reverse("admin:scheduling_procedure_change", args=[procedure.pk])

    shown = administrator.get(change).content.decode()
    form = {"code": "MR1", "name": "MR knee", "modality": "MR", "minutes": 30, "is_active": "on"}
    administrator.post(change, form | {"safety_questions": "Pacemaker?\n\n  Metal in the eye? "})

    assert "Pacemaker?</textarea>" in shown
    assert Procedure.objects.get().safety_questions == ["Pacemaker?", "Metal in the eye?"]
