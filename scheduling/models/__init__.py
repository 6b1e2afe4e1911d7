"""Catalogue, orders and appointments, by subject."""

from .appointments import Appointment, AppointmentQuerySet
from .calls import Call, CallOutcome, Message, MessageKind, MessageStatus
from .catalogue import (
    AskedOf,
    Indication,
    Modality,
    Preparation,
    Procedure,
    Referrer,
    SafetyQuestion,
    Shipped,
    SignatureRule,
    SignedModality,
)
from .imported import BillingState, ImportedVisit
from .orders import FlowEvent, Order, OrderQuerySet, new_study_uid
from .places import AE_TITLE, Closure, Consultant, Place, Repeats, Station, every_day
from .safety import Answer, SafetyAnswer

__all__ = [
    "AE_TITLE",
    "Answer",
    "Appointment",
    "AppointmentQuerySet",
    "AskedOf",
    "BillingState",
    "Call",
    "CallOutcome",
    "Closure",
    "Consultant",
    "FlowEvent",
    "ImportedVisit",
    "Indication",
    "Message",
    "MessageKind",
    "MessageStatus",
    "Modality",
    "Order",
    "OrderQuerySet",
    "Place",
    "Preparation",
    "Procedure",
    "Referrer",
    "Repeats",
    "SafetyAnswer",
    "SafetyQuestion",
    "Shipped",
    "SignatureRule",
    "SignedModality",
    "Station",
    "every_day",
    "new_study_uid",
]
