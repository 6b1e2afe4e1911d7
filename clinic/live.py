"""Status changes pushed to open pages.

``announce(topic)`` travels as a PostgreSQL NOTIFY, so it goes out exactly when the caller's
transaction commits and never after a rollback. Each web process listens once (``LiveBridge``) and hands
the topic to its in-memory channel layer. Only topic names cross the wire; pages re-fetch themselves
through their normal views, so no patient data and no permission leaves the views.

The same notifications tell this process that what it keeps for many pages (``clinic.shared``) is old.
"""

import asyncio
import logging
import re
from itertools import count

import psycopg
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection, transaction

CHANNEL = "cedar_live"
RESYNC = "resync"
# A topic that is announced again and again (images that arrive) reaches the pages this often.
PAUSE_SECONDS = 0.25
_TOPIC = re.compile(r"[a-z][a-z0-9.-]{0,60}")
log = logging.getLogger(__name__)


def announce(*topics: str) -> None:
    """Tell open pages, at commit, that what they show under ``topics`` has changed."""
    for topic in topics:
        if not is_topic(topic):
            raise ValueError(f"not a live topic: {topic!r}")
    with connection.cursor() as cursor:
        for topic in dict.fromkeys(topics):
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, topic])
    # Whoever caused the change sees it in the very next request, also when that overtakes the notification.
    transaction.on_commit(lambda: bridge.note(*topics))


def is_topic(topic: str) -> bool:
    return _TOPIC.fullmatch(topic) is not None


def group_of(topic: str) -> str:
    return f"live.{topic}"


class LiveBridge:
    """Carries notifications from PostgreSQL to the channel layer of this process, for ever.

    After a lost database it connects again and sends ``resync`` to every open page, because what was
    announced meanwhile cannot be known.
    """

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._listens = False
        self._beginnings = 0
        self._changes: dict[str, int] = {}
        self._numbers = count(1)  # never the same twice, whichever threads note at once
        self._paused: set[str] = set()
        self._waiting: set[str] = set()

    @property
    def is_listening(self) -> bool:
        """Whether this process is told of every change."""
        return self._listens and self._task is not None and not self._task.done()

    def version_of(self, topic: str) -> tuple[int, int] | None:
        """Another one after each change of ``topic``; None while changes could go unnoticed."""
        return (self._beginnings, self._changes.get(topic, 0)) if self.is_listening else None

    def note(self, *topics: str) -> None:
        """What was kept of ``topics`` in this process is old."""
        for topic in topics:
            self._changes[topic] = next(self._numbers)

    def ensure_running(self) -> None:
        """Start in the running event loop, once."""
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._task = loop.create_task(self._run())

    async def _run(self) -> None:
        first = True
        while True:
            try:
                # Keepalives find out a connection that a firewall forgot.
                async with await psycopg.AsyncConnection.connect(
                    settings.DATABASE_CONNINFO,
                    autocommit=True,
                    connect_timeout=5,
                    keepalives_idle=10,
                    keepalives_interval=5,
                    keepalives_count=2,
                ) as listener:
                    await listener.execute(f"LISTEN {CHANNEL}")
                    self._beginnings += 1
                    self._listens = True
                    self._paused.clear()
                    if not first:
                        await self._send(RESYNC)
                    first = False
                    async for notification in listener.notifies():
                        self.note(notification.payload)
                        await self._pass_on(notification.payload)
            except (psycopg.Error, OSError) as error:
                log.warning("live updates: database away (%s), trying again", type(error).__name__)
                first = False
            finally:
                self._listens = False
            await asyncio.sleep(0.5)

    async def _pass_on(self, topic: str) -> None:
        """At once after a pause; what comes again within it is said once more at its end."""
        if topic in self._paused:
            self._waiting.add(topic)
            return
        self._paused.add(topic)
        asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._end_pause, topic)
        await self._send(topic)

    def _end_pause(self, topic: str) -> None:
        self._paused.discard(topic)
        if topic in self._waiting:
            self._waiting.discard(topic)
            self._later = asyncio.ensure_future(self._pass_on(topic))

    async def _send(self, topic: str) -> None:
        layer = get_channel_layer()
        await layer.group_send(group_of(topic), {"type": "live.topic", "topic": topic})


bridge = LiveBridge()
