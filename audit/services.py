"""Writing the audit trail."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model

from clinic.http import address_of, caller_address
from clinic.models import User

from .models import Entry

__all__ = ["Event", "address_of", "record", "record_many"]


def record(
    *,
    by: User,
    action: str,
    subject: Model | None = None,
    patient: Model | None = None,
    changes: dict[str, Any] | None = None,
    reason: str = "",
    address: str = "",
) -> Entry:
    """Add one entry, in the caller's transaction.

    ``changes`` is ``{"field": [before, after]}`` with JSON values. ``patient`` is the patient whom the
    event concerns, so that "who looked at this patient" can be answered. ``address`` is known by itself
    inside a request.
    """
    entry = _entry(Event(action, subject, patient, changes or {}, reason), by, address or caller_address())
    entry.save(force_insert=True)
    return entry


@dataclass(frozen=True)
class Event:
    """One thing that happened, see ``record``."""

    action: str
    subject: Model | None = None
    patient: Model | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


def record_many(events: Iterable[Event], *, by: User) -> None:
    """Add one entry for each of ``events``, as ``record`` does, in one statement: for thousands at a time."""
    address = caller_address()
    Entry.objects.bulk_create([_entry(event, by, address) for event in events])


def _entry(event: Event, by: User, address: str) -> Entry:
    subject, patient = event.subject, event.patient
    return Entry(
        actor_id=by.pk,
        actor_label=str(by)[:200],
        action=event.action,
        subject_type=subject._meta.model_name or "" if subject is not None else "",
        subject_id=str(subject.pk) if subject is not None else "",
        subject_label=str(subject)[:300] if subject is not None else "",
        patient_id=patient.pk if patient is not None else None,
        patient_label=str(patient)[:300] if patient is not None else "",
        changes=event.changes,
        reason=event.reason,
        address=address[:100],
    )
