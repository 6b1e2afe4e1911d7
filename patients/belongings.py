"""What belongs to a patient, told by the rooms that keep it: what a merge moves and its undoing moves back.

Rooms register from their ``AppConfig.ready``; this room never imports them. A test finds every foreign key
to ``Patient`` that no room has registered. Rows change hands room by room, higher rooms first: that is the
order in which services lock, for a higher one drives a lower one.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.apps import apps
from django.db.models import Model, QuerySet

from .models import PatientMerge


@dataclass(frozen=True)
class Belonging:
    """One kind of thing that belongs to a patient.

    ``model`` is ``"scheduling.Order"``, ``field`` its foreign key, ``counted`` says “3 orders” for 3, and
    ``topic`` is announced with the id of each thing that changed hands. With ``follows`` it hangs on such a
    thing (``field`` is the way to the patient), so it is counted and not moved itself.
    """

    model: str
    counted: Callable[[int], str]
    field: str = "patient"
    topic: str = ""
    follows: bool = False

    def rows(self) -> QuerySet[Model]:
        return apps.get_model(self.model)._base_manager.all()

    def of(self, patient_pk: int) -> list[int]:
        """The ids of what a patient has of this kind."""
        owned = self.rows().filter(**{self.field: patient_pk})
        return list(owned.order_by("pk").values_list("pk", flat=True))

    def hand_over(self, pks: Collection[int], *, of: int, to: int) -> int:
        """Give ``pks`` of one patient to another one; how many really changed hands."""
        owned = self.rows().filter(pk__in=pks, **{f"{self.field}_id": of})
        return owned.update(**{f"{self.field}_id": to})


# Why these records (ids) cannot be merged now, and why a merge cannot be undone; empty when they can.
MergeGuard = Callable[[Collection[int]], list[str]]
UndoGuard = Callable[[PatientMerge], list[str]]

_belongings: dict[str, Belonging] = {}
_merge_guards: list[MergeGuard] = []
_undo_guards: list[UndoGuard] = []


def register(*kinds: Belonging) -> None:
    for kind in kinds:
        _belongings[kind.model] = kind


def guard(*, merge: MergeGuard | None = None, undo: UndoGuard | None = None) -> None:
    if merge is not None:
        _merge_guards.append(merge)
    if undo is not None:
        _undo_guards.append(undo)


def kinds() -> list[Belonging]:
    """All kinds that change hands, in the order in which their rows are locked."""
    return [kind for kind in reversed(_belongings.values()) if not kind.follows]


def counted_of(patient_pk: int) -> list[str]:
    """What a patient has, for people: “2 orders”, “1 report”."""
    counts = [(kind, len(kind.of(patient_pk))) for kind in _belongings.values()]
    return [kind.counted(count) for kind, count in counts if count]


def merge_refusals(pks: Collection[int]) -> list[str]:
    return [reason for each in _merge_guards for reason in each(pks)]


def undo_refusals(merge: PatientMerge) -> list[str]:
    return [reason for each in _undo_guards for reason in each(merge)]
