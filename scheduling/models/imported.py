"""Examinations of the past, from lists that the clinic kept before Cedar."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.models import User

from .orders import Order


class BillingState(models.TextChoices):
    PAID = "paid", _("Paid")
    PENDING = "pending", _("Pending")
    NOT_PAID = "not_paid", _("Not paid")
    UNKNOWN = "unknown", _("Not known")


class ImportedVisit(models.Model):
    """Where an order of the past came from: a row of a list that the clinic kept before.

    ``row_key`` is a hash of what the row says, ``visit_key`` of whom, when and why: so a list can be
    imported again and nothing is made twice. ``original`` keeps the row as it was written. ``billing`` is
    what the list said about money; charges and payments of Cedar's own take it from here.
    """

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="imported")
    visited_on = models.DateField(_("date of the visit"))
    visit_key = models.CharField(max_length=64, unique=True)
    row_key = models.CharField(max_length=64, unique=True)
    source = models.CharField(_("from"), max_length=300)
    original = models.JSONField()
    billing = models.CharField(
        _("billing"), max_length=8, choices=BillingState.choices, default=BillingState.UNKNOWN
    )
    imported_at = models.DateTimeField(auto_now_add=True)
    imported_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("imported examination")
        verbose_name_plural = _("imported examinations")
        indexes = [models.Index(fields=["visited_on"], name="imported_visit_day")]
        constraints = [
            models.CheckConstraint(
                condition=Q(billing__in=BillingState.values), name="imported_visit_billing_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order.accession_number} {self.visited_on}"
