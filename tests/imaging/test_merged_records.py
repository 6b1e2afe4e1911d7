"""Images that name a record which became a part of another: nothing gets lost between the two."""

import threading

import pytest
from django.db import connection
from django.urls import reverse

from clinic.models import ClinicProfile
from clinic.permissions import Role
from imaging import filing
from imaging.decisions import resolve_held_study
from imaging.held import default_target, find_target
from imaging.identity import Identity, differences
from imaging.models import Study
from imaging.outgoing import Corrector, outgoing, patient_of
from patients.identities import add_other_name
from patients.merging import merge_patients, undo_merge
from tests.concurrent import somebody_waits, wait_until, while_first_is_open
from tests.factories import make_order, make_patient, make_user

from .sender import identity_for, identity_of, receive, slices


@pytest.fixture
def rosa(db):
    ClinicProfile.get()
    return make_user(Role.RECEPTIONIST)


@pytest.fixture
def survivor(rosa):
    return make_patient(mrn="CVC-3", family_name="Silva", given_name="Ana")


@pytest.fixture
def alias(rosa):
    return make_patient(mrn="CVC-7", family_name="Moreno", given_name="Ana", birth_date="1980-05-18")


def merge(survivor, alias, by):
    return merge_patients(survivor, alias, by=by, choices={}, versions=(1, 1), reason="Registered twice")


def arrive(patient, **changes):
    """One image that names ``patient`` as the machine was told."""
    return receive(*slices(identity_of(patient, **changes), 1))


# --- arriving ----------------------------------------------------------------------------------------


def test_images_with_the_old_number_and_the_old_name_are_filed_with_the_survivor(survivor, alias, rosa):
    """A worklist that was fetched before the merge: number, name and birth date are the old record's."""
    merge(survivor, alias, rosa)

    study = arrive(alias)

    assert (study.state, study.patient, study.received_patient_id) == ("filed", survivor, "CVC-7")


def test_images_of_an_order_that_moved_are_linked(survivor, alias, rosa):
    order = make_order(alias, status="scheduled")
    old = identity_for(order)
    merge(survivor, alias, rosa)

    study = receive(*slices(old, 1))

    assert (study.state, study.order, study.patient) == ("linked", order, survivor)


def test_the_old_number_with_a_third_name_is_held(survivor, alias, rosa):
    merge(survivor, alias, rosa)

    study = arrive(alias, patient_name="Zulu^Ana")

    assert (study.state, set(study.differences)) == ("held", {"patient_name", "birth_date"})


def test_the_old_birth_date_under_the_survivors_number_is_a_difference(survivor, alias, rosa):
    merge(survivor, alias, rosa)

    assert list(differences(told(survivor, birth_date="19800518"), survivor)) == ["birth_date"]


def told(patient, **changes):
    values = identity_of(patient, **changes)
    return Identity(
        patient_id=values.patient_id,
        issuer="",
        name=values.patient_name,
        birth_date=values.birth_date,
        sex=values.sex,
    )


def test_a_name_of_before_the_wedding_is_the_patients(survivor, rosa):
    add_other_name(survivor, by=rosa, kind="before_marriage", family_name="Okello", given_name="Ana")

    assert differences(told(survivor, patient_name="Okello^Ana"), survivor) == {}
    assert list(differences(told(survivor, patient_name="Zulu^Ana"), survivor)) == ["patient_name"]


# --- held, looked for, sent ---------------------------------------------------------------------------


def test_held_images_with_the_old_number_are_offered_to_the_survivor(survivor, alias, rosa):
    merge(survivor, alias, rosa)
    study = arrive(alias, patient_name="Zulu^Ana")

    assert default_target(study).patient == survivor
    assert find_target(study, "cvc 7").patient == survivor
    assert resolve_held_study(study, by=rosa, patient=alias, reason="She said so").patient == survivor


def test_what_leaves_carries_the_survivors_identity(survivor, alias, rosa):
    study = arrive(alias)
    merge(survivor, alias, rosa)
    study.refresh_from_db()
    (instance,) = outgoing(study.series.get().instances.all())

    corrections = Corrector().corrections(instance)

    assert patient_of(study) == survivor
    assert corrections.changes == {
        "PatientName": "Silva^Ana",
        "PatientID": "CVC-3",
        "PatientBirthDate": "19800517",
    }


def test_dicomweb_finds_by_the_old_number(client, survivor, alias, rosa):
    study = arrive(alias)
    merge(survivor, alias, rosa)
    client.force_login(make_user(Role.RADIOLOGIST))

    found = client.get(reverse("imaging:qido_studies"), {"PatientID": "CVC-7"}).json()

    assert [one["0020000D"]["Value"] for one in found] == [[study.study_instance_uid]]
    assert found[0]["00100020"]["Value"] == ["CVC-3"]


# --- at the same time ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_images_behind_the_merge_are_filed_with_the_survivor(survivor, alias, rosa):
    _merged, study = while_first_is_open(lambda: merge(survivor, alias, rosa), lambda: arrive(alias))

    assert (study.state, study.patient) == ("filed", survivor)


@pytest.mark.django_db(transaction=True)
def test_images_behind_the_undoing_are_filed_with_whom_they_name(survivor, alias, rosa):
    merged = merge(survivor, alias, rosa)

    _undone, study = while_first_is_open(
        lambda: undo_merge(merged, by=rosa, reason="Two sisters"), lambda: arrive(alias)
    )

    assert (study.state, study.patient) == ("filed", alias)


@pytest.mark.django_db(transaction=True)
def test_more_images_of_a_study_that_moves_stay_with_it(survivor, alias, rosa):
    first, second = slices(identity_of(alias), 2)
    study = receive(first)

    while_first_is_open(lambda: merge(survivor, alias, rosa), lambda: receive(second))

    study.refresh_from_db()
    assert (study.patient, study.instance_count) == (survivor, 2)


@pytest.mark.django_db(transaction=True)
def test_images_before_the_merge_move_with_it(survivor, alias, rosa, monkeypatch):
    """The merge comes while the images are being filed: it waits, and takes them along."""
    is_filing, store = threading.Event(), filing._store

    def slow_store(*args, **kwargs):
        store(*args, **kwargs)
        is_filing.set()
        wait_until(somebody_waits)

    monkeypatch.setattr(filing, "_store", slow_store)

    def ingest():
        try:
            arrive(alias)
        finally:
            connection.close()

    thread = threading.Thread(target=ingest)
    thread.start()
    assert is_filing.wait(30)
    merge(survivor, alias, rosa)
    thread.join(30)

    assert Study.objects.get().patient == survivor
