"""What this room adds to a patient's timeline: visits and orders."""

from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.models import User
from clinic.permissions import Permission
from patients.models import Patient
from patients.timeline import Kind, Moment, register

from .models import Appointment, Order


def add_sources() -> None:
    register(Kind.VISITS, Permission.BOARD_VIEW, _visits)
    register(Kind.ORDERS, Permission.BOARD_VIEW, _orders)


def _visits(patient: Patient, user: User, limit: int) -> list[Moment]:
    visits = (
        Appointment.objects.visible_to(user)
        .filter(patient=patient)
        .select_related("station", "doctor")
        .prefetch_related("orders__procedure")
        .order_by("-starts_at")
    )
    return [
        Moment(
            at=visit.starts_at,
            kind=Kind.VISITS,
            title=_("Visit at %(place)s") % {"place": visit.station or visit.doctor},
            detail=", ".join([*(str(order.procedure) for order in visit.orders.all()), *_why(visit)]),
            status=(visit.status, visit.get_status_display()),
        )
        for visit in visits[:limit]
    ]


def _why(visit: Appointment) -> list[str]:
    return [visit.cancel_reason] if visit.cancel_reason else []


def _orders(patient: Patient, user: User, limit: int) -> list[Moment]:
    orders = Order.objects.visible_to(user).for_patient(patient).with_visit().order_by("-ordered_at")
    return [
        Moment(
            at=order.ordered_at,
            kind=Kind.ORDERS,
            title=str(order.procedure),
            detail=" · ".join(
                part for part in [order.accession_number, order.indication, str(order.referrer or "")] if part
            ),
            url=reverse("scheduling:order_detail", args=[order.pk]),
            status=(order.status, order.get_status_display()),
            template="scheduling/_order_moment.html",
            thing=order,
        )
        for order in orders[:limit]
    ]
