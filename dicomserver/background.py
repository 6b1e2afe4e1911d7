"""The one thread of the DICOM server that speaks with the database when no peer asks."""

import logging
import threading
from collections.abc import Callable

from django.db import Error as DatabaseError
from django.db import connection

from .connections import drop_connections

log = logging.getLogger(__name__)

_SECONDS = 0.5
_LONGEST_PAUSE = 10.0


class Background:
    """Does its chores every half second and at each ``hurry``; a chore that fails is tried again later.

    While the database is away it waits longer and longer, and says so once.
    """

    def __init__(self, *chores: Callable[[], None]) -> None:
        self._chores = chores
        self._hurry = threading.Event()
        self._stopping = False
        self._database_away = False
        self._pause = _SECONDS
        self._thread = threading.Thread(target=self._run, name="dicom-background", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def hurry(self) -> None:
        self._hurry.set()

    def stop(self, timeout: float) -> None:
        """Do every chore once more and end; a database that does not answer is not waited for."""
        self._stopping = True
        self._hurry.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping:
            self._do_chores()
            self._hurry.wait(self._pause)
            self._hurry.clear()
        self._do_chores()
        connection.close()

    def _do_chores(self) -> None:
        for chore in self._chores:
            try:
                chore()
            except DatabaseError as error:
                self._note_database_away(error)
                return
            except Exception:
                log.exception("DICOM server: a chore failed")
                connection.close()
        if self._database_away:
            log.info("DICOM server: the database is back")
        self._database_away = False
        self._pause = _SECONDS

    def _note_database_away(self, error: DatabaseError) -> None:
        if not self._database_away:
            log.warning("DICOM server: the database is away (%s); receiving goes on", type(error).__name__)
        self._database_away = True
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        drop_connections()
