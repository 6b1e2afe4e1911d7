"""The job queue: django-q2's table, taken from with SKIP LOCKED and woken by LISTEN.

A job starts a few milliseconds after the transaction that queued it commits, several workers never wait for
each other, and the queue survives a restart of the database. Between jobs the broker lets a heartbeat
through (see ``pulse.py``): it never touches the table.
"""

import time
import uuid
from collections.abc import Callable

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError, connections
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf, logger
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from .pulse import INTERVAL

CHANNEL = "cedar_jobs"
HEARTBEAT = "clinic.worker.heartbeat"
DATABASE_AWAY = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
Package = tuple[int | None, str]

_CLAIM = f"""
UPDATE {OrmQ._meta.db_table} SET lock = %s
 WHERE id IN (SELECT id FROM {OrmQ._meta.db_table}
               WHERE key = %s AND lock <= %s ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id, payload
"""  # noqa: S608 - only the table's name is put in


class PostgresBroker(ORM):
    """``broker_class`` of ``Q_CLUSTER``."""

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key)
        self._listener: psycopg.Connection | None = None
        self._last_heartbeat = 0.0

    def __setstate__(self, state: tuple[str, str | None]) -> None:
        super().__setstate__(state)
        self._listener = None
        self._last_heartbeat = 0.0

    def enqueue(self, task: str) -> int:
        """Write the job's row and wake the workers, both at the caller's commit."""
        job = super().enqueue(task)
        with connections[Conf.ORM].cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
        return job

    def dequeue(self) -> list[Package] | None:
        """Jobs for this cluster, a heartbeat when one is due, or None after a short wait."""
        try:
            packages: list[Package] = self._claim()
            if not packages and not self._heartbeat_is_due():
                self._wait()
        except DATABASE_AWAY as error:
            logger.warning("The job queue cannot reach the database (%s), trying again", type(error).__name__)
            self._forget_connections()
            time.sleep(0.5)
            packages = []
        if not packages and self._heartbeat_is_due():
            self._last_heartbeat = time.monotonic()
            packages = [(None, heartbeat_package())]
        return packages or None

    def acknowledge(self, task_id: int) -> None:
        """The job is done: take it from the table, also when the database is just restarting."""
        persist(lambda: self.delete(task_id))

    def _claim(self) -> list[Package]:
        self.get_connection()  # closes a connection that has become too old or broken
        now = timezone.now()
        with connections[Conf.ORM].cursor() as cursor:
            cursor.execute(_CLAIM, [self.timeout(None), self.list_key, now, Conf.BULK])
            return sorted(cursor.fetchall())

    def _wait(self) -> None:
        """Until somebody queues a job, at most as long as a stop request may have to wait."""
        if self._listener is None:
            self._listener = psycopg.connect(settings.DATABASE_CONNINFO, autocommit=True, connect_timeout=5)
            self._listener.execute(f"LISTEN {CHANNEL}")
            return  # what was queued before we listened is found by the next look
        for _notification in self._listener.notifies(timeout=0.5, stop_after=1):
            return

    def _heartbeat_is_due(self) -> bool:
        return time.monotonic() - self._last_heartbeat >= INTERVAL

    def _forget_connections(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        connections[Conf.ORM].close()


def heartbeat_package() -> str:
    """A job that is in no table and leaves no trace: only its coming through counts."""
    return SignedPackage.dumps(
        {
            "id": uuid.uuid4().hex,
            "name": "heartbeat",
            "func": HEARTBEAT,
            "args": (),
            "kwargs": {},
            "save": False,
            "started": timezone.now(),
        }
    )


def persist(write: Callable[[], object], seconds: float = 60.0) -> None:
    """Do a write in spite of a restarting database; gives up with its error after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            write()
        except DATABASE_AWAY:
            connections[Conf.ORM].close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return
