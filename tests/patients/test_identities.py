"""Further numbers and other names of a patient, and the page that keeps them."""

import pytest
from django.urls import reverse

from audit.models import Entry
from clinic.errors import Conflict
from clinic.models import ClinicProfile
from clinic.permissions import Role
from patients.identities import add_other_name, remove_identifier, remove_other_name, rename_patient
from patients.models import OtherName, OtherNameKind
from patients.services import add_identifier
from tests.factories import make_patient, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client, db):
    ClinicProfile.get()
    user = make_user(Role.RECEPTIONIST, full_name="Rosa Delgado")
    client.force_login(user)
    return user


@pytest.fixture
def patient():
    return make_patient(mrn="CVC-3", family_name="Silva", given_name="Ana")


def url_of(patient):
    return reverse("patients:patient_identities", args=[patient.pk])


def last_changes():
    entry = Entry.objects.filter(action="patient.changed").newest_first()[0]
    return entry.changes


def test_a_number_is_added_and_removed_on_record(client, desk, patient):
    client.post(url_of(patient), {"issuer": "Valley Hospital", "value": "77-1"})
    added = last_changes()
    client.post(reverse("patients:identifier_remove", args=[patient.identifiers.get().pk]))

    assert added == {"identifiers": [None, "77-1 (Valley Hospital)"]}
    assert last_changes() == {"identifiers": ["77-1 (Valley Hospital)", None]}
    assert not patient.identifiers.exists()


def test_a_number_of_another_patient_names_that_patient_and_what_was_typed_stays(client, desk, patient):
    other = make_patient(mrn="CVC-9", family_name="Moreno")
    add_identifier(other, by=desk, issuer="Valley", value="77")

    response = client.post(url_of(patient), {"issuer": "Valley", "value": "77"})

    assert response.status_code == 409
    assert "The number 77 of Valley belongs to Ada Moreno (CVC-9) already." in response.text
    assert 'value="77"' in response.text


def test_a_number_is_removed_once(desk, patient):
    identifier = add_identifier(patient, by=desk, issuer="Valley", value="77")
    remove_identifier(identifier, by=desk)
    identifier.pk = 999

    with pytest.raises(Conflict, match="removed this number already"):
        remove_identifier(identifier, by=desk)


def test_a_name_is_added_and_removed_on_record(client, desk, patient):
    typed = {"kind": "before_marriage", "family_name": "  Moreno ", "given_name": "Ana"}
    response = client.post(url_of(patient), typed, follow=True)
    added = last_changes()
    other = OtherName.objects.get()
    client.post(reverse("patients:other_name_remove", args=[other.pk]))

    assert "Moreno, Ana" in response.text
    assert (other.name_key, added) == (
        " moreno ana",
        {"other_names": [None, "Moreno, Ana (Name before marriage)"]},
    )
    assert last_changes() == {"other_names": ["Moreno, Ana (Name before marriage)", None]}


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"kind": "alias", "family_name": ""}, "A name is needed"),
        ({"kind": "alias", "family_name": "A^B"}, "A name cannot hold the sign ^"),
        ({"kind": "merged", "family_name": "Moreno"}, "is not a kind of name"),
        (
            {"kind": "alias", "family_name": "SILVA", "given_name": "ana"},
            "name already",
        ),
    ],
)
def test_a_name_that_cannot_be_is_refused(client, desk, patient, typed, told):
    response = client.post(url_of(patient), typed)

    assert response.status_code == 400
    assert told in response.text


def test_a_name_is_noted_once(desk, patient):
    add_other_name(patient, by=desk, kind="alias", family_name="Moreno")

    with pytest.raises(Conflict, match="noted already"):
        add_other_name(patient, by=desk, kind="former", family_name="moreno")


def test_a_name_is_removed_once(desk, patient):
    other = add_other_name(patient, by=desk, kind="alias", family_name="Moreno")
    remove_other_name(other, by=desk)
    other.pk = 999

    with pytest.raises(Conflict, match="removed this name already"):
        remove_other_name(other, by=desk)


@pytest.mark.parametrize(
    ("keep_name", "changes", "kept"),
    [
        (True, {"family_name": "Moreno"}, ["Silva, Ana"]),
        (False, {"family_name": "Moreno"}, []),
        (True, {"note": "Deaf"}, []),
    ],
)
def test_after_a_wedding_the_old_name_is_kept_when_asked(desk, patient, keep_name, changes, kept):
    rename_patient(patient, by=desk, version=1, keep_name=keep_name, **changes)

    assert [str(name) for name in patient.other_names.all()] == kept
    assert set(patient.other_names.values_list("kind", flat=True)) <= {OtherNameKind.FORMER}


def test_the_edit_page_keeps_the_old_name(client, desk, patient):
    response = client.get(reverse("patients:patient_edit", args=[patient.pk]))
    form = response.context["form"]
    sent = {"version": "1", "keep_name": "on"}
    for name in form.fields:
        value = form[name].value()
        sent[name] = sent[form.add_initial_prefix(name)] = "" if value is None else str(value)

    client.post(reverse("patients:patient_edit", args=[patient.pk]), sent | {"family_name": "Moreno"})

    patient.refresh_from_db()
    assert (patient.family_name, [str(name) for name in patient.other_names.all()]) == (
        "Moreno",
        ["Silva, Ana"],
    )
