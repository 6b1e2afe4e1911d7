"""Rows by the million: COPY into tables whose indexes are made anew afterwards.

Only for clusters that are thrown away: foreign keys and triggers do not look at these rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, models
from django.utils import timezone

_CHUNK = 10_000


def copy_rows(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]], **same: Any
) -> None:
    """Insert ``rows`` (values of the columns ``names``); every other column gets ``same`` or its default."""
    given = {*names, *same}
    for field in model._meta.concrete_fields:
        if field.generated or field.primary_key or field.column in given:
            continue
        auto = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
        same[field.column] = timezone.now() if auto else field.get_default()
    columns = ", ".join(f'"{name}"' for name in [*names, *same])
    tail = "".join(f"\t{_text(value)}" for value in same.values()) + "\n"
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {model._meta.db_table} ({columns}) FROM STDIN") as copy,
    ):
        lines: list[str] = []
        for row in rows:
            lines.append("\t".join(map(_text, row)) + tail)
            if len(lines) == _CHUNK:
                copy.write("".join(lines))
                lines.clear()
        copy.write("".join(lines))


def _text(value: Any) -> str:
    """A value in COPY's text format."""
    if value is None:
        return r"\N"
    if isinstance(value, str):
        return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n") if value else value
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, list):
        return "{" + ",".join(map(str, value)) + "}"
    return str(value)


@contextmanager
def without_indexes(*tables: type[models.Model]) -> Iterator[None]:
    """Indexes and unique constraints are dropped, and made anew at the end, which is much faster."""
    anew = []
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica; SET maintenance_work_mem = '1GB'")
        for model in tables:
            table = model._meta.db_table
            cursor.execute(
                "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
                "WHERE conrelid = %s::regclass AND contype = 'u'",
                [table],
            )
            for name, definition in cursor.fetchall():
                cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
                anew.append(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
            cursor.execute(
                "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
                "WHERE indrelid = %s::regclass AND NOT indisprimary AND NOT indisexclusion",
                [table],
            )
            for name, definition in cursor.fetchall():
                cursor.execute(f"DROP INDEX {name}")
                anew.append(definition)
    yield
    with connection.cursor() as cursor:
        for statement in anew:
            cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")
        for model in tables:
            cursor.execute(f"VACUUM ANALYZE {model._meta.db_table}")
