"""Orders: a new one, one with all that happened to it, those of a patient."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from audit.services import record
from clinic.http import StaffRequest, done, is_background, part_url, require
from clinic.permissions import Permission as P
from patients.records import open_patient

from .. import services
from ..cards import make_card, visits
from ..forms import OrderForm
from ..models import ImportedVisit, Order
from ..statuses import READABLE, OrderStatus, RepeatReason
from ..timeline import timeline_of
from .answers import as_seen, go_to, left, page_or_part
from .reasons import ask_reason

CANCELLABLE = [OrderStatus.ORDERED, OrderStatus.SCHEDULED, OrderStatus.ACQUIRED, OrderStatus.READING]


@require(P.ORDER_PLACE)
@require_http_methods(["GET", "POST"])
def order_new(request: StaffRequest, pk: int) -> HttpResponse:
    """Place an order for a patient; whoever books goes on to choose a time."""
    patient = open_patient(pk, request.user)
    form = OrderForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        order = services.place_order(patient, by=request.user, **form.values())
        may_book = request.user.can(P.APPOINTMENT_BOOK)
        after = _("Next: choose a time.") if may_book else _("Next: the front desk books a time.")
        done(request, _("Order %(number)s is placed.") % {"number": order.accession_number} + f" {after}")
        page = "scheduling:appointment_book" if may_book else "scheduling:order_detail"
        return go_to(request, reverse(page, args=[order.pk]))
    return page_or_part(request, "scheduling/order_new.html", "form", {"form": form, "patient": patient})


@require(P.BOARD_VIEW)
@require_GET
def order_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One order: its state, its visit, its images and its report, and how it came there."""
    order = _order(request, pk)
    if not is_background(request) and not request.htmx:
        record(by=request.user, action="order.viewed", subject=order, patient=order.patient)
    user, visit = request.user, visits().filter(pk=order.appointment_id or 0).first()
    context = {
        "order": order,
        "card": make_card(visit, user) if visit else None,
        "timeline": timeline_of(order),
        "imported": ImportedVisit.objects.filter(order=order).first(),
        "may_book": user.can(P.APPOINTMENT_BOOK) and order.needs_time,
        "may_take_off": user.can(P.APPOINTMENT_BOOK) and order.status == OrderStatus.SCHEDULED,
        "may_sign": user.can(P.ORDER_SIGN) and order.waits_for_signature,
        "may_cancel": user.can(P.ORDER_CANCEL) and order.status in CANCELLABLE,
        "may_repeat": user.can(P.EXAM_PERFORM) and order.status == OrderStatus.ACQUIRED,
        "read_url": part_url(request.user, "reporting:read", pk) if order.status in READABLE else "",
        "images_url": part_url(request.user, "imaging:order_images", pk),
        "report_url": part_url(request.user, "reporting:order_report", pk),
    }
    return page_or_part(request, "scheduling/order_detail.html", "order", context)


@require(P.ORDER_CANCEL)
@require_http_methods(["GET", "POST"])
def order_cancel(request: StaffRequest, pk: int) -> HttpResponse:
    order = _order(request, pk)
    if request.method == "POST":
        as_seen(request, order)
        services.cancel_order(order, by=request.user, reason=request.POST.get("reason", ""))
        words = _("Order %(number)s is cancelled.") % {"number": order.accession_number}
        return left(request, words, reverse("scheduling:order_detail", args=[pk]))
    return ask_reason(
        request,
        title=_("Cancel the order"),
        subject=order,
        note=_(
            "When nothing else is to be done in its visit, that is cancelled too and its time becomes free."
        ),
        button=_("Cancel the order"),
        frequent=[_("Ordered twice"), _("Wrong patient"), _("Not needed any more"), _("Patient declined")],
    )


@require(P.APPOINTMENT_BOOK)
@require_http_methods(["GET", "POST"])
def order_unschedule(request: StaffRequest, pk: int) -> HttpResponse:
    order = _order(request, pk)
    if request.method == "POST":
        as_seen(request, order)
        services.unschedule_order(order, by=request.user, reason=request.POST.get("reason", ""))
        words = _("Order %(number)s is off its visit and can be booked again.")
        return left(
            request,
            words % {"number": order.accession_number},
            reverse("scheduling:order_detail", args=[pk]),
        )
    return ask_reason(
        request,
        title=_("Take the order off its visit"),
        subject=order,
        note=_("The order stays and waits for another booking; the rest of the visit goes on."),
        button=_("Take it off"),
        frequent=[_("No time today"), _("Patient not prepared"), _("Equipment not available")],
    )


@require(P.EXAM_PERFORM)
@require_http_methods(["GET", "POST"])
def order_repeat(request: StaffRequest, pk: int) -> HttpResponse:
    order = _order(request, pk)
    if request.method == "POST":
        as_seen(request, order)
        services.request_repeat(
            order,
            by=request.user,
            reason=request.POST.get("reason", ""),
            reason_code=request.POST.get("reason_code", ""),
        )
        words = _("Images of %(patient)s are taken again: the visit is in the room once more.")
        page = ("exam", order.appointment_id) if order.appointment_id else ("order_detail", pk)
        url = reverse(f"scheduling:{page[0]}", args=[page[1]])
        return left(request, words % {"patient": order.patient.display_name}, url)
    return ask_reason(
        request,
        title=_("Repeat the examination"),
        subject=order,
        note=_("The images that are here stay. The kind of reason is counted."),
        button=_("Take images again"),
        frequent=[],
        kinds=RepeatReason.choices,
    )


@require(P.BOARD_VIEW)
@require_GET
def patient_orders(request: StaffRequest, pk: int) -> HttpResponse:
    """The orders of a patient, for the patient's page."""
    orders = Order.objects.visible_to(request.user).filter(patient=pk).newest_first()
    context = {"orders": list(orders.with_visit()), "may_book": request.user.can(P.APPOINTMENT_BOOK)}
    return render(request, "scheduling/patient_orders.html", context)


@require(P.BOARD_VIEW)
@require_GET
def order_search(request: StaffRequest) -> HttpResponse:
    """Orders whose accession number or Study Instance UID is what was typed into the search box."""
    orders = Order.objects.visible_to(request.user).numbered(request.GET.get("q", ""))
    return render(request, "scheduling/order_search.html", {"orders": list(orders.with_visit()[:5])})


def _order(request: StaffRequest, pk: int) -> Order:
    return get_object_or_404(Order.objects.visible_to(request.user).with_visit(), pk=pk)
