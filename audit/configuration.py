"""Changes of the clinic's configuration, as django-auditlog sees them, in the one audit trail."""

from typing import Any

from django.db.models import Model

from clinic.models import User

from .services import record

_VERBS = {0: "config.added", 1: "config.changed", 2: "config.removed"}  # LogEntry.Action
_SECRET = {"password"}


def note_change(
    sender: type[Model],
    instance: Model,
    action: int,
    changes: dict[str, Any] | None,
    log_entry: Any,
    instance_old: Model | None = None,
    **kwargs: object,
) -> None:
    """Receives django-auditlog's ``post_log``; without a person at the screen the set-up did it."""
    if log_entry is None or action not in _VERBS or getattr(instance, "is_machine", False):
        return
    kept = {field.name for field in instance._meta.concrete_fields if not field.primary_key}
    before = {0: None, 1: instance_old, 2: instance}[action]
    after = instance if action != 2 else None
    pairs = {name: [_value(before, name), _value(after, name)] for name in changes or {} if name in kept}
    record(
        by=log_entry.actor or User.objects.machine("setup"),
        action=_VERBS[action],
        subject=instance,
        changes={
            name: pair for name, pair in pairs.items() if any(value not in (None, "") for value in pair)
        },
    )


def hidden(value: str) -> str:
    """What django-auditlog's own log keeps of a secret: that there is one."""
    return "…" if value not in {"", "None"} else ""


def _value(instance: Model | None, name: str) -> Any:
    """A field's value as JSON can hold it."""
    value = getattr(instance, name) if instance is not None else None
    if name in _SECRET and value:
        return "…"
    if isinstance(value, list | tuple):
        return [str(part) for part in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
