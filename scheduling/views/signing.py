"""Orders that wait for a clinician's signature."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from clinic.http import StaffRequest, require
from clinic.permissions import Permission as P

from .. import services
from ..cards import PRIORITY_RANK
from ..models import Order
from .answers import moved, page_or_part


@require(P.ORDER_SIGN)
@require_GET
def orders_to_sign(request: StaffRequest) -> HttpResponse:
    """The most urgent first, then the earliest visit."""
    waiting = Order.objects.visible_to(request.user).to_sign().with_visit().select_related("ordered_by")
    orders = sorted(
        waiting.order_by("appointment__starts_at", "pk"), key=lambda order: PRIORITY_RANK[order.priority]
    )
    return page_or_part(request, "scheduling/orders_to_sign.html", "orders", {"orders": orders})


@require(P.ORDER_SIGN)
@require_POST
def order_sign(request: StaffRequest, pk: int) -> HttpResponse:
    order = get_object_or_404(Order.objects.visible_to(request.user).with_visit(), pk=pk)
    services.sign_order(order, by=request.user)
    words = _("Order %(number)s of %(patient)s is signed.")
    names = {"number": order.accession_number, "patient": order.patient.display_name}
    return moved(request, words % names, back_to=reverse("scheduling:orders_to_sign"))
