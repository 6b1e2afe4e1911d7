"""Work for the background worker, by dotted path, so that a lower room can call upon a higher one."""

from typing import Any

from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task


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


def ensure_schedule(name: str, path: str, *, minutes: int) -> None:
    """Let the worker run ``path()`` every ``minutes`` minutes; called after each migration."""
    Schedule.objects.update_or_create(
        name=name,
        defaults={"func": path, "schedule_type": Schedule.MINUTES, "minutes": minutes, "repeats": -1},
    )
