"""Work for the background worker, by dotted path, so that a lower room can call upon a higher one."""

import datetime as dt
from typing import Any

from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task

from .broker import PostgresBroker

# A job that waits is believed to run only if it is this far from being taken: the caller's transaction may
# commit after one that begins sooner has looked.
_SURELY_LATER = dt.timedelta(seconds=5)


def enqueue(path: str, *args: Any) -> str:
    """Queue ``path(*args)`` for the worker and return the job's id.

    The queue is a table of the same database: the job's row is written inside the caller's transaction
    and becomes visible to the worker exactly when that commits. Arguments are ids and plain values; the
    function must be idempotent, because a queue may run it twice.
    """
    return str(async_task(path, *args, group=path.rpartition(".")[2]))


def enqueue_once(path: str) -> None:
    """Queue ``path()`` unless it waits in the queue already and has not begun.

    For work that sweeps up whatever is there, as many callers as like may ask for it while no worker runs.
    """
    for job in OrmQ.objects.filter(lock__lte=timezone.now()).order_by("pk").iterator():
        if job.task.get("func") == path:
            return
    enqueue(path)


def wake_at(path: str, at: dt.datetime) -> None:
    """Let ``path()`` run at ``at``, to the second, unless it is to run shortly before that anyway.

    For work that looks for itself what is due, and asks to be woken again while something is left. A worker
    that starts takes waiting jobs early, so being called too soon must do no harm.
    """
    now = timezone.now()
    for job in OrmQ.objects.filter(lock__gt=now + _SURELY_LATER, lock__lte=at):
        if job.task.get("func") == path:
            return
    async_task(path, group=path.rpartition(".")[2], broker=_Later(at))


class _Later(PostgresBroker):
    """Queues a job that nobody takes before ``at``."""

    def __init__(self, at: dt.datetime) -> None:
        super().__init__()
        self._at = at

    def enqueue(self, task: str) -> int:
        return int(OrmQ.objects.create(key=self.list_key, payload=task, lock=self._at).pk)


def ensure_schedule(name: str, path: str, *, minutes: int) -> None:
    """Let the worker run ``path()`` every ``minutes`` minutes; called after each migration."""
    Schedule.objects.update_or_create(
        name=name,
        defaults={"func": path, "schedule_type": Schedule.MINUTES, "minutes": minutes, "repeats": -1},
    )
