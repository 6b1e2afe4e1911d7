"""Queries that must stay fast in a large clinic read through indexes, whatever the planner hopes for."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def only_indexes() -> Iterator[None]:
    """Where many rows fit, or many keys are asked for, the planner may think that reading the whole table is
    cheaper: with a million patients that takes seconds."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('enable_seqscan', 'off', true)")
        yield
        cursor.execute("SELECT set_config('enable_seqscan', 'on', true)")
