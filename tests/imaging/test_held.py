"""Where a held study could go: what is suggested first, what a number or a name finds."""

import pytest

from clinic.errors import NotFound
from imaging.held import (
    default_target,
    find_target,
    find_targets,
    held_studies,
    likely_procedure,
    suggested_orders,
)
from tests.factories import make_everyone, make_order, make_patient, make_procedure

from .sender import identity_of, receive, slices

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    patient = make_patient(mrn="A-1", family_name="Ahmed", given_name="Sara")
    return make_order(patient, status="scheduled")


@pytest.fixture
def other():
    return make_patient(mrn="B-2", family_name="Berg", given_name="Tor", sex="M")


@pytest.fixture
def objects(order, other):
    """Three slices under the order's Study UID that name the other patient."""
    return slices(identity_of(other, study_instance_uid=order.study_instance_uid), 3)


@pytest.fixture
def held(objects):
    return receive(objects[0])


def test_the_first_suggestion_is_where_the_images_point(held, order):
    (study,) = held_studies(make_everyone())

    target = default_target(study)

    assert target.order == order
    assert set(target.differences) == {"patient_id", "patient_name", "sex"}


def test_without_an_order_the_number_suggests_the_patient(other):
    receive(*slices(identity_of(other, birth_date="19010101"), 1))
    (study,) = held_studies(make_everyone())

    target = default_target(study)

    assert target.patient == other
    assert set(target.differences) == {"birth_date"}


def test_a_number_finds_an_order_or_a_patient(held, order, other):
    assert find_target(held, f" {order.accession_number.lower()} ").order == order
    assert find_target(held, "b2").patient == other
    assert find_target(held, "b2").differences == {}
    with pytest.raises(NotFound, match="neither an accession number nor a patient number"):
        find_target(held, "nothing")
    with pytest.raises(NotFound):
        find_target(held, "--")


def test_a_name_finds_patients_with_their_open_orders(held, other):
    right = make_order(other, status="scheduled")
    make_order(other, status="cancelled")

    found = find_targets(held, "berg tor", make_everyone())

    assert [(target.patient, target.order) for target in found] == [(other, right), (other, None)]


def test_an_accession_number_finds_its_order_alone(held, order):
    (target,) = find_targets(held, order.accession_number, make_everyone())

    assert (target.order, set(target.differences)) == (order, {"patient_id", "patient_name", "sex"})


def test_orders_of_the_patient_are_suggested_before_those_of_the_day(held, order, other):
    of_today = make_order(status="scheduled", procedure=make_procedure(modality="CT"))
    of_patient = make_order(other, status="ordered", procedure=make_procedure(modality="CT"))
    make_order(status="scheduled", procedure=make_procedure(modality="US"))

    assert suggested_orders(held, [other]) == [of_patient]
    held.performed_at = None
    assert suggested_orders(held, [other]) == [of_patient, of_today]


def test_the_likely_examination_is_of_the_modality_and_the_body_part(held):
    make_procedure(modality="CT", body_part="HEAD")
    chest = make_procedure(modality="CT", body_part="CHEST")
    held.series.update(body_part="chest")

    assert likely_procedure(held) == chest
