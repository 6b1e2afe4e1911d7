"""The first rooms of a new clinic."""

import datetime as dt

import pytest

from clinic.errors import InvalidInput, NotAllowed
from scheduling.models import Procedure, Station
from scheduling.places import open_rooms
from tests.factories import make_procedure, make_station, make_user
from tests.scheduling.pages import sign_in, url

pytestmark = pytest.mark.django_db


def rooms(**changes: object) -> list[Station]:
    fields = {
        "machines": {"DX": 2, "US": 1, "CT": 0},
        "by": make_user("administrator"),
        "opens_at": dt.time(8),
        "closes_at": dt.time(17),
        "weekdays": [1, 2, 3, 4, 5],
        "only_these": False,
    } | changes
    return open_rooms(fields.pop("machines"), **fields)


def test_a_room_for_every_machine():
    rooms()

    assert [(each.name, each.ae_title, each.modalities) for each in Station.objects.all()] == [
        ("Ultrasound", "CEDAR_US", ["US"]),
        ("X-ray 1", "CEDAR_DX1", ["DX", "CR"]),
        ("X-ray 2", "CEDAR_DX2", ["DX", "CR"]),
    ]
    assert {(each.opens_at, tuple(each.weekdays)) for each in Station.objects.all()} == {
        (dt.time(8), (1, 2, 3, 4, 5))
    }


def test_what_no_machine_does_is_offered_no_more():
    chest, knee = make_procedure(modality="DX"), make_procedure(modality="MR")

    rooms(only_these=True)

    assert list(Procedure.objects.filter(is_active=True)) == [chest]
    assert not Procedure.objects.get(pk=knee.pk).is_active


def test_names_that_are_taken_count_on():
    make_station(name="Ultrasound", ae_title="SONO")

    rooms(machines={"US": 1})

    assert set(Station.objects.values_list("name", flat=True)) == {"Ultrasound", "Ultrasound 2"}


def test_no_machine_is_no_clinic():
    with pytest.raises(InvalidInput, match="at least one kind of machine"):
        rooms(machines={"DX": 0})


def test_only_an_administrator_sets_up_rooms():
    with pytest.raises(NotAllowed):
        rooms(by=make_user("receptionist"))


def test_the_page_asks_and_makes_them():
    client = sign_in("administrator")
    form = {"DX": 1, "US": 0, "CT": 0, "MR": 1, "MG": 0, "RF": 0, "opens_at": "08:00", "closes_at": "07:00"}
    form |= {"weekdays": [1, 6]}

    calendar = client.get(url("calendar")).content.decode()
    refused = client.post(url("first_rooms"), form).content.decode()
    client.post(url("first_rooms"), form | {"closes_at": "16:00"})

    assert url("first_rooms") in calendar
    assert "The clinic has to close after it opens." in refused
    assert list(Station.objects.values_list("name", "weekdays")) == [("MR", [1, 6]), ("X-ray", [1, 6])]
