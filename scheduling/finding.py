"""Orders by what stands on their label, for the search box of the patients."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.models import User
from clinic.permissions import Permission
from patients.finders import Finding

from .models import Order

SHORTEST = 4  # characters from which on the beginning of a number is looked for
_SHORTEST_UID = 12  # every UID made from a UUID begins with 2.25.
_AT_MOST = 5


def find_orders(text: str, user: User) -> Iterator[Finding]:
    """Orders whose accession number or Study Instance UID is ``text`` or begins with it."""
    text = text.strip()
    if len(text) < SHORTEST or not any(letter.isdecimal() for letter in text):
        return
    if not user.can(Permission.BOARD_VIEW):
        return
    orders = Order.objects.visible_to(user).select_related("procedure").order_by()
    found = list(orders.filter(accession_number__in={text, text.upper()}))
    if not found:
        beginning = orders.filter(accession_number__startswith=text.upper())
        found = list(beginning.order_by("accession_number")[:_AT_MOST])
    for order in found:
        yield Finding(order.patient_id, _("order %(order)s") % {"order": order}, _page(order))
    if len(text) < _SHORTEST_UID or set(text) - set("0123456789."):
        return
    for order in orders.filter(study_instance_uid__startswith=text)[:_AT_MOST]:
        yield Finding(
            order.patient_id, _("Study Instance UID of order %(order)s") % {"order": order}, _page(order)
        )


def _page(order: Order) -> str:
    return reverse("scheduling:order_detail", args=[order.pk])
