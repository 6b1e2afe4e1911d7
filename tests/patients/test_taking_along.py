"""“Use this patient” beside the form of a new one."""

import datetime as dt

import pytest
from django.urls import reverse

from audit.models import Entry
from clinic.models import ClinicProfile
from clinic.permissions import Role
from patients.services import update_patient
from tests.factories import make_patient, make_user

BORN = dt.date(1985, 2, 25)


@pytest.fixture
def desk(client, db):
    ClinicProfile.get()
    ClinicProfile.objects.update(country="KE")
    user = make_user(Role.RECEPTIONIST)
    client.force_login(user)
    return user


@pytest.fixture
def ana(desk):
    return make_patient(
        family_name="Silva",
        given_name="Ana",
        birth_date=BORN,
        sex="F",
        phone="+254712345678",
        alerts="Penicillin",
    )


def take(client, patient, *taken, **typed):
    form = {"family_name": "silvá", "given_name": "ana", "birth_date": "25 Feb 1985", "sex": "F"} | typed
    if taken:
        form |= {"confirmed": "1", "version": patient.version, "take": [name for name in taken if name]}
    return client.post(reverse("patients:patient_take", args=[patient.pk]), form)


def test_what_says_nothing_new_leads_straight_to_the_record(client, ana):
    response = take(client, ana, phone="0712 345678")

    assert response.url == reverse("patients:patient_detail", args=[ana.pk])
    assert not Entry.objects.filter(action="patient.changed").exists()


def test_what_differs_is_offered_and_what_is_missing_is_ticked(client, ana):
    response = take(client, ana, phone="0722 000111", address="Hill Road 3", alerts="Latex")

    rows = {row.field: (row.survivor, row.alias, row.chosen) for row in response.context["rows"]}
    assert rows == {
        "phone": ("0712 345678", "0722 000111", "survivor"),
        "address": ("", "Hill Road 3", "alias"),
        "alerts": ("Penicillin", "Latex", "both"),
    }


def test_only_what_is_confirmed_is_written(client, ana):
    response = take(client, ana, "address", phone="0722 000111", address="Hill Road 3")

    ana.refresh_from_db()
    assert response.url == reverse("patients:patient_detail", args=[ana.pk])
    assert (ana.address, ana.phone) == ("Hill Road 3", "+254712345678")
    assert Entry.objects.get(action="patient.changed").changes == {"address": ["", "Hill Road 3"]}


def test_a_warning_is_added_to_those_that_are_there(client, ana):
    take(client, ana, "alerts", alerts="Latex")

    ana.refresh_from_db()
    assert ana.alerts == "Penicillin\nLatex"


def test_a_birth_date_is_taken_with_how_exactly_it_is_known(client, desk):
    patient = make_patient(birth_date=None)

    take(client, patient, "birth_date", birth_date="about 45")

    patient.refresh_from_db()
    assert patient.birth_precision == "about"


def test_after_a_marriage_the_name_of_before_still_finds_her(client, ana):
    take(client, ana, "family_name", family_name="Moreno")

    ana.refresh_from_db()
    assert (ana.family_name, [str(name) for name in ana.other_names.all()]) == ("Moreno", ["Silva, Ana"])


def test_what_cannot_be_read_is_told_and_the_rest_offered(client, ana):
    response = take(client, ana, birth_date="03/04/1985", address="Hill Road 3")

    assert [field.name for field in response.context["unread"]] == ["birth_date"]
    assert [row.field for row in response.context["rows"]] == ["address"]


def test_a_record_changed_meanwhile_is_shown_again(client, ana):
    update_patient(ana, by=make_user(), version=1, address="Lake Road 1")

    response = take(client, ana, "address", address="Hill Road 3")

    ana.refresh_from_db()
    assert (response.status_code, ana.address) == (409, "Lake Road 1")
    assert [(row.survivor, row.alias) for row in response.context["rows"]] == [("Lake Road 1", "Hill Road 3")]


def test_from_the_walk_in_it_leads_back_there(client, ana):
    response = take(client, ana, purpose="walk_in")

    assert response.url == f"{reverse('scheduling:walk_in')}?patient={ana.pk}"


def test_a_field_that_was_not_offered_cannot_be_taken(client, ana):
    take(client, ana, "sex", "note", address="Hill Road 3")

    ana.refresh_from_db()
    assert (ana.note, ana.address, ana.version) == ("", "", 1)
