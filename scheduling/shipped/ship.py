"""Brings the shipped catalogue into a clinic: what is new once, what the clinic changed or removed never."""

from django.db import transaction

from audit.services import record
from clinic.models import User

from ..models import Indication, Procedure, SafetyQuestion, Shipped
from .contents import PROCEDURES, QUESTIONS
from .reasons import REASONS

_QUESTION, _PROCEDURE, _REASON = "question", "procedure", "reason"


@transaction.atomic
def ship_catalogue() -> int:
    """How much was new. Run at each start: what was brought before stays as the clinic left it, or gone."""
    brought = set(Shipped.objects.values_list("kind", "key"))
    ways = ((_QUESTION, _ship_questions), (_PROCEDURE, _ship_procedures), (_REASON, _ship_reasons))
    added = {kind: ship({key for known, key in brought if known == kind}) for kind, ship in ways}
    if any(added.values()):
        record(
            by=User.objects.machine("setup"),
            action="catalogue.shipped",
            changes={kind: [None, number] for kind, number in added.items() if number},
        )
    return sum(added.values())


def _ship_questions(brought: set[str]) -> int:
    new = [each for each in QUESTIONS if each.key not in brought]
    known = set(SafetyQuestion.objects.values_list("text", flat=True))
    SafetyQuestion.objects.bulk_create(
        SafetyQuestion(
            text=each.text,
            is_critical=each.is_critical,
            asked_of=each.asked_of,
            position=(QUESTIONS.index(each) + 1) * 10,
        )
        for each in new
        if each.text not in known
    )
    return _note(_QUESTION, [each.key for each in new])


def _ship_procedures(brought: set[str]) -> int:
    new = [each for each in PROCEDURES if each.code not in brought]
    known = set(Procedure.objects.values_list("code", flat=True))
    made = Procedure.objects.bulk_create(
        Procedure(
            code=each.code,
            name=each.name,
            modality=each.modality,
            body_part=each.body_part,
            minutes=each.minutes,
            preparation=each.preparation,
            protocol_notes=each.notes,
            report_template_code=each.template,
        )
        for each in new
        if each.code not in known
    )
    _give_questions(made)
    return _note(_PROCEDURE, [each.code for each in new])


def _give_questions(procedures: list[Procedure]) -> None:
    keys = {each.code: each.questions for each in PROCEDURES}
    texts = {each.key: each.text for each in QUESTIONS}
    present = {question.text: question for question in SafetyQuestion.objects.all()}
    link = Procedure.safety_questions.through
    link.objects.bulk_create(
        link(procedure=procedure, safetyquestion=present[texts[key]])
        for procedure in procedures
        for key in keys[procedure.code]
        if texts[key] in present
    )


def _ship_reasons(brought: set[str]) -> int:
    new = [text for text in REASONS if text not in brought]
    known = set(Indication.objects.values_list("text", flat=True))
    Indication.objects.bulk_create(
        Indication(text=text, modalities=list(REASONS[text])) for text in new if text not in known
    )
    return _note(_REASON, new)


def _note(kind: str, keys: list[str]) -> int:
    Shipped.objects.bulk_create(Shipped(kind=kind, key=key) for key in keys)
    return len(keys)
