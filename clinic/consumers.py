"""The one WebSocket consumer of Cedar: check user and topics, join the groups, forward topic names."""

from typing import Any
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncJsonWebsocketConsumer

from .live import RESYNC, bridge, group_of, is_topic
from .permissions import Permission

TOPIC_PERMISSIONS = {
    "board": Permission.BOARD_VIEW,
    "reading": Permission.STUDY_READ,
    "order": Permission.BOARD_VIEW,
    "patient": Permission.PATIENT_VIEW,
    "study": Permission.STUDY_VIEW,
    "held": Permission.STUDY_RECONCILE,
    "report": Permission.REPORT_VIEW,
    "nodes": Permission.CONFIGURE,
    "spreadsheet": Permission.RECORDS_IMPORT,
}
MAX_TOPICS = 50
PULSE = "pulse"


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """``/ws/live/?topics=board,study.5``: answers ``{"topic": "board"}`` whenever that changes."""

    async def connect(self) -> None:
        user = self.scope["user"]
        asked = parse_qs(self.scope["query_string"].decode()).get("topics", [""])[0].split(",")[:MAX_TOPICS]
        if not user.is_authenticated:
            await self.close(code=4401)
            return
        self.topics = [topic for topic in asked if is_topic(topic) and self._may_follow(user, topic)]
        for topic in [RESYNC, *self.topics]:
            await self.channel_layer.group_add(group_of(topic), self.channel_name)
        bridge.ensure_running()
        await self.accept()

    @staticmethod
    def _may_follow(user, topic: str) -> bool:
        permission = TOPIC_PERMISSIONS.get(topic.partition(".")[0])
        return permission is not None and user.can(permission)

    async def disconnect(self, code: int) -> None:
        for topic in [RESYNC, *getattr(self, "topics", [])]:
            await self.channel_layer.group_discard(group_of(topic), self.channel_name)

    async def receive_json(self, content: Any, **_: Any) -> None:
        """The page asks whether it is still told of everything; no answer means no."""
        if bridge.is_listening:
            await self.send_json({"topic": PULSE})

    async def live_topic(self, event: dict) -> None:
        await self.send_json({"topic": event["topic"]})
