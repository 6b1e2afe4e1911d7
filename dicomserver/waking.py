"""Telling the worker that the spool has something: at the end of an association, every two seconds or fifty
objects while it lasts, at start-up, and every minute as long as the spool is not empty."""

import threading
import time

from clinic.jobs import enqueue_once
from imaging import spool

INGEST = "imaging.tasks.ingest_spool"
_SECONDS = 2.0
_OBJECTS = 50
_SWEEP_SECONDS = 60.0


class IngestWaker:
    """Association threads ``note``; the background thread asks ``wake_if_due``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._objects = 0
        self._since: float | None = None
        self._ended = False
        self._last_sweep: float | None = None

    def note_stored(self) -> bool:
        """One more object is in the spool. True when it is time to wake the worker."""
        with self._lock:
            self._objects += 1
            self._since = self._since or time.monotonic()
            return self._objects == _OBJECTS

    def note_ended(self) -> None:
        """An association that stored something is over."""
        with self._lock:
            self._ended = True

    def wake_if_due(self) -> None:
        """Queue the ingest when it is time. Raises the database's error when it is away, and stays due."""
        now = time.monotonic()
        with self._lock:
            is_due = (
                self._ended
                or self._objects >= _OBJECTS
                or (self._since is not None and now - self._since >= _SECONDS)
            )
            noted = self._objects
        sweep_is_due = self._last_sweep is None or now - self._last_sweep >= _SWEEP_SECONDS
        if not is_due and not sweep_is_due:
            return
        if is_due or not spool.is_empty():
            enqueue_once(INGEST)
        self._last_sweep = now
        with self._lock:
            self._objects -= noted
            self._since = now if self._objects else None
            self._ended = False
