"""Live updates through a real PostgreSQL: sent at commit, only to those who may follow the topic."""

import asyncio

import psycopg
import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import transaction

from clinic.consumers import LiveConsumer
from clinic.live import announce, bridge
from clinic.models import User
from clinic.permissions import Role

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _database_of_the_test(monkeypatch):
    """The bridge listens on a connection of its own: point it at the test database."""
    name = settings.DATABASES["default"]["NAME"]
    conninfo = psycopg.conninfo.make_conninfo(settings.DATABASE_CONNINFO, dbname=name)
    monkeypatch.setattr(settings, "DATABASE_CONNINFO", conninfo)


def connect(user: User, topics: str) -> WebsocketCommunicator:
    communicator = WebsocketCommunicator(LiveConsumer.as_asgi(), f"/ws/live/?topics={topics}")
    communicator.scope["user"] = user
    return communicator


async def listening() -> None:
    """Wait until the bridge of this process has its LISTEN connection."""
    for _attempt in range(100):
        if await sync_to_async(_listeners)():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the bridge never listened")


def _listeners() -> int:
    with psycopg.connect(settings.DATABASE_CONNINFO) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN %' AND datname = current_database()"
        ).fetchone()
    return row[0] if row else 0


async def end(communicator: WebsocketCommunicator) -> None:
    await communicator.disconnect()
    bridge._task.cancel()


@sync_to_async
def announce_committed(topic: str) -> None:
    announce(topic)


@sync_to_async
def announce_rolled_back(topic: str) -> None:
    with transaction.atomic():
        announce(topic)
        transaction.set_rollback(True)


def make_user(role: str) -> User:
    return User.objects.create_user(f"live-{role}", "x", full_name=role, roles=[role])


def test_change_reaches_page_after_commit():
    user = make_user(Role.TECHNICIAN)

    async def journey():
        page = connect(user, "board,study.5")
        assert (await page.connect())[0] is True
        await listening()
        await announce_committed("study.5")
        message = await page.receive_json_from(timeout=5)
        await end(page)
        return message

    assert asyncio.run(journey()) == {"topic": "study.5"}


def test_rolled_back_change_is_never_told():
    user = make_user(Role.TECHNICIAN)

    async def journey():
        page = connect(user, "board,study.5")
        await page.connect()
        await listening()
        await announce_rolled_back("study.5")
        await announce_committed("board")
        message = await page.receive_json_from(timeout=5)
        await end(page)
        return message

    assert asyncio.run(journey()) == {"topic": "board"}


def test_topic_of_another_role_is_not_followed():
    user = make_user(Role.RECEPTIONIST)

    async def journey():
        page = connect(user, "report.1,board")
        await page.connect()
        await listening()
        await announce_committed("report.1")
        await announce_committed("board")
        message = await page.receive_json_from(timeout=5)
        await end(page)
        return message

    assert asyncio.run(journey()) == {"topic": "board"}


def test_lost_database_connection_ends_in_resync():
    user = make_user(Role.RECEPTIONIST)

    async def journey():
        page = connect(user, "board")
        await page.connect()
        await listening()
        await sync_to_async(_cut_listener)()
        message = await page.receive_json_from(timeout=10)
        await end(page)
        return message

    assert asyncio.run(journey()) == {"topic": "resync"}


def _cut_listener() -> None:
    with psycopg.connect(settings.DATABASE_CONNINFO, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN %' AND datname = current_database()"
        )


def test_stranger_is_turned_away():
    from django.contrib.auth.models import AnonymousUser

    async def journey():
        page = connect(AnonymousUser(), "board")
        return await page.connect()

    assert asyncio.run(journey()) == (False, 4401)


def test_topic_must_be_a_plain_name():
    with pytest.raises(ValueError, match="not a live topic"):
        announce("Board; DROP TABLE")


def test_a_burst_reaches_a_page_at_once_and_once_more_at_its_end():
    user = make_user(Role.TECHNICIAN)

    async def journey():
        page = connect(user, "board,study.5")
        await page.connect()
        await listening()
        before = bridge.version_of("board")
        for _ in range(20):
            await announce_committed("board")
        await announce_committed("study.5")
        heard = [await page.receive_json_from(timeout=5)]
        while heard[-1] != {"topic": "study.5"}:
            heard.append(await page.receive_json_from(timeout=5))
        heard.append(await page.receive_json_from(timeout=5))
        after = bridge.version_of("board")
        quiet = await page.receive_nothing(timeout=0.5)
        await end(page)
        return heard, quiet, before != after

    heard, quiet, is_new = asyncio.run(journey())

    assert (heard[0], heard[-1], quiet, is_new) == ({"topic": "board"}, {"topic": "board"}, True, True)
    assert heard.count({"topic": "board"}) < 20


def test_page_that_asks_is_answered_only_while_changes_are_heard(monkeypatch):
    user = make_user(Role.RECEPTIONIST)

    async def journey():
        page = connect(user, "board")
        await page.connect()
        await listening()
        await page.send_json_to({"ask": "pulse"})
        answer = await page.receive_json_from(timeout=5)
        monkeypatch.setattr(bridge, "_listens", False)
        await page.send_json_to({"ask": "pulse"})
        silence = await page.receive_nothing(timeout=0.3)
        await end(page)
        return answer, silence

    assert asyncio.run(journey()) == ({"topic": "pulse"}, True)
