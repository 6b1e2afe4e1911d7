"""Connections to the database for the threads of associations, which live for one request or for an hour.

Opening one takes longer than answering a worklist query, so that those of finished work are kept for the
next (Django's pool). While the database is away a request is told so after a few seconds.
"""

import logging

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections

_WAIT_SECONDS = 4.0


def keep_connections() -> None:
    """For this process, before the first use of the database."""
    database = connections.settings[DEFAULT_DB_ALIAS]
    database["CONN_MAX_AGE"] = 0
    # The pool gives up soon: its next user tries at once, where it would pause longer and longer.
    database["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": settings.DICOM_MAX_ASSOCIATIONS + 5,
        "timeout": _WAIT_SECONDS,
        "reconnect_timeout": _WAIT_SECONDS,
        "num_workers": 1,
    }
    # That the database is away is said once, by the background thread.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


def forget_connection() -> None:
    """Between two pieces of work on an association's thread; inside a transaction it stays."""
    if not connection.in_atomic_block:
        connection.close()


def drop_connections() -> None:
    """The database is away: none of those that are kept will be of use."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
