"""Examinations of the past, from a list that the clinic kept before Cedar."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from audit.services import Event, record, record_many
from clinic.errors import Conflict, NotAllowed
from clinic.live import announce
from clinic.models import User
from clinic.permissions import Permission
from patients.models import Patient

from .days import clinic_zone
from .models import BillingState, ImportedVisit, Modality, Order, Procedure, Referrer
from .numbers import next_accession_numbers
from .statuses import OrderStatus

NOON = dt.time(12)


@dataclass(frozen=True, kw_only=True)
class PastVisit:
    """One examination as the list has it. ``is_reported`` says that its report comes with it."""

    patient: Patient
    procedure: Procedure
    visited_on: dt.date
    indication: str
    referrer: Referrer | None
    billing: str
    is_reported: bool
    visit_key: str
    row_key: str
    source: str
    original: dict[str, Any]


@transaction.atomic
def import_visits(visits: Sequence[PastVisit], *, by: User) -> list[Order]:
    """Orders for examinations that are over, with their place in the list they came from.

    A list knows days, not hours: every time of such an order is noon of its day. There is no flow event,
    because the figures about waiting and reading times must not count what nobody measured. Reported ones are
    released (they left the clinic long ago), the others wait to be read.
    """
    _require_import(by)
    zone = clinic_zone()
    numbers = next_accession_numbers(len(visits))
    orders = []
    for visit, number in zip(visits, numbers, strict=True):
        at = dt.datetime.combine(visit.visited_on, NOON, tzinfo=zone)
        orders.append(
            Order(
                accession_number=number,
                patient=visit.patient,
                procedure=visit.procedure,
                indication=visit.indication,
                referrer=visit.referrer,
                ordered_by=by,
                status=OrderStatus.RELEASED if visit.is_reported else OrderStatus.ACQUIRED,
                acquired_at=at,
                reported_at=at if visit.is_reported else None,
                released_at=at if visit.is_reported else None,
            )
        )
    Order.objects.bulk_create(orders)
    ImportedVisit.objects.bulk_create(
        ImportedVisit(
            order=order,
            visited_on=visit.visited_on,
            visit_key=visit.visit_key,
            row_key=visit.row_key,
            source=visit.source[:300],
            original=visit.original,
            billing=visit.billing,
            imported_by=by,
        )
        for visit, order in zip(visits, orders, strict=True)
    )
    made = Order.objects.filter(pk__in=[order.pk for order in orders])
    examined_at = Subquery(Order.objects.filter(pk=OuterRef("pk")).values("acquired_at")[:1])
    made.update(ordered_at=examined_at, status_changed_at=examined_at)
    for order in orders:
        order.ordered_at = order.status_changed_at = order.acquired_at or order.ordered_at
    record_many(
        (
            Event(
                "order.imported",
                order,
                order.patient,
                {
                    "procedure": [None, order.procedure.name],
                    "date": [None, visit.visited_on.isoformat()],
                    "billing": [None, visit.billing],
                },
                visit.source[:300],
            )
            for visit, order in zip(visits, orders, strict=True)
        ),
        by=by,
    )
    if any(not visit.is_reported for visit in visits):
        announce("board")
    return orders


@transaction.atomic
def change_billing(visit: ImportedVisit, *, by: User, billing: str) -> None:
    """The list says another billing state now; compared and set."""
    _require_import(by)
    if billing not in BillingState.values:
        raise ValueError(f"not a billing state: {billing!r}")
    if not ImportedVisit.objects.filter(pk=visit.pk, billing=visit.billing).update(billing=billing):
        raise Conflict(_("The billing state was changed meanwhile."))
    record(
        by=by,
        action="order.billing_changed",
        subject=visit.order,
        patient=visit.order.patient,
        changes={"billing": [visit.billing, billing]},
    )
    announce(f"order.{visit.order_id}", f"patient.{visit.order.patient_id}")
    visit.billing = billing


def procedure_for_import(modality: str) -> Procedure:
    """What an examination is that the catalogue does not have: not offered, one a modality."""
    if modality not in Modality.values:
        modality = Modality.OT.value
    name = _("Earlier examination")
    if modality != Modality.OT:
        name = f"{name}, {Modality(modality).label}"
    procedure, _made = Procedure.objects.get_or_create(
        code=f"EARLIER-{modality}",
        defaults={"name": name[:64], "modality": modality, "is_active": False},
    )
    return procedure


def known_visits(row_keys: Collection[str], visit_keys: Collection[str]) -> list[ImportedVisit]:
    """What was imported already under any of these keys."""
    by_row = ImportedVisit.objects.filter(row_key__in=row_keys)
    by_visit = ImportedVisit.objects.filter(visit_key__in=visit_keys)
    return list((by_row | by_visit).select_related("order__patient", "order__procedure").defer("original"))


def _require_import(by: User) -> None:
    if not by.can(Permission.RECORDS_IMPORT):
        raise NotAllowed(_("Your role does not include importing examinations."))
