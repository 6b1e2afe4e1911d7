"""The steps that the pages offer for a visit, as data: from which state, to which, and in which words."""

from dataclasses import dataclass
from functools import lru_cache

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clinic.models import User
from clinic.permissions import Permission

from .models import Appointment
from .statuses import STEP_BACK, VISIT_MOVES
from .statuses import AppointmentStatus as A


@dataclass(frozen=True)
class Step:
    """A button. ``is_main`` is the usual next step; the others stand behind “More”."""

    url_name: str
    label: str | Promise
    icon: str
    to: str
    starts_from: tuple[str, ...]
    is_main: bool = True
    needs_orders: bool | None = None
    asks_first: bool = False
    permission: Permission | None = None  # otherwise the one that the move needs

    def permission_for(self, kind: str, status: str) -> Permission | None:
        """None when a visit of this kind never takes the step."""
        possible = VISIT_MOVES[kind][status]
        return self.permission or possible.get(self.to or STEP_BACK[status])


STEPS = [
    Step("scheduling:appointment_check_in", _("Check in"), "user-check", A.WAITING, (A.BOOKED,)),
    Step("scheduling:appointment_check_in", _("Came after all"), "user-check", A.WAITING, (A.NO_SHOW,)),
    Step("scheduling:appointment_call_in", _("Call in"), "door-open", A.IN_ROOM, (A.WAITING,)),
    Step("scheduling:appointment_start", _("Start"), "play", A.IN_SCAN, (A.IN_ROOM,), needs_orders=True),
    Step(
        "scheduling:appointment_finish",
        _("Ready for review"),
        "clipboard-check",
        A.REVIEW,
        (A.IN_SCAN,),
        needs_orders=True,
    ),
    Step(
        "scheduling:appointment_complete",
        _("Done"),
        "check",
        A.COMPLETED,
        (A.WAITING, A.IN_ROOM),
        needs_orders=False,
    ),
    Step("scheduling:appointment_start", _("Start at once"), "play", A.IN_SCAN, (A.WAITING,), is_main=False),
    Step(
        "scheduling:appointment_finish",
        _("Ready for review"),
        "clipboard-check",
        A.REVIEW,
        (A.IN_ROOM,),
        is_main=False,
        needs_orders=True,
    ),
    Step(
        "scheduling:appointment_no_show", _("Did not come"), "user-x", A.NO_SHOW, (A.BOOKED,), is_main=False
    ),
    Step(
        "scheduling:appointment_undo",
        _("One step back"),
        "undo-2",
        "",
        tuple(STEP_BACK),
        is_main=False,
    ),
    Step(
        "scheduling:appointment_reschedule",
        _("Other time"),
        "calendar-clock",
        "",
        (A.BOOKED, A.WAITING),
        is_main=False,
        asks_first=True,
        permission=Permission.APPOINTMENT_BOOK,
    ),
    Step(
        "scheduling:appointment_cancel",
        _("Cancel visit"),
        "calendar-x",
        A.CANCELLED,
        (A.BOOKED, A.WAITING, A.IN_ROOM, A.IN_SCAN),
        is_main=False,
        asks_first=True,
    ),
]


def steps_for(appointment: Appointment, user: User, *, has_orders: bool) -> list[Step]:
    """What ``user`` may do with ``appointment`` now; the services check it again."""
    return list(possible_steps(appointment.kind, appointment.status, has_orders, user.permissions))


@lru_cache
def possible_steps(
    kind: str, status: str, has_orders: bool, permissions: frozenset[Permission]
) -> tuple[Step, ...]:
    """What whoever has ``permissions`` may do with a visit of ``kind`` in ``status``."""
    return tuple(
        step
        for step in STEPS
        if status in step.starts_from
        and step.needs_orders in {None, has_orders}
        and step.permission_for(kind, status) in permissions
    )
