import datetime as dt

import pytest
from django.utils import timezone

from audit.models import Entry
from clinic.errors import Conflict, InvalidInput, NotFound
from imaging.completeness import mark_stable_studies
from imaging.decisions import resolve_held_study
from imaging.held import default_target, find_target, held_studies
from imaging.models import Quarantined, Study
from tests.factories import make_everyone, make_order, make_patient, make_user

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


def test_the_order_it_points_at_takes_it_with_a_reason(held, order):
    by = make_user("technician")

    study = resolve_held_study(held, by=by, order=order, reason="Name typed wrong at the console")

    entry = Entry.objects.filter(action="study.resolved").get()
    assert (study.state, study.order, study.patient, study.resolved_by) == (
        "linked",
        order,
        order.patient,
        by,
    )
    assert study.received_patient_id == "B-2"
    assert (entry.actor_id, entry.patient_id) == (by.pk, order.patient_id)
    assert entry.reason == "Name typed wrong at the console"
    assert entry.changes["patient_id"] == ["B-2", "A-1"]
    assert entry.changes["state"] == ["held", "linked"]


def test_against_a_difference_a_reason_is_needed(held, order):
    with pytest.raises(InvalidInput, match="name somebody else"):
        resolve_held_study(held, by=make_everyone(), order=order, reason="   ")

    held.refresh_from_db()
    assert held.state == "held"


def test_another_order_that_agrees_needs_no_reason(held, other):
    right = make_order(other, status="scheduled")

    study = resolve_held_study(held, by=make_everyone(), order=right)

    assert (study.state, study.order, study.differences) == ("linked", right, {})


def test_the_patient_alone(held, other):
    study = resolve_held_study(held, by=make_everyone(), patient=other)

    assert (study.state, study.order, study.patient) == ("filed", None, other)


def test_a_cancelled_order_refuses(held, other):
    target = make_order(other, status="cancelled")

    with pytest.raises(Conflict, match=target.accession_number):
        resolve_held_study(held, by=make_everyone(), order=target)

    held.refresh_from_db()
    assert held.state == "held"


def test_it_is_decided_once(held, other):
    resolve_held_study(held, by=make_everyone(), patient=other)

    with pytest.raises(Conflict, match="decided already"):
        resolve_held_study(held, by=make_everyone(), patient=other)


def test_later_objects_follow_the_decision(held, order, objects):
    resolve_held_study(held, by=make_everyone(), order=order, reason="Typed wrong")

    study = receive(objects[1])

    assert (study.state, study.order, study.instance_count) == ("linked", order, 2)
    assert Quarantined.objects.count() == 0


def test_so_do_objects_that_now_name_the_right_patient(held, order, objects):
    resolve_held_study(held, by=make_everyone(), order=order, reason="Typed wrong")
    objects[1].PatientID, objects[1].PatientName, objects[1].PatientSex = "A-1", "Ahmed^Sara", "F"
    objects[2].PatientID = "C-3"

    study = receive(objects[1], objects[2])

    assert (study.instance_count, Quarantined.objects.count()) == (2, 1)


def test_an_order_gets_its_images_acquired_though_they_were_quiet_while_held(held, order):
    Study.objects.update(last_received_at=timezone.now() - dt.timedelta(minutes=5))
    mark_stable_studies()
    resolve_held_study(held, by=make_everyone(), order=order, reason="Typed wrong")

    mark_stable_studies()

    order.refresh_from_db()
    assert order.status == "acquired"


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


def test_lists_of_orders_know_how_many_images_there_are(held, objects, order):
    before = order.image_count

    resolve_held_study(held, by=make_user("technician"), order=order, reason="Name typed wrong")
    order.refresh_from_db()
    resolved = order.image_count
    receive(*objects[1:])

    order.refresh_from_db()
    assert (before, resolved, order.image_count) == (0, 1, 3)
