"""The last layer: the database refuses what the form and the service should have."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from patients.models import Patient, PatientIdentifier
from tests.factories import make_patient


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"birth_date": dt.date(1849, 12, 31)}, "patient_birth_date_after_1850"),
        ({"birth_date": timezone.localdate() + dt.timedelta(days=3)}, "patient_birth_date_not_in_future"),
        ({"birth_precision": "week"}, "patient_birth_precision_known_code"),
        ({"sex": "X"}, "patient_sex_known_code"),
        ({"mrn": "№ 5"}, "patient_mrn_letters_and_digits"),
        ({"mrn": "-5"}, "patient_mrn_letters_and_digits"),
        ({"phone": "0712 345678"}, "patient_phone_is_e164"),
        ({"family_name": "", "given_name": ""}, "patient_has_a_name"),
        ({"name_key": ""}, "patient_name_can_be_found"),
    ],
)
def test_the_database_refuses(fields, constraint):
    patient = make_patient()

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Patient.objects.filter(pk=patient.pk).update(**fields)


@pytest.mark.django_db
def test_the_database_refuses_a_second_patient_of_the_same_number_however_written():
    make_patient(mrn="CVC-0001")

    with pytest.raises(IntegrityError, match="mrn_key"), transaction.atomic():
        make_patient(mrn="cvc 0001")


@pytest.mark.django_db
def test_the_database_refuses_a_patient_merged_into_itself():
    patient = make_patient()

    with pytest.raises(IntegrityError, match="patient_not_merged_into_itself"), transaction.atomic():
        Patient.objects.filter(pk=patient.pk).update(merged_into=patient)


@pytest.mark.django_db
def test_the_database_refuses_a_number_of_another_clinic_given_twice():
    PatientIdentifier.objects.create(patient=make_patient(), issuer="Hilltop", value="7")

    with pytest.raises(IntegrityError, match="patient_identifier_unique"), transaction.atomic():
        PatientIdentifier.objects.create(patient=make_patient(), issuer="Hilltop", value="7")
