"""What is asked before an examination, and that it does not start before."""

import datetime as dt

import pytest
from django.utils import timezone

from audit.models import Entry
from clinic.errors import Conflict, InvalidInput, NotAllowed
from scheduling import services
from scheduling.models import Appointment, SafetyAnswer, SafetyQuestion
from scheduling.safety import obstacles_of
from scheduling.services import GivenAnswer
from tests.factories import (
    book,
    make_appointment,
    make_everyone,
    make_order,
    make_patient,
    make_procedure,
    make_user,
)
from tests.scheduling.pages import HTMX, sign_in, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def pacemaker() -> SafetyQuestion:
    return SafetyQuestion.objects.create(text="Do you have a pacemaker?", is_critical=True, position=1)


@pytest.fixture
def visit(pacemaker: SafetyQuestion) -> Appointment:
    """A patient in the MR room who was asked nothing yet."""
    procedure = make_procedure(name="MR knee", safety_questions=[pacemaker.text, "Are you allergic?"])
    return make_appointment(make_order(procedure=procedure), status="in_room")


def answer(visit: Appointment, *, by=None, **answers: str) -> None:
    """``pacemaker="yes"``; ``because`` is why it may be done nevertheless."""
    because = answers.pop("because", "")
    words = {"pacemaker": "Do you have a pacemaker?", "allergic": "Are you allergic?"}
    given = [
        GivenAnswer(SafetyQuestion.objects.get(text=words[name]).pk, value, accepted_reason=because)
        for name, value in answers.items()
    ]
    services.answer_safety_questions(visit.orders.get(), by=by or make_everyone(), answers=given)


def test_an_examination_does_not_start_before_its_questions_are_answered(visit):
    with pytest.raises(Conflict) as refusal:
        services.start_examination(visit, by=make_user("technician"))

    assert refusal.value.message == (
        "Not started. “MR knee”: not answered yet: Do you have a pacemaker? Are you allergic?"
    )
    assert Appointment.objects.get(pk=visit.pk).status == "in_room"


def test_nor_is_it_ready_for_review_from_the_room(visit):
    with pytest.raises(Conflict, match="not answered yet"):
        services.finish_examination(visit, by=make_user("technician"))


def test_answered_questions_let_it_start_and_stay_with_who_and_when(visit):
    technician = make_user("technician")
    answer(visit, by=technician, pacemaker="no", allergic="yes")

    services.start_examination(visit, by=technician)

    assert Appointment.objects.get(pk=visit.pk).status == "in_scan"
    assert [(each.question, each.answer, each.answered_by) for each in SafetyAnswer.objects.all()] == [
        ("Do you have a pacemaker?", "no", technician),
        ("Are you allergic?", "yes", technician),
    ]
    assert Entry.objects.get(action="safety.answered").changes == {
        "Do you have a pacemaker?": [None, "No"],
        "Are you allergic?": [None, "Yes"],
    }


@pytest.mark.parametrize("said", ["yes", "unknown"])
def test_a_critical_answer_needs_somebody_who_says_why(visit, said):
    answer(visit, pacemaker=said, allergic="no")

    with pytest.raises(Conflict, match="Say why it may be done nevertheless"):
        services.start_examination(visit, by=make_everyone())
    answer(visit, pacemaker=said, because="MR conditional, card seen")
    services.start_examination(visit, by=make_everyone())

    given = SafetyAnswer.objects.get(question="Do you have a pacemaker?")
    assert (given.accepted_reason, given.accepted_by) == ("MR conditional, card seen", make_everyone())


def test_an_emergency_starts_without_answers_and_says_why(visit):
    services.start_examination(visit, by=make_everyone(), emergency_reason="Unconscious, bleeding")

    entry = Entry.objects.get(action="safety.overridden")
    assert Appointment.objects.get(pk=visit.pk).emergency_reason == "Unconscious, bleeding"
    assert (entry.reason, entry.changes["obstacles"][1]) == (
        "Unconscious, bleeding",
        "“MR knee”: not answered yet: Do you have a pacemaker? Are you allergic?",
    )


def test_images_are_not_held_up_by_questions(visit):
    services.note_images_arrived(visit.orders.get(), by=make_everyone())

    assert Appointment.objects.get(pk=visit.pk).status == "in_scan"


def test_a_correction_keeps_both_in_the_trail(visit):
    answer(visit, pacemaker="no", allergic="no")

    answer(visit, allergic="yes")

    assert SafetyAnswer.objects.get(question="Are you allergic?").answer == "yes"
    assert Entry.objects.filter(action="safety.answered").latest("pk").changes == {
        "Are you allergic?": ["No", "Yes"]
    }


def test_the_same_answer_again_changes_nothing(visit):
    answer(visit, pacemaker="no", allergic="no")

    answer(visit, pacemaker="no", allergic="no")

    assert Entry.objects.filter(action="safety.answered").count() == 1


def test_another_visit_is_asked_again(visit):
    order = visit.orders.get()
    answer(visit, pacemaker="no", allergic="no")
    services.unschedule_order(order, by=make_everyone(), reason="Felt unwell")

    again = book(order)

    assert len(obstacles_of(again)) == 1


def test_a_repeat_in_the_same_visit_is_not_asked_again(visit):
    answer(visit, pacemaker="no", allergic="no")
    services.start_examination(visit, by=make_everyone())
    services.finish_examination(visit, by=make_everyone())
    services.request_repeat(visit.orders.get(), by=make_everyone(), reason="", reason_code="motion")

    visit.refresh_from_db()
    services.start_examination(visit, by=make_everyone())

    assert Appointment.objects.get(pk=visit.pk).status == "in_scan"


@pytest.mark.parametrize(
    ("person", "asked"),
    [
        ({"sex": "F", "birth_date": dt.date(1990, 1, 1)}, True),
        ({"sex": "F", "birth_date": None, "birth_precision": "day"}, True),
        ({"sex": "U", "birth_date": dt.date(1990, 1, 1)}, True),
        ({"sex": "M", "birth_date": dt.date(1990, 1, 1)}, False),
        ({"sex": "F", "birth_date": dt.date(1930, 1, 1)}, False),
        ({"sex": "F", "birth_date": timezone.localdate() - dt.timedelta(days=9 * 365)}, False),
    ],
)
def test_only_who_may_be_pregnant_is_asked_for_it(person, asked):
    SafetyQuestion.objects.create(text="Pregnant?", is_critical=True, asked_of="may_be_pregnant")
    procedure = make_procedure(safety_questions=["Pregnant?"])
    visit = book(make_order(make_patient(**person), procedure=procedure))

    assert (obstacles_of(visit) != []) == asked


def test_a_question_that_is_gone_is_refused(visit, pacemaker):
    visit.orders.get().procedure.safety_questions.remove(pacemaker)

    with pytest.raises(Conflict, match=r"were changed\. Open the page again."):
        answer(visit, pacemaker="no")


def test_an_answer_that_is_none_is_refused(visit):
    with pytest.raises(InvalidInput, match="was read as “perhaps”; accepted are no, yes, unknown"):
        answer(visit, pacemaker="perhaps")


def test_only_the_room_asks(visit):
    with pytest.raises(NotAllowed):
        answer(visit, by=make_user("receptionist"), pacemaker="no")


@pytest.mark.parametrize("status", ["review", "completed", "cancelled", "no_show"])
def test_after_the_examination_nothing_is_answered(status):
    procedure = make_procedure(safety_questions=["Are you allergic?"])
    visit = make_appointment(make_order(procedure=procedure), status=status)

    with pytest.raises(Conflict):
        answer(visit, allergic="yes")


def test_the_page_asks_refuses_and_starts(visit, pacemaker):
    order = visit.orders.get()
    client = sign_in("technician")
    other = SafetyQuestion.objects.get(text="Are you allergic?")
    fields = {f"answer-{pacemaker.pk}": "yes", f"answer-{other.pk}": "no"}

    page = client.get(url("exam", visit.pk)).content.decode()
    refused = client.post(url("appointment_start", visit.pk), {"seen": "in_room"}, headers=HTMX)
    kept = client.post(url("order_safety", order.pk), fields, headers=HTMX)
    client.post(
        url("order_safety", order.pk), fields | {f"accepted-{pacemaker.pk}": "Card seen"}, headers=HTMX
    )
    client.post(url("appointment_start", visit.pk), {"seen": "in_room"}, headers=HTMX)

    assert "2 to be answered before the start" in page
    assert (refused.status_code, "not answered yet" in refused.content.decode()) == (409, True)
    assert "Do you have a pacemaker? Yes. Say why it may be done nevertheless." in kept.content.decode()
    assert Appointment.objects.get(pk=visit.pk).status == "in_scan"


def test_an_emergency_starts_from_the_page(visit):
    form = {"seen": "in_room", "emergency_reason": "Stroke"}

    sign_in("technician").post(url("appointment_start", visit.pk), form, headers=HTMX)

    text = sign_in("technician").get(url("exam", visit.pk)).content.decode()
    assert "Started as an emergency: Stroke" in " ".join(text.split())
    assert Appointment.objects.get(pk=visit.pk).status == "in_scan"
