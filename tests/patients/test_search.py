import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.services import record
from clinic.models import ClinicProfile
from clinic.permissions import Role
from imaging.models import Study, StudyState
from patients.models import OtherName, PatientIdentifier
from patients.names import name_key
from patients.search import recent_patients, search_patients
from tests.factories import make_order, make_patient, make_user


@pytest.fixture
def people(db):
    """A few people by their family name."""
    ClinicProfile.get()
    ClinicProfile.objects.update(country="KE", mrn_pattern="CVC-0001")
    made = [
        make_patient(mrn="CVC-0042", family_name="Müller-Lüdenscheidt", given_name="Jürgen",
                     birth_date=dt.date(1955, 1, 30), phone="+254712345678"),
        make_patient(mrn="CVC-0043", family_name="Silva", given_name="Ana", middle_name="María",
                     birth_date=dt.date(1985, 4, 3), national_id="AB-12345"),
        make_patient(mrn="CVC-0420", family_name="Иванова", given_name="Мария",
                     birth_date=dt.date(1985, 3, 4)),
        make_patient(mrn="OLD-7", family_name="Yamada", given_name="Tarou", ideographic_name="山田^太郎",
                     birth_date=dt.date(1999, 9, 9)),
    ]  # fmt: skip
    PatientIdentifier.objects.create(patient=made[3], issuer="Hilltop", value="H-77/9")
    return {patient.family_name: patient for patient in made}


@pytest.mark.parametrize(
    ("text", "family_names", "why"),
    [
        ("muller", ["Müller-Lüdenscheidt"], "name"),
        ("JÜRGEN ludensch", ["Müller-Lüdenscheidt"], "name"),
        ("lud jur", ["Müller-Lüdenscheidt"], "name"),
        ("ana silva", ["Silva"], "name"),
        ("Silva, Ana", ["Silva"], "name"),
        ("silvia ana maria", ["Silva"], "similar name"),
        ("ivanova", ["Иванова"], "name"),
        ("иванов", ["Иванова"], "name"),
        ("山田", ["Yamada"], "name"),
        ("CVC-0042", ["Müller-Lüdenscheidt"], "patient number"),
        ("cvc 42", [], None),
        ("42", ["Müller-Lüdenscheidt"], "patient number"),
        ("cvc04", ["Иванова"], "patient number"),
        ("old7", ["Yamada"], "patient number"),
        ("h779", ["Yamada"], "number of another clinic"),
        ("ab12345", ["Silva"], "national id"),
        ("0712 345678", ["Müller-Lüdenscheidt"], "phone"),
        ("+254712345678", ["Müller-Lüdenscheidt"], "phone"),
        ("0712 34", ["Müller-Lüdenscheidt"], "phone"),
        ("+2547123", ["Müller-Lüdenscheidt"], "phone"),
        ("345678", ["Müller-Lüdenscheidt"], "part of the phone"),
        ("30/01/1955", ["Müller-Lüdenscheidt"], "birth date"),
        ("1955-01-30", ["Müller-Lüdenscheidt"], "birth date"),
        ("30 jan 1955", ["Müller-Lüdenscheidt"], "birth date"),
        ("03/04/1985", ["Silva", "Иванова"], "birth date"),
        ("1955", ["Müller-Lüdenscheidt"], "birth date"),
        ("silva 1985", ["Silva"], "name and birth date"),
        ("silva 03/04/1985", ["Silva"], "name and birth date"),
        ("nobody", [], None),
        ("%", [], None),
        ("a", [], None),
        ("", [], None),
    ],
)
def test_one_box_finds_by_whatever_is_known(people, text, family_names, why):
    hits = search_patients(text, make_user(Role.RECEPTIONIST))

    assert [hit.patient.family_name for hit in hits] == family_names
    assert {str(hit.why) for hit in hits} == ({why} if why else set())


def test_merged_records_are_not_found(people):
    alias = make_patient(family_name="Silva", given_name="Ana", mrn="OLD-99")
    alias.merged_into = people["Silva"]
    alias.save()

    hits = search_patients("silva", make_user(Role.RECEPTIONIST))

    assert [hit.patient for hit in hits] == [people["Silva"]]


def test_the_number_of_a_merged_record_finds_the_survivor(people):
    alias = make_patient(mrn="OLD-99")
    alias.merged_into = people["Silva"]
    alias.save()

    (hit,) = search_patients("old 99", make_user(Role.RECEPTIONIST))

    assert (hit.patient, str(hit.why)) == (people["Silva"], "number of a merged record")


def test_a_name_of_before_finds_its_patient(people):
    name = OtherName(patient=people["Silva"], family_name="Moreno", given_name="Ana")
    name.name_key = name_key(name.person_name)
    name.save()

    (hit,) = search_patients("moren ana", make_user(Role.RECEPTIONIST))

    assert (hit.patient, str(hit.why)) == (people["Silva"], "another name of this person")


@pytest.mark.parametrize("text", ["slva", "sivla", "zilva", "silvva ana", "aan silva", "sylva", "ana marai"])
def test_slips_of_the_fingers_still_find(people, text):
    hits = search_patients(text, make_user(Role.RECEPTIONIST))

    assert [(hit.patient.family_name, str(hit.why)) for hit in hits] == [("Silva", "similar name")]


@pytest.mark.parametrize("typed", ["accession_number", "study_instance_uid"])
def test_orders_are_found_by_what_is_on_their_label(people, typed):
    order = make_order(people["Silva"])
    number = getattr(order, typed)

    hits = [search_patients(text, make_user(Role.TECHNICIAN)) for text in (number, number[:-1])]

    page = reverse("scheduling:order_detail", args=[order.pk])
    assert [[(hit.patient, hit.get_absolute_url()) for hit in found] for found in hits] == [
        [(people["Silva"], page)],
        [(people["Silva"], page)],
    ]
    assert order.accession_number in str(hits[0][0].why)


def test_the_accession_number_of_images_from_elsewhere_finds_their_patient(people):
    Study.objects.create(
        study_instance_uid="1.2.826.0.1.77",
        state=StudyState.FILED,
        patient=people["Silva"],
        received_accession_number="EXT-778",
        last_received_at=timezone.now(),
    )
    user = make_user(Role.RECEPTIONIST)

    found = [search_patients(text, user) for text in ("ext-778", "1.2.826.0.1.77")]

    assert [[hit.patient for hit in hits] for hits in found] == [[people["Silva"]], [people["Silva"]]]


def test_the_number_of_hits_is_limited(db):
    for _ in range(4):
        make_patient(family_name="Silva")

    assert len(search_patients("silva", make_user(), limit=3)) == 3


def test_recent_patients_are_those_this_person_had_last(people):
    user, other = make_user(Role.RECEPTIONIST), make_user(Role.RECEPTIONIST)
    for family_name in ("Silva", "Yamada", "Silva", "Иванова"):
        record(by=user, action="patient.viewed", patient=people[family_name])
    record(by=other, action="patient.viewed", patient=people["Müller-Lüdenscheidt"])

    assert [patient.family_name for patient in recent_patients(user)] == ["Иванова", "Silva", "Yamada"]


def test_a_new_colleague_sees_whom_the_clinic_registered_last(people):
    assert [patient.mrn for patient in recent_patients(make_user(), limit=2)] == ["OLD-7", "CVC-0420"]
