"""Two works at the same time, each in its own transaction, in an order that is certain."""

import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from clinic.errors import DomainError


def while_first_is_open(first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
    """What each returned, or the refusal that the second raised.

    The second runs in a thread while the transaction of the first is still open; that is committed when the
    second waits for it, or is through.
    """
    outcomes: list[Any] = [None, None]

    def run_second() -> None:
        try:
            outcomes[1] = second()
        except DomainError as refusal:
            outcomes[1] = refusal
        finally:
            connection.close()

    thread = threading.Thread(target=run_second)
    with transaction.atomic():
        outcomes[0] = first()
        thread.start()
        wait_until(lambda: not thread.is_alive() or somebody_waits())
    thread.join(30)
    assert not thread.is_alive()
    return outcomes


def somebody_waits() -> bool:
    """Whether a transaction waits for another one's lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.02)
