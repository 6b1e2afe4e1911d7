"""How long somebody or something has been waiting, and from when on that is amber and red.

The page counts on by itself (static/clinic/waiting.js) with the limits that stand in its markup.
"""

import datetime as dt
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from .days import spoken_minutes
from .statuses import AppointmentStatus as A
from .statuses import Priority

Limits = tuple[int, int]  # minutes: amber, red
VISIT_LIMITS: dict[str, Limits] = {
    A.BOOKED: (5, 20),
    A.WAITING: (15, 30),
    A.IN_ROOM: (15, 30),
    A.IN_SCAN: (45, 90),
    A.REVIEW: (60, 180),
}
# Of a study whose images are here, until its report is signed.
READING_LIMITS: dict[str, Limits] = {
    Priority.STAT: (15, 60),
    Priority.URGENT: (120, 360),
    Priority.ROUTINE: (1440, 2880),
}
# Of a signed report, until somebody has it.
RELEASE_LIMITS: Limits = (240, 1440)


@dataclass(frozen=True)
class Wait:
    """How long somebody has been in a state; ``age`` is calm, amber or red."""

    minutes: int
    age: str
    text: str


@dataclass(frozen=True)
class Clock:
    """A wait that goes on: since when, and its limits. ``is_late`` counts from the time that was agreed."""

    since: dt.datetime
    limits: Limits
    is_late: bool = False

    def at(self, now: dt.datetime) -> Wait | None:
        """The wait so far; None while it has not begun."""
        minutes = int((now - self.since).total_seconds() // 60)
        if minutes < 0 or (self.is_late and minutes == 0):
            return None
        age = "calm" if minutes < self.limits[0] else "amber" if minutes < self.limits[1] else "red"
        spoken = spoken_minutes(minutes)
        return Wait(minutes, age, _("%(time)s late") % {"time": spoken} if self.is_late else spoken)

    def html(self, now: dt.datetime) -> SafeString:
        """As a page shows it and counts on from there."""
        wait = self.at(now)
        return format_html(
            '<span class="wait num" data-since="{}" data-limits="{},{}"{}{}>{}</span>',
            self.since.astimezone(dt.UTC).isoformat(timespec="seconds"),
            *self.limits,
            SafeString(' data-late="yes"' if self.is_late else ""),
            SafeString(f' data-age="{wait.age}"' if wait else " hidden"),
            wait.text if wait else "",
        )
