"""Status changes pushed to open pages.

``announce(topic)`` travels as a PostgreSQL NOTIFY, so it goes out exactly when the caller's
transaction commits and never after a rollback. Each web process listens once (``LiveBridge``) and hands
the topic to its in-memory channel layer. Only topic names cross the wire; pages re-fetch themselves
through their normal views, so no patient data and no permission leaves the views.
"""

import asyncio
import logging
import re

import psycopg
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection

CHANNEL = "cedar_live"
RESYNC = "resync"
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

    def ensure_running(self) -> None:
        """Start in the running event loop, once."""
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._task = loop.create_task(self._run())

    async def _run(self) -> None:
        first = True
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    settings.DATABASE_CONNINFO, autocommit=True, connect_timeout=5
                ) as listener:
                    await listener.execute(f"LISTEN {CHANNEL}")
                    if not first:
                        await self._send(RESYNC)
                    first = False
                    async for notification in listener.notifies():
                        await self._send(notification.payload)
            except (psycopg.Error, OSError) as error:
                log.warning("live updates: database away (%s), trying again", type(error).__name__)
                first = False
                await asyncio.sleep(0.5)

    async def _send(self, topic: str) -> None:
        layer = get_channel_layer()
        await layer.group_send(group_of(topic), {"type": "live.topic", "topic": topic})


bridge = LiveBridge()
