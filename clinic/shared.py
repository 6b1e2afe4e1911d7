"""What many open pages ask for at the same moment, made once: kept until its live topic is announced.

Only a process that hears every announcement keeps anything (``LiveBridge.version_of``); elsewhere each
call makes its own. Nothing that depends on who looks may be kept under a key that does not say so.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

from .live import bridge

T = TypeVar("T")
MOST = 200


@dataclass
class _Place:
    """One kept thing. ``lock`` lets one caller make it while the others wait for it."""

    lock: Lock = field(default_factory=Lock)
    version: tuple[int, int] | None = None
    until: float = 0
    value: Any = None


_places: dict[Hashable, _Place] = {}
_places_lock = Lock()


def shared(topic: str, key: Hashable, make: Callable[[], T], *, seconds: float) -> T:
    """``make()``, or what it gave to an earlier caller with ``key`` since ``topic`` was last announced.

    Never older than ``seconds``: what changes without an announcement (a name in the settings) shows too.
    """
    version = bridge.version_of(topic)
    if version is None:
        return make()
    place = _place_of(key)
    with place.lock:
        # Asked again: whoever waited for the lock may have come before a change, and may not get older
        # things than that. The version is read before making, so that a change meanwhile makes it old.
        version = bridge.version_of(topic)
        now = time.monotonic()
        if version is None or place.version != version or now >= place.until:
            place.value = make()
            place.version, place.until = version, now + seconds
        value: T = place.value
        return value


def _place_of(key: Hashable) -> _Place:
    with _places_lock:
        place = _places.pop(key, None) or _Place()
        _places[key] = place  # the last used stand at the end
        while len(_places) > MOST:
            del _places[next(iter(_places))]
        return place
