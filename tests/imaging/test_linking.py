"""Whose images: each guard case, and that nothing is ever filed silently with somebody it does not name."""

import datetime as dt

import pytest
from django.utils import timezone

from audit.models import Entry
from imaging.ingest import ingest_spool
from imaging.models import Instance, Quarantined, Study
from scheduling.days import clinic_today
from scheduling.models import Order
from tests.factories import make_order, make_patient, make_procedure

from .sender import identity_for, identity_of, receive, send, slices

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    patient = make_patient(mrn="A-1", family_name="Ahmed", given_name="Sara", sex="F")
    return make_order(patient, status="scheduled", procedure=make_procedure(modality="CT"))


def today(**changes: str) -> dict[str, str]:
    return {"study_date": f"{clinic_today():%Y%m%d}", **changes}


def assert_held(study: Study, reason: str, differences: dict | None = None) -> None:
    assert (study.state, study.order, study.patient) == ("held", None, None)
    assert study.held_reason == reason
    assert study.differences == (differences or {})
    assert Entry.objects.filter(action="study.held", subject_id=str(study.pk)).count() == 1


# --- what links ---------------------------------------------------------------------------------------


def test_the_study_uid_of_an_order_links(order):
    study = receive(*slices(identity_for(order, accession_number=""), 1))

    assert (study.state, study.order, study.patient) == ("linked", order, order.patient)


def test_the_accession_number_links_when_the_machine_made_its_own_uid(order):
    identity = identity_for(
        order, study_instance_uid="1.2.3.4", accession_number=order.accession_number.lower()
    )

    study = receive(*slices(identity, 1))

    assert (study.state, study.order) == ("linked", order)


def test_patient_modality_and_day_link_when_the_machine_knows_no_order(order):
    study = receive(*slices(identity_of(order.patient, **today()), 1))

    assert (study.state, study.order) == ("linked", order)


@pytest.mark.parametrize(("booked", "sent"), [("DX", "CR"), ("CR", "DX")])
def test_an_x_ray_may_come_as_either_modality(booked, sent):
    order = make_order(status="scheduled", procedure=make_procedure(modality=booked))

    study = receive(*slices(identity_of(order.patient, **today()), 1, Modality=sent))

    assert study.order == order


@pytest.mark.parametrize(
    ("changes", "modality"),
    [({"study_date": "20200101"}, "CT"), ({}, "US")],
)
def test_images_of_another_day_or_modality_are_filed_without_an_order(order, changes, modality):
    identity = identity_of(order.patient, **today(**changes))

    study = receive(*slices(identity, 1, Modality=modality))

    assert (study.state, study.order, study.patient) == ("filed", None, order.patient)


def test_an_order_of_today_that_is_not_booked_fits_too():
    order = make_order(procedure=make_procedure(modality="CT"))

    study = receive(*slices(identity_of(order.patient, **today()), 1))

    assert study.order == order


def test_two_orders_that_fit_are_for_a_person_to_choose(order):
    make_order(order.patient, status="scheduled", procedure=make_procedure(modality="CT"))

    study = receive(*slices(identity_of(order.patient, **today()), 1))

    assert_held(study, "More than one order of this patient fits: say which.")


def test_an_order_with_images_does_not_take_those_of_another_study(order):
    receive(*slices(identity_for(order), 1))

    other = receive(*slices(identity_of(order.patient, **today()), 1))

    assert (other.state, other.order) == ("filed", None)


# --- what is held -------------------------------------------------------------------------------------


def test_the_study_uid_of_one_order_with_the_patient_of_another(order):
    other = make_patient(mrn="B-2", family_name="Berg", given_name="Tor", sex="M")

    study = receive(*slices(identity_of(other, study_instance_uid=order.study_instance_uid), 1))

    assert_held(
        study,
        f"The images name another patient than order {order.accession_number}.",
        {
            "patient_id": ["B-2", "A-1"],
            "patient_name": ["Berg^Tor", "Ahmed^Sara"],
            "sex": ["M", "F"],
        },
    )
    assert study.candidate_order == order


def test_the_accession_number_of_one_order_with_the_patient_of_another(order):
    other = make_patient(mrn="B-2", family_name="Berg", given_name="Tor", sex="M")

    study = receive(*slices(identity_of(other, accession_number=order.accession_number), 1))

    assert study.state == "held"
    assert study.candidate_order == order


@pytest.mark.parametrize(
    ("changes", "field", "values"),
    [
        ({"patient_id": ""}, "patient_id", ["", "A-1"]),
        ({"patient_id": "A-11"}, "patient_id", ["A-11", "A-1"]),
        ({"birth_date": "19800518"}, "birth_date", ["19800518", "19800517"]),
        ({"sex": "M"}, "sex", ["M", "F"]),
        ({"patient_name": "Ahmed^Lina"}, "patient_name", ["Ahmed^Lina", "Ahmed^Sara"]),
    ],
)
def test_one_difference_is_enough_to_hold(order, changes, field, values):
    study = receive(*slices(identity_for(order, **changes), 1))

    assert_held(
        study, f"The images name another patient than order {order.accession_number}.", {field: values}
    )


def test_two_issuers_of_the_same_number_are_two_patients(order):
    study = receive(*slices(identity_for(order), 1, IssuerOfPatientID="Valley Hospital"))

    assert study.state == "held"
    assert study.differences["issuer"] == ["Valley Hospital", "My clinic"]


@pytest.mark.parametrize("changes", [{"birth_date": ""}, {"sex": ""}, {"patient_name": "SARA AHMED"}])
def test_what_the_images_leave_out_or_write_otherwise_does_not_hold_them(order, changes):
    study = receive(*slices(identity_for(order, **changes), 1))

    assert (study.state, study.order) == ("linked", order)


def test_a_uid_and_an_accession_number_of_two_orders(order):
    other = make_order(order.patient, status="scheduled")

    study = receive(*slices(identity_for(order, accession_number=other.accession_number), 1))

    assert study.state == "held"
    assert study.held_reason == (
        f"The Study UID belongs to order {order.accession_number}, "
        f"the accession number to order {other.accession_number}."
    )


def test_nobody_has_the_number():
    study = receive(*slices(identity_of(make_patient(), patient_id="UNKNOWN-1"), 1))

    assert_held(study, "No patient has the number UNKNOWN-1.")


def test_no_number_at_all():
    study = receive(*slices(identity_of(make_patient(), patient_id=""), 1))

    assert_held(study, "The images carry no patient number.")


def test_a_known_number_with_another_birth_date(order):
    study = receive(*slices(identity_of(order.patient, birth_date="19990101", **today()), 1))

    assert_held(
        study,
        "The number is that of patient A-1, but more differs.",
        {"birth_date": ["19990101", "19800517"]},
    )


def test_images_for_a_cancelled_order():
    order = make_order(status="cancelled")

    study = receive(*slices(identity_for(order), 1))

    assert_held(study, f"Order {order.accession_number} is cancelled.")
    assert study.candidate_order == order


def test_a_second_study_under_the_same_accession_number_is_the_orders_too(order):
    first = receive(*slices(identity_for(order), 1))

    second = receive(*slices(identity_for(order, study_instance_uid="1.2.3"), 1))

    assert (second.state, second.order, second.patient) == ("linked", order, order.patient)
    assert set(order.studies.all()) == {first, second}


@pytest.mark.parametrize(
    "changes", [{"birth_date": "19010101"}, {"patient_name": "Other^Name"}, {"sex": "M"}]
)
def test_a_second_study_that_does_not_agree_fully_is_held(order, changes):
    receive(*slices(identity_for(order), 1))

    second = receive(*slices(identity_for(order, study_instance_uid="1.2.3", **changes), 1))

    assert (second.state, second.candidate_order) == ("held", order)


# --- later objects ------------------------------------------------------------------------------------


def test_a_later_object_naming_another_patient_is_set_aside_and_the_study_stays(order):
    other = make_patient(mrn="B-2", family_name="Berg", given_name="Tor", sex="M")
    made = slices(identity_for(order), 2)
    study = receive(made[0])
    made[1].PatientID, made[1].PatientName, made[1].PatientSex = "B-2", "Berg^Tor", "M"

    study = receive(made[1])

    item = Quarantined.objects.get()
    assert (study.state, study.order, study.instance_count) == ("linked", order, 1)
    assert item.study == study
    assert item.reason == (
        "It names Berg, Tor (B-2), but the other images of its study name Ahmed, Sara (A-1)."
    )
    assert other.studies.count() == 0


def test_two_patients_in_one_batch_are_parted_too(order):
    made = slices(identity_for(order), 3)
    made[1].PatientBirthDate = "19990101"

    study = receive(*made)

    assert (study.state, study.instance_count, Quarantined.objects.count()) == ("linked", 2, 1)


def test_a_held_study_takes_its_own_later_objects_and_no_others(order):
    other = make_patient(mrn="B-2", family_name="Berg", given_name="Tor", sex="M")
    made = slices(identity_of(other, study_instance_uid=order.study_instance_uid), 3)
    receive(made[0])
    made[2].PatientID, made[2].PatientName, made[2].PatientSex = "A-1", "Ahmed^Sara", "F"

    study = receive(made[1], made[2])

    assert (study.state, study.instance_count, Quarantined.objects.count()) == ("held", 2, 1)


def test_an_object_that_differs_only_in_writing_joins(order):
    made = slices(identity_for(order), 2)
    receive(made[0])
    made[1].PatientName, made[1].PatientSex = "AHMED^SARA^^", ""

    study = receive(made[1])

    assert (study.instance_count, Quarantined.objects.count()) == (2, 0)


# --- all together -------------------------------------------------------------------------------------


def test_of_many_wrong_studies_none_is_filed_silently():
    """Each order's Study UID with each other patient, with a wrong birth date, without a number."""
    patients = [
        make_patient(
            mrn=f"P-{number}",
            family_name=f"Family{chr(97 + number)}",
            birth_date=dt.date(1970 + number, 1, 2),
            sex="FM"[number % 2],
        )
        for number in range(4)
    ]
    orders = [make_order(patient, status="scheduled") for patient in patients]
    wrong = [
        identity_of(patient, study_instance_uid=order.study_instance_uid)
        for order in orders
        for patient in patients
        if patient != order.patient
    ]
    wrong += [identity_for(order, birth_date="19010101") for order in orders]
    wrong += [identity_for(order, patient_id="") for order in orders]

    for identity in wrong:
        send(*slices(identity, 1))
        ingest_spool()

    assert Study.objects.exclude(state="held").count() == 0
    assert Order.objects.filter(studies__isnull=False).count() == 0
    assert Instance.objects.count() + Quarantined.objects.count() == len(wrong)


def test_arrival_counts_for_the_day_when_the_images_have_no_date(order):
    made = slices(identity_of(order.patient), 1)
    made[0].StudyDate = ""

    study = receive(*made)

    assert study.order == order
    assert study.performed_at is None
    assert abs(study.last_received_at - timezone.now()) < dt.timedelta(minutes=5)
