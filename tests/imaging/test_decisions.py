"""What a person decides about held images; later objects follow, through real ingest."""

import datetime as dt

import pytest
from django.utils import timezone

from audit.models import Entry
from clinic.errors import Conflict, DomainError, InvalidInput, NotAllowed
from imaging.completeness import mark_stable_studies
from imaging.decisions import (
    discard_study,
    file_as_unknown,
    file_with_new_order,
    file_with_new_patient,
    resolve_held_study,
)
from imaging.held import held_studies
from imaging.models import Instance, Quarantined, Study, StudyDecision
from patients.merging import merge_patients
from patients.services import SurelyHere
from scheduling.models import Order
from scheduling.services import claim_order, hand_back_order, mark_reported
from tests.factories import make_everyone, make_order, make_patient, make_procedure, make_user

from .sender import identity_for, identity_of, receive, slices

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


@pytest.fixture
def by():
    return make_everyone()


def let_pass(study: Study, seconds: int = 60) -> None:
    Study.objects.filter(pk=study.pk).update(last_received_at=timezone.now() - dt.timedelta(seconds=seconds))
    mark_stable_studies()
    if study.order is not None:
        study.order.refresh_from_db()


def last_decision() -> StudyDecision:
    return StudyDecision.objects.latest("pk")


def waiting() -> list[Study]:
    return list(held_studies(make_everyone()))


# --- this order, another order, a patient -------------------------------------------------------------


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
    assert entry.changes["order"] == [None, order.accession_number]


@pytest.mark.parametrize(("reason", "words"), [("   ", "name somebody else"), ("x" * 301, "Shorten it")])
def test_against_a_difference_a_reason_is_needed(held, order, by, reason, words):
    with pytest.raises(InvalidInput, match=words):
        resolve_held_study(held, by=by, order=order, reason=reason)

    held.refresh_from_db()
    assert held.state == "held"


def test_another_order_that_agrees_needs_no_reason(held, other, by):
    right = make_order(other, status="scheduled")

    study = resolve_held_study(held, by=by, order=right)

    assert (study.state, study.order, study.differences) == ("linked", right, {})


def test_the_patient_alone(held, other, by):
    study = resolve_held_study(held, by=by, patient=other)

    assert (study.state, study.order, study.patient) == ("filed", None, other)


def test_a_cancelled_order_refuses(held, other, by):
    target = make_order(other, status="cancelled")

    with pytest.raises(Conflict, match=target.accession_number):
        resolve_held_study(held, by=by, order=target)

    held.refresh_from_db()
    assert held.state == "held"


def test_an_order_with_images_takes_them_as_a_further_study(held, other, by):
    target = make_order(other, status="scheduled")
    first = receive(*slices(identity_for(target), 1))

    study = resolve_held_study(held, by=by, order=target)

    assert set(target.studies.all()) == {first, study}


def test_it_is_decided_once(held, other, by):
    resolve_held_study(held, by=by, patient=other)

    with pytest.raises(Conflict, match="decided already"):
        resolve_held_study(held, by=by, patient=other)


def test_later_objects_follow_the_decision(held, order, objects, by):
    resolve_held_study(held, by=by, order=order, reason="Typed wrong")

    study = receive(objects[1])

    assert (study.state, study.order, study.instance_count) == ("linked", order, 2)
    assert Quarantined.objects.count() == 0


def test_so_do_objects_that_now_name_the_right_patient(held, order, objects, by):
    resolve_held_study(held, by=by, order=order, reason="Typed wrong")
    objects[1].PatientID, objects[1].PatientName, objects[1].PatientSex = "A-1", "Ahmed^Sara", "F"
    objects[2].PatientID = "C-3"

    study = receive(objects[1], objects[2])

    assert (study.instance_count, Quarantined.objects.count()) == (2, 1)


def test_an_order_gets_its_images_acquired_though_they_were_quiet_while_held(held, order, by):
    let_pass(held)
    resolve_held_study(held, by=by, order=order, reason="Typed wrong")

    mark_stable_studies()

    order.refresh_from_db()
    assert order.status == "acquired"


# --- a new order, a new patient -----------------------------------------------------------------------


def test_a_new_order_is_placed_and_acquired_when_the_images_are_complete(held, other, by):
    procedure = make_procedure(modality="CT")

    study = file_with_new_order(held, by=by, patient=other, procedure=procedure)
    let_pass(study)

    made = Order.objects.get(patient=other)
    assert (study.order, study.patient, study.state) == (made, other, "linked")
    assert (made.procedure, made.ordered_by, made.status) == (procedure, by, "acquired")
    assert made.indication == "Images came from CT1 without an order"


def test_a_new_order_for_somebody_else_needs_the_reason_too(held, order, by):
    with pytest.raises(InvalidInput, match="name somebody else"):
        file_with_new_order(held, by=by, patient=order.patient, procedure=make_procedure(modality="CT"))

    assert Order.objects.count() == 1


def new_person(**changes):
    return {"family_name": "Novak", "given_name": "Jan", "sex": "M", "birth_date": None} | changes


def test_a_new_patient_is_registered_with_the_images_and_an_order(by):
    identity = identity_of(make_patient(), patient_id="X-9", patient_name="Novak^Jan", sex="M")
    study = receive(*slices(identity, 1, IssuerOfPatientID="Hospital"))

    study = file_with_new_patient(study, by=by, procedure=make_procedure(modality="CT"), **new_person())

    assert (study.state, study.patient.family_name, study.order.patient) == (
        "linked",
        "Novak",
        study.patient,
    )
    assert [str(number) for number in study.patient.identifiers.all()] == ["X-9 (Hospital)"]
    assert last_decision().made_order
    assert Entry.objects.filter(action="patient.registered", patient_id=study.patient_id).count() == 1


def test_a_new_patient_without_an_order(held, by):
    study = file_with_new_patient(held, by=by, **new_person())

    assert (study.state, study.order) == ("filed", None)
    assert last_decision().reason == "Registered from these images"


def test_who_is_surely_here_is_not_registered_again(held, other, by):
    with pytest.raises(SurelyHere):
        file_with_new_patient(
            held, by=by, family_name="Berg", given_name="Tor", sex="M", birth_date=other.birth_date
        )

    held.refresh_from_db()
    assert held.state == "held"


def test_registering_needs_its_permission(held):
    with pytest.raises(NotAllowed, match="registering patients"):
        file_with_new_patient(held, by=make_user("radiologist"), **new_person())


# --- unknown for now ----------------------------------------------------------------------------------


def test_unknown_images_can_be_read_and_stay_on_the_list(held, by):
    study = file_as_unknown(held, by=make_user("radiologist"), procedure=make_procedure(modality="CT"))
    let_pass(study)

    study.order.refresh_from_db()
    assert (study.state, study.patient.family_name) == ("unknown", "Unknown")
    assert study.patient.alerts.startswith("Not identified yet")
    assert (study.order.status, study.order.priority) == ("acquired", "stat")
    assert waiting() == [study]


def test_later_objects_of_an_unknown_study_follow(held, objects, by):
    file_as_unknown(held, by=by, procedure=make_procedure(modality="CT"))

    study = receive(*objects[1:])

    assert (study.state, study.instance_count, Quarantined.objects.count()) == ("unknown", 3, 0)


def test_when_the_patient_is_known_images_order_and_report_move(held, other, by):
    study = file_as_unknown(held, by=by, procedure=make_procedure(modality="CT"))
    let_pass(study)
    placeholder, made = study.patient, study.order
    claim_order(made, by=by)
    mark_reported(made, by=by)

    study = resolve_held_study(study, by=by, patient=other)

    made.refresh_from_db()
    assert (study.state, study.patient, study.order) == ("linked", other, made)
    assert (made.patient, made.status) == (other, "reported")
    assert waiting() == []
    assert Entry.objects.get(action="order.reassigned").changes["patient"] == [str(placeholder), str(other)]


def test_another_order_takes_the_place_of_the_placeholders(held, other, by):
    study = file_as_unknown(held, by=by, procedure=make_procedure(modality="CT"))
    placeholders, right = study.order, make_order(other, status="scheduled")

    study = resolve_held_study(study, by=by, order=right)

    placeholders.refresh_from_db()
    assert (study.order, study.state, placeholders.status) == (right, "linked", "cancelled")


def test_a_begun_report_of_the_placeholder_is_not_lost(held, other, by):
    study = file_as_unknown(held, by=by, procedure=make_procedure(modality="CT"))
    let_pass(study)
    placeholders, right = study.order, make_order(other, status="scheduled")
    hand_back_order(claim_order(placeholders, by=by), by=by)

    resolve_held_study(study, by=by, order=right)

    placeholders.refresh_from_db()
    assert placeholders.status == "scheduled"


def test_a_signed_report_of_the_placeholder_keeps_its_images(held, other, by):
    study = file_as_unknown(held, by=by, procedure=make_procedure(modality="CT"))
    let_pass(study)
    claim_order(study.order, by=by)
    mark_reported(study.order, by=by)

    with pytest.raises(Conflict, match="order and its report go along"):
        resolve_held_study(study, by=by, order=make_order(other, status="scheduled"))
    with pytest.raises(Conflict, match="order and its report go along"):
        discard_study(study, by=by, reason="Test")


# --- discard ------------------------------------------------------------------------------------------


def test_discarded_images_are_served_to_nobody_and_kept(held, by):
    study = discard_study(held, by=by, reason="Phantom")

    instance = Instance.objects.get()
    assert (study.state, waiting()) == ("discarded", [])
    assert not Study.objects.visible_to(by).filter(pk=study.pk).exists()
    assert instance.path.exists()
    assert Entry.objects.get(action="study.discarded").reason == "Phantom"


def test_later_objects_of_a_discarded_study_follow(held, objects, by):
    discard_study(held, by=by, reason="Phantom")

    study = receive(*objects[1:])

    assert (study.state, study.instance_count, Quarantined.objects.count()) == ("discarded", 3, 0)


def test_discarding_needs_a_reason(held, by):
    with pytest.raises(InvalidInput, match="Say why"):
        discard_study(held, by=by, reason=" ")


def test_a_placeholder_is_not_merged_but_decided_upon(held, other, by):
    study = file_as_unknown(held, by=by, procedure=make_procedure(modality="CT"))

    with pytest.raises(DomainError, match="say there whose they are"):
        merge_patients(
            other,
            study.patient,
            by=by,
            choices={},
            versions=(other.version, study.patient.version),
            reason="Same person",
        )
