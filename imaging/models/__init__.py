"""The tables of this room, by subject in the modules named here."""

from .received import Quarantined, QuarantinedQuerySet, SettledSpoolFile, Settlement
from .steps import PerformedStep, PerformedStepQuerySet, StepState
from .studies import (
    NOT_SERVED,
    UID_LENGTH,
    UNDECIDED,
    DecisionKind,
    Instance,
    KeyImage,
    Series,
    Study,
    StudyDecision,
    StudyQuerySet,
    StudyState,
)

__all__ = [
    "NOT_SERVED",
    "UID_LENGTH",
    "UNDECIDED",
    "DecisionKind",
    "Instance",
    "KeyImage",
    "PerformedStep",
    "PerformedStepQuerySet",
    "Quarantined",
    "QuarantinedQuerySet",
    "Series",
    "SettledSpoolFile",
    "Settlement",
    "StepState",
    "Study",
    "StudyDecision",
    "StudyQuerySet",
    "StudyState",
]
