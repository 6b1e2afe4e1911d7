"""Taking back what was decided about held images, through real ingest."""

import datetime as dt

import pytest
from django.utils import timezone

from audit.models import Entry
from clinic.errors import Conflict
from imaging.completeness import mark_stable_studies
from imaging.decisions import (
    discard_study,
    file_as_unknown,
    file_with_new_order,
    file_with_new_patient,
    resolve_held_study,
)
from imaging.held import held_studies, recent_decisions
from imaging.models import Study, StudyDecision
from imaging.undoing import undo_decision
from patients.models import Patient
from scheduling.models import Order
from scheduling.services import claim_order, mark_reported
from tests.factories import make_everyone, make_order, make_patient, make_procedure

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


def new_person(**changes):
    return {"family_name": "Novak", "given_name": "Jan", "sex": "M", "birth_date": None} | changes


def decide(kind: str, held: Study, order: Order, other: Patient) -> Study:
    by, procedure = make_everyone(), make_procedure(modality="CT")
    decisions = {
        "this order": lambda: resolve_held_study(held, by=by, order=order, reason="Typed wrong"),
        "another order": lambda: resolve_held_study(
            held, by=by, order=make_order(other, status="scheduled"), reason=""
        ),
        "the patient": lambda: resolve_held_study(held, by=by, patient=other),
        "a new order": lambda: file_with_new_order(held, by=by, patient=other, procedure=procedure),
        "a new patient": lambda: file_with_new_patient(held, by=by, procedure=procedure, **new_person()),
        "unknown": lambda: file_as_unknown(held, by=by, procedure=procedure),
        "discarded": lambda: discard_study(held, by=by, reason="Test"),
    }
    return decisions[kind]()


KINDS = ["this order", "another order", "the patient", "a new order", "a new patient", "unknown", "discarded"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_complete", [False, True])
def test_every_decision_can_be_taken_back(kind, is_complete, held, order, other, objects, by):
    before = {name: getattr(held, name) for name in ("state", "order_id", "patient_id", "differences")}
    study = decide(kind, held, order, other)
    decided = study.order
    if is_complete:
        let_pass(study)

    study = undo_decision(last_decision(), by=by)

    study.refresh_from_db()
    assert {name: getattr(study, name) for name in before} == before
    assert waiting() == [study]
    assert receive(objects[1]).state == "held"
    assert Entry.objects.filter(action="study.undone", subject_id=str(study.pk)).count() == 1
    if decided is not None:
        decided.refresh_from_db()
        made = kind in ("a new order", "a new patient", "unknown")
        assert decided.status == ("cancelled" if made else "scheduled")


def test_what_was_acquired_without_these_images_stays_so(held, other, by):
    target = make_order(other, status="acquired")
    resolve_held_study(held, by=by, order=target)

    undo_decision(last_decision(), by=by)

    target.refresh_from_db()
    assert target.status == "acquired"


def test_an_order_keeps_what_its_other_study_made_of_it(held, other, by):
    target = make_order(other, status="scheduled")
    receive(*slices(identity_for(target), 1))
    study = resolve_held_study(held, by=by, order=target)
    Study.objects.update(last_received_at=timezone.now() - dt.timedelta(minutes=2))
    mark_stable_studies()

    undo_decision(StudyDecision.objects.get(study=study), by=by)

    target.refresh_from_db()
    assert target.status == "acquired"


def test_nothing_is_taken_back_once_a_report_is_signed(held, order, by):
    study = resolve_held_study(held, by=by, order=order, reason="Typed wrong")
    let_pass(study)
    order.refresh_from_db()
    claim_order(order, by=by)
    mark_reported(order, by=by)

    with pytest.raises(Conflict, match=f"report of order {order.accession_number} was signed"):
        undo_decision(last_decision(), by=by)

    study.refresh_from_db()
    assert (study.state, study.order) == ("linked", order)


def test_the_last_decision_is_taken_back_first(held, other, by):
    study = file_as_unknown(held, by=by, procedure=make_procedure(modality="CT"))
    first = last_decision()
    resolve_held_study(study, by=by, patient=other)

    with pytest.raises(Conflict, match="More was decided"):
        undo_decision(first, by=by)

    undo_decision(last_decision(), by=by)
    study = undo_decision(first, by=by)
    assert study.state == "held"


def test_taking_back_whose_they_are_leads_to_the_placeholder(held, other, by):
    study = file_as_unknown(held, by=by, procedure=make_procedure(modality="CT"))
    placeholder, made = study.patient, study.order
    resolve_held_study(study, by=by, patient=other)

    study = undo_decision(last_decision(), by=by)

    made.refresh_from_db()
    assert (study.state, study.patient, study.order, made.patient) == (
        "unknown",
        placeholder,
        made,
        placeholder,
    )


def test_taking_back_another_order_gives_the_placeholder_a_new_one(held, other, by):
    study = file_as_unknown(held, by=by, procedure=make_procedure(modality="CT"))
    placeholder, withdrawn = study.patient, study.order
    resolve_held_study(study, by=by, order=make_order(other, status="scheduled"))

    study = undo_decision(last_decision(), by=by)

    assert (study.state, study.patient) == ("unknown", placeholder)
    assert study.order != withdrawn
    assert (study.order.patient, study.order.procedure) == (placeholder, withdrawn.procedure)


def test_it_is_taken_back_once(held, by):
    discard_study(held, by=by, reason="Test")
    undo_decision(last_decision(), by=by)

    with pytest.raises(Conflict, match="taken back already"):
        undo_decision(last_decision(), by=by)


def test_the_list_of_decisions_knows_which_can_be_taken_back(held, other, by):
    study = file_as_unknown(held, by=by, procedure=make_procedure(modality="CT"))
    resolve_held_study(study, by=by, patient=other)

    decisions = list(recent_decisions(by, timezone.now()))

    assert [(one.kind, one.has_later) for one in decisions] == [("patient", False), ("unknown", True)]


def test_lists_of_orders_know_how_many_images_there_are(held, objects, order, by):
    def count() -> int:
        order.refresh_from_db()
        return order.image_count

    counts = [count()]
    resolve_held_study(held, by=by, order=order, reason="Name typed wrong")
    counts.append(count())
    receive(*objects[1:])
    counts.append(count())
    receive(*slices(identity_for(order, study_instance_uid="1.2.3"), 2))
    counts.append(count())
    undo_decision(last_decision(), by=by)

    assert [*counts, count()] == [0, 1, 3, 5, 2]
