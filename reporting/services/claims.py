"""Taking the next study to read."""

from django.db.models import Q

from clinic.errors import Conflict
from clinic.models import User
from scheduling.models import Order
from scheduling.orders import claim_order
from scheduling.statuses import OrderStatus

from ..reading import Whose, narrowed, reading_queue


def claim_next(*, by: User, skip: int = 0, whose: str = Whose.EVERYONES) -> Order | None:
    """The most urgent study that is ``by``'s already or nobody's, claimed; None when everything is read.

    ``skip`` is the order that ``by`` comes from and does not want again; ``whose`` is the list that is open.
    """
    mine_or_free = Q(status=OrderStatus.ACQUIRED) | Q(status=OrderStatus.READING, reader=by)
    for order in narrowed(reading_queue(by), by, whose).filter(mine_or_free).exclude(pk=skip):
        try:
            return claim_order(order, by=by)
        except Conflict:
            # Someone else was faster; the one after it will do.
            continue
    return None
