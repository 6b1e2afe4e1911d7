import threading

import pytest
from django.db import connection, transaction

from patients.models import OtherName, Patient
from patients.names import name_key
from patients.records import hold_patient, hold_patients, resolve_patient_by_number
from tests.factories import make_patient

pytestmark = pytest.mark.django_db


@pytest.fixture
def survivor():
    return make_patient(mrn="CVC-0003")


@pytest.fixture
def alias(survivor):
    return make_patient(mrn="CVC-0007", merged_into=survivor)


@pytest.mark.parametrize("number", ["CVC-0003", "cvc 0007", "CVC0007"])
@pytest.mark.parametrize("hold", [False, True])
def test_a_number_leads_to_the_record_that_counts(survivor, alias, number, hold):
    assert resolve_patient_by_number(number, hold=hold) == survivor


@pytest.mark.parametrize("number", ["", "-", "CVC-0099"])
@pytest.mark.parametrize("hold", [False, True])
def test_a_number_that_nobody_has_leads_nowhere(survivor, number, hold):
    assert resolve_patient_by_number(number, hold=hold) is None


def test_records_found_by_anything_resolve_to_those_that_count(survivor, alias):
    other = make_patient()

    assert set(Patient.objects.filter(pk__in=[alias.pk, other.pk]).resolved()) == {survivor, other}


def test_finding_by_an_old_number_uses_the_indexes(survivor, alias):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")

    plan = Patient.objects.filter(mrn_key="CVC0007").resolved().explain()

    assert "Seq Scan" not in plan


def test_a_held_alias_gives_the_survivor(survivor, alias):
    assert hold_patient(alias.pk) == survivor


@pytest.mark.parametrize("hold", [lambda pk: hold_patient(pk), lambda pk: hold_patients([pk])])
@pytest.mark.django_db(transaction=True)
def test_a_held_record_can_be_used_by_others_but_not_be_merged(hold):
    patient = make_patient()
    outcomes = []

    def try_to(sql):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql, [patient.pk])
            outcomes.append("done")
        except Exception as error:
            outcomes.append(type(error).__name__)
        finally:
            connection.close()

    with transaction.atomic():
        hold(patient.pk)
        for mode in ("KEY SHARE", "UPDATE"):
            sql = f"SELECT 1 FROM patients_patient WHERE id = %s FOR {mode} NOWAIT"
            thread = threading.Thread(target=try_to, args=[sql])
            thread.start()
            thread.join()

    assert outcomes == ["done", "OperationalError"]


def test_another_name_is_found_as_it_sounds():
    patient = make_patient()
    name = OtherName(patient=patient, family_name="Müller", given_name="Anna")
    name.name_key = name_key(name.person_name)
    name.save()
    name.refresh_from_db()

    assert (name.name_key, name.sound_key, str(name)) == (" muller anna", "AN MLR", "Müller, Anna")
