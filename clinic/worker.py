"""The worker: django-q2's cluster, made to heal itself.

django-q2 runs a main process, a guard under it, and under that the pusher, the workers and the monitor. Its
own guard replaces what dies, but a process killed while it waits at a queue takes the queue's lock along and
the cluster would hang for ever. Here every death is judged:

- a worker killed in the middle of a job: the attempt counts as failed, the job goes back to the queue, the
  guard puts a new worker in its place;
- anything else killed: all end at once, and whoever runs ``manage.py qcluster`` (``up``, systemd) starts it
  again; what was in work is handed back at that start;
- heartbeats stay away though nobody is busy, or the guard itself stands still (a process killed while it
  held one of the guard's locks): the same.

Jobs are idempotent, so running one twice does no harm.
"""

import logging
import os
import signal
import threading
import time
from datetime import timedelta
from multiprocessing import Value, active_children
from typing import Any

import psutil
import psycopg
from django.conf import settings
from django.utils import timezone
from django_q import cluster
from django_q.conf import Conf
from django_q.models import OrmQ, Task
from django_q.monitor import save_task
from django_q.signals import post_execute, post_execute_in_worker, pre_execute
from django_q.signing import SignedPackage

from .broker import DATABASE_AWAY, HEARTBEAT, persist
from .launch import die_with_parent
from .pulse import Pulse

RETRY_AFTER = (5, 60, 300)  # seconds, by failed attempts so far
SILENCE = 30.0  # seconds without a heartbeat and without work
STANDSTILL = 10.0  # seconds without a round of the guard, which makes two a second
CLUSTER_LOCK = 0x6365_6461  # advisory lock, shared by every living cluster
log = logging.getLogger(__name__)
pulse = Pulse(settings.CEDAR_DATA)
guard_round = Value("d", 0.0, lock=False)  # when the guard last went round, on the monotonic clock


def run() -> int:
    """The cluster until it is told to stop; the exit code, not 0 when it fell over."""
    pulse.reset()
    logging.getLogger("django-q").addFilter(lambda record: "heartbeat" not in record.getMessage())
    pre_execute.connect(_on_start)
    post_execute_in_worker.connect(_on_end)
    post_execute.connect(_on_result)
    hand_back_jobs()
    _tie_children_to_parents()
    cluster.Sentinel = HealingSentinel
    running = cluster.Cluster()
    running.start()
    return watch(running)


def heartbeat() -> None:
    """The job that proves that jobs get through; the monitor's receiver below records it."""


def hand_back_jobs() -> int:
    """Free at once what a dead cluster had taken, unless another cluster is alive; how many jobs."""
    while True:
        try:
            with psycopg.connect(
                settings.DATABASE_CONNINFO, autocommit=True, connect_timeout=5
            ) as connection:
                (alone,) = connection.execute(
                    "SELECT pg_try_advisory_lock(%s)", [CLUSTER_LOCK]
                ).fetchone() or (False,)
                if not alone:
                    return 0
                freed = connection.execute(
                    "UPDATE django_q_ormq SET lock = now() WHERE key = %s AND lock > now()",
                    [Conf.CLUSTER_NAME],
                ).rowcount
            if freed:
                log.info("%s job(s) of an earlier worker go back to the queue", freed)
            return freed
        except DATABASE_AWAY as error:
            log.warning("The worker waits for the database (%s)", type(error).__name__)
            time.sleep(1)


def watch(running: cluster.Cluster) -> int:
    """Look after the cluster from its main process until it ends."""
    presence = Presence()
    seen, since = None, time.monotonic()
    while running.sentinel.is_alive():
        time.sleep(0.5)
        presence.renew()
        now = time.monotonic()
        beat = pulse.last_beat()
        if beat != seen or pulse.is_busy():
            seen, since = beat, now
        if now - since > SILENCE or now - guard_round.value > STANDSTILL:
            log.critical("Jobs no longer get through: the worker ends, to be started again")
            for process in psutil.Process().children(recursive=True):
                process.kill()
            return 1
    return 0 if running.stop_event is None else 1


class Presence:
    """Holds the advisory lock that tells other clusters that this one is alive."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection | None = None
        self._renewed = 0.0

    def renew(self) -> None:
        if time.monotonic() - self._renewed < 5:
            return
        self._renewed = time.monotonic()
        try:
            if self._connection is None:
                self._connection = psycopg.connect(
                    settings.DATABASE_CONNINFO, autocommit=True, connect_timeout=5
                )
                self._connection.execute("SELECT pg_try_advisory_lock_shared(%s)", [CLUSTER_LOCK])
            self._connection.execute("SELECT 1")
        except DATABASE_AWAY:
            if self._connection is not None:
                self._connection.close()
            self._connection = None


class HealingSentinel(cluster.Sentinel):
    """django-q2's guard, which looks at how a process died before it replaces it."""

    def status(self) -> str:
        """Asked for in each round of the guard."""
        guard_round.value = time.monotonic()
        return str(super().status())

    def reincarnate(self, process: Any) -> None:
        is_worker = process not in (self.monitor, self.pusher)
        job = pulse.take_job_of(process.pid) if is_worker else None
        if job is not None:
            record_crash(job, process.exitcode, self.broker)
        elif process.exitcode is not None and process.exitcode < 0:
            log.critical(
                "Process %s was killed (signal %s) at a queue: the worker ends, to be started again",
                process.pid,
                -process.exitcode,
            )
            for child in active_children():
                child.kill()
            os._exit(1)
        super().reincarnate(process)


def record_crash(job: int, exitcode: int | None, broker: Any) -> None:
    """A job that took its worker down has failed once; it is tried again until its attempts are used up."""
    reason = "took too long" if exitcode is None else f"ended its process (exit code {exitcode})"
    log.error("Job %s %s", job, reason)
    try:
        row = OrmQ.objects.filter(pk=job).first()
        if row is None:
            return
        task = SignedPackage.loads(row.payload)
        task.update(ack_id=job, stopped=timezone.now(), success=False, result=f"The job {reason}.")
        retry_later(task)
        save_task(task, broker)
    except DATABASE_AWAY:
        log.exception("The crash of job %s could not be recorded", job)


def retry_later(task: dict[str, Any]) -> None:
    """Shorten a failed job's lock to a wait that grows with its attempts."""
    failed = Task.objects.filter(pk=task["id"]).values_list("attempt_count", flat=True).first() or 0
    wait = RETRY_AFTER[min(failed, len(RETRY_AFTER) - 1)]
    OrmQ.objects.filter(pk=task["ack_id"]).update(lock=timezone.now() + timedelta(seconds=wait))


def _on_start(task: dict[str, Any], **_: object) -> None:
    if task.get("ack_id"):
        pulse.start_job(task["ack_id"])


def _on_end(task: dict[str, Any], **_: object) -> None:
    pulse.end_job()
    if task.get("ack_id") and not task["success"]:
        try:
            persist(lambda: retry_later(task), seconds=30)
        except DATABASE_AWAY:
            log.exception("Job %s stays locked until its retry time", task["ack_id"])


def _on_result(task: dict[str, Any], **_: object) -> None:
    if task["func"] == HEARTBEAT:
        pulse.beat()


def _tie_children_to_parents() -> None:
    """Every process forked from here on dies with the one that forked it, however that one ends.

    The kernel means the forking thread when it says parent, so forks of side threads stay as they are.
    """
    parent: list[int] = []

    def before() -> None:
        parent[:] = [os.getpid()] if threading.current_thread() is threading.main_thread() else []

    def in_child() -> None:
        if parent:
            die_with_parent(signal.SIGKILL, parent[0])

    os.register_at_fork(before=before, after_in_child=in_child)
