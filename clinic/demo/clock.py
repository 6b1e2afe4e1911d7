"""The clock of the demo: each step of its week is lived at its own moment, so that all times agree."""

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from django.utils import timezone

LOCALTIME = Path("/etc/localtime")


@contextmanager
def living_at(moment: dt.datetime) -> Iterator[None]:
    """Inside, `timezone.now()` is `moment`, for the whole process: only for the loading of the demo."""
    real = timezone.now
    timezone.now = lambda: moment.astimezone(dt.UTC)
    try:
        yield
    finally:
        timezone.now = real


def local_zone() -> ZoneInfo:
    """The time zone of this machine, so that the demo shows the times of the clock on the wall; else UTC."""
    named = os.environ.get("TZ", "").lstrip(":")
    linked = os.path.realpath(LOCALTIME).partition("zoneinfo/")[2] if LOCALTIME.exists() else ""
    for name in (named, linked):
        if name in available_timezones() and "/" in name and not name.startswith("Etc/"):
            return ZoneInfo(name)
    return ZoneInfo("UTC")
