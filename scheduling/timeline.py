"""What has happened to an order and its visit, oldest first, in words."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clinic.models import User

from .models import FlowEvent, ImportedVisit, Order
from .statuses import AppointmentStatus as A
from .statuses import OrderStatus as O

# (is it the order's event, from, to) in words; "" is any.
WORDS: dict[tuple[bool, str, str], str | Promise] = {
    (True, "", O.ORDERED): _("Ordered"),
    (True, O.SCHEDULED, O.ORDERED): _("Waits for another booking"),
    (True, O.ORDERED, O.SCHEDULED): _("Scheduled"),
    (True, O.ACQUIRED, O.SCHEDULED): _("Repeat requested"),
    (True, "", O.ACQUIRED): _("Images taken"),
    (True, O.READING, O.ACQUIRED): _("Handed back by the reader"),
    (True, "", O.READING): _("Claimed for reading"),
    (True, "", O.REPORTED): _("Report signed"),
    (True, "", O.RELEASED): _("Result released"),
    (True, "", O.CANCELLED): _("Order cancelled"),
    (False, "", A.BOOKED): _("Visit booked"),
    (False, A.WAITING, A.BOOKED): _("Check-in undone"),
    (False, A.NO_SHOW, A.BOOKED): _("“Did not come” undone"),
    (False, "", A.WAITING): _("Arrived"),
    (False, A.IN_ROOM, A.WAITING): _("Back to the waiting room"),
    (False, A.NO_SHOW, A.WAITING): _("Came after all"),
    (False, "", A.IN_ROOM): _("Called in"),
    (False, A.IN_SCAN, A.IN_ROOM): _("Start undone"),
    (False, A.REVIEW, A.IN_ROOM): _("Back in the room"),
    (False, "", A.IN_SCAN): _("Examination started"),
    (False, "", A.REVIEW): _("Ready for review"),
    (False, "", A.COMPLETED): _("Visit completed"),
    (False, "", A.NO_SHOW): _("Did not come"),
    (False, "", A.CANCELLED): _("Visit cancelled"),
}


@dataclass(frozen=True)
class Moment:
    at: dt.datetime
    by: User
    text: str | Promise
    reason: str


def timeline_of(order: Order) -> list[Moment]:
    """The steps of the order and of the visit it is on now."""
    mine = Q(order=order)
    if order.appointment_id is not None:
        mine |= Q(appointment=order.appointment_id)
    begun: list[Moment] = []
    imported = ImportedVisit.objects.filter(order=order).select_related("imported_by").first()
    if imported is not None:
        words = _("Imported from a list")
        begun = [Moment(imported.imported_at, imported.imported_by, words, imported.source)]
    events = FlowEvent.objects.filter(mine).select_related("by").order_by("at", "pk")
    return begun + [Moment(event.at, event.by, words_of(event), event.reason) for event in events]


def words_of(event: FlowEvent) -> str | Promise:
    is_order = event.order_id is not None
    if event.from_status == event.to_status:
        return _("Broken off at the machine")
    exact = WORDS.get((is_order, event.from_status, event.to_status))
    return exact or WORDS[(is_order, "", event.to_status)]
