"""The association log on its way to the database: noted on the association's thread, written behind it.

While the database is away the newest notes wait in memory, up to a bound; nothing waits for them.
"""

import datetime
import re
import threading
from collections import deque
from dataclasses import dataclass, field, replace

from django.utils import timezone

from . import services
from .models import Outcome

_NOTES_KEPT = 2000
_BATCH = 500
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def clean(text: object, length: int) -> str:
    """Text of a peer made fit for a log and for PostgreSQL."""
    return _CONTROL.sub("", str(text or "")).strip()[:length]


@dataclass
class Call:
    """One association, while it lasts and as a note afterwards. Only its own thread changes it."""

    calling_ae_title: str
    called_ae_title: str
    address: str
    at: datetime.datetime = field(default_factory=timezone.now)
    outcome: Outcome | None = None
    times: int = 1
    echoed: int = 0
    stored: int = 0
    failed: int = 0
    queried: int = 0
    matches: int = 0
    # Query/Retrieve: questions, studies and so on that matched, objects that were sent.
    searched: int = 0
    found: int = 0
    sent: int = 0
    # Messages about examinations (MPPS), requests to confirm storage.
    steps: int = 0
    commitments: int = 0
    problem: str = ""
    is_encrypted: bool = False
    is_health_check: bool = False


class CallLog:
    def __init__(self) -> None:
        self._notes: deque[Call] = deque(maxlen=_NOTES_KEPT)
        self._flushing = threading.Lock()

    def note(self, call: Call) -> None:
        """Remember ``call`` as it is now: at its acceptance (no outcome yet) and at its end."""
        if not call.is_health_check:
            self._notes.append(replace(call))

    def flush(self) -> None:
        """Write what was noted. Raises the database's error when it is away; the notes then stay."""
        with self._flushing:
            while self._notes:
                batch = [self._notes.popleft() for _ in range(min(_BATCH, len(self._notes)))]
                try:
                    services.record_calls(batch)
                except BaseException:
                    room = _NOTES_KEPT - len(self._notes)
                    self._notes.extendleft(reversed(batch[-room:] if room else []))
                    raise
