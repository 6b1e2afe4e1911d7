"""Requested procedures, and every step of them and of their visits."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.models import User
from patients.models import Patient

from ..statuses import OCCUPYING, OrderStatus, Priority
from .appointments import Appointment
from .catalogue import Procedure, Referrer


def new_study_uid() -> str:
    """A Study Instance UID made from a UUID (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid4().int}"


class OrderQuerySet(models.QuerySet["Order"]):
    def open(self) -> Self:
        return self.exclude(status__in=[OrderStatus.RELEASED, OrderStatus.CANCELLED])

    def unread(self) -> Self:
        return self.filter(status__in=[OrderStatus.ACQUIRED, OrderStatus.READING])

    def for_patient(self, patient: Patient) -> Self:
        return self.filter(patient=patient)

    def numbered(self, number: str) -> Self:
        """Those whose accession number or Study Instance UID is ``number``."""
        number = number.strip()
        return self.filter(Q(accession_number__iexact=number) | Q(study_instance_uid=number))

    def to_sign(self) -> Self:
        """A clinician's signature is missing, and the examination is still to be done."""
        return self.filter(
            needs_signature=True,
            signed_at__isnull=True,
            status__in=[OrderStatus.ORDERED, OrderStatus.SCHEDULED],
        )

    def with_visit(self) -> Self:
        """With everything that a line or a page about an order names."""
        return self.select_related(
            "patient", "procedure", "referrer", "reader", "signed_by", "appointment__station"
        )

    def newest_first(self) -> Self:
        return self.order_by("-pk")

    def visible_to(self, user: User) -> Self:
        """Everybody who works here sees every order; referrers will see only their own."""
        return self.all()


class Order(models.Model):
    """One requested procedure: the thread from the front desk to the released report.

    ``accession_number`` and ``study_instance_uid`` are made once and never change: the worklist serves the
    same pair on every query.
    """

    accession_number = models.CharField(_("accession number"), max_length=16, unique=True)
    study_instance_uid = models.CharField(
        _("Study Instance UID"), max_length=64, unique=True, default=new_study_uid
    )
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="orders")
    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="orders")
    appointment = models.ForeignKey(
        Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="orders"
    )
    priority = models.CharField(
        _("priority"), max_length=8, choices=Priority.choices, default=Priority.ROUTINE
    )
    indication = models.TextField(_("reason for the examination"))
    referrer = models.ForeignKey(
        Referrer, null=True, blank=True, on_delete=models.PROTECT, related_name="orders"
    )
    ordered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="orders_placed")
    needs_signature = models.BooleanField(_("needs a clinician's signature"), default=False)
    signed_at = models.DateTimeField(_("signed at"), null=True, blank=True)
    signed_by = models.ForeignKey(
        User,
        verbose_name=_("signed by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="orders_signed",
    )
    status = models.CharField(
        _("status"), max_length=12, choices=OrderStatus.choices, default=OrderStatus.ORDERED
    )
    status_changed_at = models.DateTimeField(auto_now_add=True)
    reader = models.ForeignKey(
        User,
        verbose_name=_("read by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="orders_read",
    )
    ordered_at = models.DateTimeField(auto_now_add=True)
    acquired_at = models.DateTimeField(null=True, blank=True)
    reported_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    # Told by whoever files the images (``note_images_arrived``), so that a list of orders need not ask.
    image_count = models.PositiveIntegerField(_("images"), default=0)
    cancel_reason = models.CharField(_("reason for cancelling"), max_length=200, blank=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        indexes = [models.Index(fields=["status", "priority"], name="order_status_priority")]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=OrderStatus.values), name="order_status_is_known"),
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="order_priority_is_known"),
            models.CheckConstraint(condition=~Q(indication=""), name="order_has_an_indication"),
            models.CheckConstraint(
                condition=~Q(status=OrderStatus.CANCELLED) | ~Q(cancel_reason=""),
                name="order_cancelled_has_reason",
            ),
            models.CheckConstraint(
                condition=~Q(status=OrderStatus.READING) | Q(reader__isnull=False),
                name="order_reading_has_reader",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[OrderStatus.REPORTED, OrderStatus.RELEASED])
                | Q(reported_at__isnull=False),
                name="order_reported_has_time",
            ),
            models.CheckConstraint(
                condition=Q(signed_at__isnull=True, signed_by__isnull=True)
                | Q(signed_at__isnull=False, signed_by__isnull=False),
                name="order_signed_has_signer_and_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.accession_number} {self.procedure}"

    @property
    def needs_time(self) -> bool:
        """Not booked yet, or its visit did not happen."""
        if self.status == OrderStatus.SCHEDULED:
            return self.appointment is None or self.appointment.status not in OCCUPYING
        return self.status == OrderStatus.ORDERED

    @property
    def waits_for_signature(self) -> bool:
        return self.needs_signature and self.signed_at is None


class FlowEvent(models.Model):
    """One step of an order or an appointment: the append-only source of every figure about time."""

    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="events")
    appointment = models.ForeignKey(Appointment, null=True, on_delete=models.PROTECT, related_name="events")
    from_status = models.CharField(max_length=12, blank=True)
    to_status = models.CharField(max_length=12)
    reason = models.CharField(max_length=200, blank=True)
    reason_code = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [models.Index(fields=["at"], name="flow_event_at")]
        constraints = [
            models.CheckConstraint(
                condition=Q(order__isnull=False) ^ Q(appointment__isnull=False),
                name="flow_event_is_of_one_thing",
            )
        ]

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"
