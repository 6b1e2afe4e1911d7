"""Loading the demo clinic: into an empty database only, resumable, and never twice."""

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from audit.models import Entry
from audit.services import record
from clinic.demo import founding
from clinic.demo.clock import living_at, local_zone
from clinic.demo.living import Week
from clinic.demo.people import USERS
from clinic.demo.timetable import Step, plan, steps
from clinic.demo.week import WEEK
from clinic.errors import Conflict
from clinic.models import User
from imaging.tasks import ingest_spool
from patients.models import Patient
from scheduling.days import clinic_zone

STARTED, LOADED = "demo.started", "demo.loaded"
FOUNDED = dt.timedelta(days=61)  # how long ago the clinic was opened
Say = Callable[[str], None]


def load_demo(say: Say) -> bool:
    """Fill the database with the demo clinic; False when that was done before.

    What an interrupted run has done stays: the moment at which the first run began is in the audit trail, so
    every run plans the same week.
    """
    if not settings.CEDAR_DEMO:
        raise Conflict(_("Demo mode is off. Start with “manage.py up --demo”, or set CEDAR_DEMO=1."))
    if Entry.objects.filter(action=LOADED).exists():
        return False
    now = _begin()
    with living_at(now - FOUNDED):
        say(_("Demo: staff, catalogue and rooms"))
        users = founding.found_staff()
        founding.write_profile(str(now.tzinfo))
    say(_("Demo: patients"))
    with living_at(now - FOUNDED):
        clinic = founding.found_clinic(users, now)
    ingest_spool()  # what an interrupted run had sent and not yet filed
    minutes = {code: procedure.minutes for code, procedure in clinic.procedures.items()}
    _live_through(Week(clinic), steps(plan(WEEK, minutes, now), now), say)
    record(by=User.objects.machine("demo"), action=LOADED)
    say(_("Demo: ready"))
    return True


def _begin() -> dt.datetime:
    """The moment around which the week lies, in the clinic's time zone."""
    started = Entry.objects.filter(action=STARTED).first()
    if started is None:
        _refuse_real_clinic()
        now = timezone.now().astimezone(local_zone())
        with living_at(now - FOUNDED):
            started = record(
                by=User.objects.machine("demo"),
                action=STARTED,
                changes={"zone": [None, str(now.tzinfo)], "now": [None, now.isoformat()]},
            )
    moment = dt.datetime.fromisoformat(started.changes["now"][1])
    return moment.astimezone(ZoneInfo(started.changes["zone"][1]))


def _refuse_real_clinic() -> None:
    patients = Patient.objects.count()
    if patients:
        raise Conflict(
            _("This clinic has %(number)d patients of its own. The demo is only loaded into an empty one.")
            % {"number": patients}
        )
    taken = User.objects.filter(username__in=[user.username for user in USERS]).first()
    if taken is not None:
        raise Conflict(
            _("There is a user “%(name)s” already. The demo is only loaded into an empty clinic.")
            % {"name": taken.username}
        )


def _live_through(week: Week, found: list[Step], say: Say) -> None:
    """Do everything in the order of time, each step at its moment; tell which day is being filled."""
    told = set()
    for step in found:
        day = step.at.astimezone(clinic_zone()).date()
        if step.name == "images" and day not in told:
            told.add(day)
            say(_("Demo: images and reports of %(day)s") % {"day": date_format(day, "l j F")})
        with living_at(step.at):
            week.do(step)
