"""Before an examination: its safety questions are answered, and an unsigned order is signed.

Machines are not held up by this: when images arrive the patient is being examined, whatever was noted.
"""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.live import announce
from clinic.models import User
from clinic.permissions import Permission

from .days import clinic_today
from .models import Answer, Appointment, AskedOf, Order, SafetyAnswer, SafetyQuestion
from .moves import changed_already, lock_visit, required_reason
from .statuses import BEFORE_SCAN, AppointmentStatus, OrderStatus

NOTE_LENGTH = 300
FERTILE_YEARS = range(10, 56)
_TO_DO = {OrderStatus.ORDERED, OrderStatus.SCHEDULED}
_ANSWERABLE = {*BEFORE_SCAN, AppointmentStatus.IN_SCAN}


class NotSafeYet(Conflict):
    """The examination may not start: something is unanswered, unsettled or unsigned."""


@dataclass(frozen=True)
class GivenAnswer:
    """What the patient said to one question, as it was typed."""

    question_id: int
    answer: str
    note: str = ""
    accepted_reason: str = ""


@dataclass(frozen=True)
class AskedQuestion:
    """A question of an order, with its answer when there is one."""

    question: SafetyQuestion
    given: SafetyAnswer | None

    @property
    def is_open(self) -> bool:
        return self.given is None

    @property
    def is_settled(self) -> bool:
        return self.given is not None and self.given.is_settled


@dataclass(frozen=True)
class OrderSafety:
    """What has to be asked for one order, and whether its examination may start."""

    order: Order
    questions: list[AskedQuestion]

    @property
    def open(self) -> list[AskedQuestion]:
        return [asked for asked in self.questions if asked.is_open]

    @property
    def unsettled(self) -> list[AskedQuestion]:
        return [asked for asked in self.questions if not asked.is_open and not asked.is_settled]

    @property
    def is_answered(self) -> bool:
        return not self.open

    @property
    def is_clear(self) -> bool:
        return all(asked.is_settled for asked in self.questions) and not self.order.waits_for_signature

    @property
    def obstacles(self) -> list[str]:
        """Why the examination may not start, in words."""
        name = self.order.procedure.name
        found = []
        if self.order.waits_for_signature:
            found.append(_("“%(name)s” waits for a clinician's signature.") % {"name": name})
        if self.open:
            found.append(
                _("“%(name)s”: not answered yet: %(questions)s")
                % {"name": name, "questions": " ".join(str(asked.question) for asked in self.open)}
            )
        for asked in self.unsettled:
            found.append(
                _("“%(name)s”: %(question)s %(answer)s. Say why it may be done nevertheless.")
                % {
                    "name": name,
                    "question": asked.question,
                    "answer": asked.given.get_answer_display() if asked.given else "",
                }
            )
        return found


def safety_of(appointment: Appointment) -> list[OrderSafety]:
    """The orders of the visit that are still to be done or have been asked for, in three queries."""
    orders = list(
        appointment.orders.exclude(status=OrderStatus.CANCELLED)
        .select_related("patient", "procedure", "signed_by")
        .prefetch_related("procedure__safety_questions")
        .order_by("pk")
    )
    given: dict[tuple[int, str], SafetyAnswer] = {
        (answer.order_id, answer.question): answer
        for answer in appointment.safety_answers.select_related("answered_by", "accepted_by")
    }
    return [
        OrderSafety(
            order,
            [
                AskedQuestion(question, given.get((order.pk, question.text)))
                for question in order.procedure.safety_questions.all()
                if _is_asked(question, order) or (order.pk, question.text) in given
            ],
        )
        for order in orders
    ]


def obstacles_of(appointment: Appointment) -> list[str]:
    """Why the examination of the visit may not start yet; empty when it may."""
    return [
        words for each in safety_of(appointment) if each.order.status in _TO_DO for words in each.obstacles
    ]


@transaction.atomic
def answer_safety_questions(
    order: Order, *, by: User, answers: list[GivenAnswer], at: dt.datetime | None = None
) -> OrderSafety:
    """Note what the patient said for ``order`` in its visit; an answer may be corrected until the end.

    A critical question that is not answered with “no” needs ``accepted_reason`` before the start, not now.
    """
    if not by.can(Permission.EXAM_PERFORM):
        raise NotAllowed(_("Your role does not include the safety questions."))
    appointment = lock_visit(order)
    if appointment is None or appointment.status not in _ANSWERABLE:
        raise changed_already(appointment or order)
    questions = {question.pk: question for question in order.procedure.safety_questions.all()}
    changes: dict[str, list[str | None]] = {}
    for given in answers:
        question = questions.get(given.question_id)
        if question is None:
            raise Conflict(_("The questions of this examination were changed. Open the page again."))
        _note(order, appointment, question, given, by=by, at=at or timezone.now(), changes=changes)
    if changes:
        record(by=by, action="safety.answered", subject=order, patient=order.patient, changes=dict(changes))
        announce("board", f"order.{order.pk}")
    return next(each for each in safety_of(appointment) if each.order.pk == order.pk)


def require_safe_start(appointment: Appointment, *, by: User, emergency_reason: str = "") -> str:
    """Refuse the start of an examination that is not safe yet; the reason, when it is an emergency."""
    obstacles = obstacles_of(appointment)
    if not obstacles:
        return ""
    if not emergency_reason.strip():
        raise NotSafeYet(_("Not started.") + " " + " ".join(obstacles))
    reason = required_reason(emergency_reason)
    record(
        by=by,
        action="safety.overridden",
        subject=appointment,
        patient=appointment.patient,
        changes={"obstacles": [None, " ".join(obstacles)]},
        reason=reason,
    )
    return reason


def _is_asked(question: SafetyQuestion, order: Order) -> bool:
    """Men, young girls and old women are not asked whether they are pregnant; who is not known is."""
    if question.asked_of == AskedOf.EVERYBODY:
        return True
    patient = order.patient
    if patient.sex == "M":
        return False
    born = patient.birth_date
    return born is None or _age(born, clinic_today()) in FERTILE_YEARS


def _age(born: dt.date, today: dt.date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _note(
    order: Order,
    appointment: Appointment,
    question: SafetyQuestion,
    given: GivenAnswer,
    *,
    by: User,
    at: dt.datetime,
    changes: dict[str, list[str | None]],
) -> None:
    if given.answer not in Answer.values:
        raise InvalidInput(
            _("“%(question)s”: the answer was read as “%(read)s”; accepted are %(accepted)s.")
            % {"question": question, "read": given.answer, "accepted": ", ".join(Answer.values)},
            field=f"answer-{question.pk}",
        )
    note = " ".join(given.note.split())[:NOTE_LENGTH]
    needs_acceptance = question.is_critical and given.answer != Answer.NO
    accepted = (
        required_reason(given.accepted_reason) if needs_acceptance and given.accepted_reason.strip() else ""
    )
    before = SafetyAnswer.objects.filter(order=order, appointment=appointment, question=question.text).first()
    if before and (before.answer, before.note, before.accepted_reason) == (given.answer, note, accepted):
        return
    SafetyAnswer.objects.update_or_create(
        order=order,
        appointment=appointment,
        question=question.text,
        defaults={
            "is_critical": question.is_critical,
            "answer": given.answer,
            "note": note,
            "answered_at": at,
            "answered_by": by,
            "accepted_reason": accepted,
            "accepted_by": by if accepted else None,
        },
    )
    changes[question.text] = [_spoken(before) if before else None, _words(given.answer, note, accepted)]


def _spoken(answer: SafetyAnswer) -> str:
    return _words(answer.answer, answer.note, answer.accepted_reason)


def _words(answer: str, note: str, accepted: str) -> str:
    """An answer in one line, as the audit trail shows it."""
    parts = [
        str(Answer(answer).label),
        note,
        _("accepted: %(reason)s") % {"reason": accepted} if accepted else "",
    ]
    return "; ".join(part for part in parts if part)
