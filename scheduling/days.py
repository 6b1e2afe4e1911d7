"""The clinic's days and clock times: every "today" and every spoken time is in the clinic's time zone."""

import datetime as dt
from zoneinfo import ZoneInfo

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from clinic.models import ClinicProfile


def clinic_zone() -> ZoneInfo:
    return ZoneInfo(ClinicProfile.get().time_zone)


def clinic_today(zone: ZoneInfo | None = None) -> dt.date:
    """Today in the clinic; ``zone`` is the clinic's where it is known already."""
    return timezone.localdate(timezone=zone or clinic_zone())


def day_bounds(day: dt.date, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """First instant of ``day`` and of the next one: 23, 24 or 25 hours apart."""
    start = dt.datetime.combine(day, dt.time.min, tzinfo=zone)
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time.min, tzinfo=zone)
    return start.astimezone(dt.UTC), end.astimezone(dt.UTC)


def spoken_clock(instant: dt.datetime) -> str:
    """``10:15`` on the clinic's wall."""
    return formats.date_format(timezone.localtime(instant, clinic_zone()), "H:i")


def spoken_time(instant: dt.datetime) -> str:
    """``Fri 21 Nov, 10:15`` on the clinic's wall."""
    return formats.date_format(timezone.localtime(instant, clinic_zone()), "D j M, H:i")


def spoken_minutes(minutes: int) -> str:
    """``1 h 05 min``: a wait in words."""
    if minutes < 60:
        return _("%(minutes)d min") % {"minutes": minutes}
    if minutes < 24 * 60:
        return _("%(hours)d h %(minutes)02d min") % {"hours": minutes // 60, "minutes": minutes % 60}
    return _("%(days)d d") % {"days": minutes // (24 * 60)}
