import pytest
from django.db import InternalError, ProgrammingError, connection, transaction

from audit.models import Entry
from audit.services import record
from tests.factories import make_user


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET actor_label = 'somebody else'",
        "UPDATE audit_entry SET at = now()",
        "DELETE FROM audit_entry",
    ],
)
def test_plain_sql_can_neither_change_nor_delete_an_entry(statement):
    entry = record(by=make_user(), action="login")

    with (
        pytest.raises((ProgrammingError, InternalError), match="can only be added to"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert Entry.objects.get(pk=entry.pk) == entry


@pytest.mark.django_db
def test_the_table_cannot_be_emptied():
    """The tests' own database has this trigger switched off, see conftest: it is switched on here."""
    record(by=make_user(), action="login")

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_no_truncate")
        with pytest.raises((ProgrammingError, InternalError), match="can only be added to"):
            cursor.execute("TRUNCATE audit_entry")
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_the_entry_lives_and_dies_with_what_it_tells_of():
    user = make_user()

    with transaction.atomic():
        record(by=user, action="order.cancelled")
        transaction.set_rollback(True)

    assert not Entry.objects.filter(action="order.cancelled").exists()
