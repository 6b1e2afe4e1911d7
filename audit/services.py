"""Writing the audit trail."""

from typing import Any

from django.db.models import Model

from clinic.http import address_of, caller_address
from clinic.models import User

from .models import Entry

__all__ = ["address_of", "record"]


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
    return Entry.objects.create(
        actor_id=by.pk,
        actor_label=str(by)[:200],
        action=action,
        subject_type=subject._meta.model_name or "" if subject is not None else "",
        subject_id=str(subject.pk) if subject is not None else "",
        subject_label=str(subject)[:300] if subject is not None else "",
        patient_id=patient.pk if patient is not None else None,
        patient_label=str(patient)[:300] if patient is not None else "",
        changes=changes or {},
        reason=reason,
        address=(address or caller_address())[:100],
    )
