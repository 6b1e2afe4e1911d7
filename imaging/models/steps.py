"""What machines tell about their examinations by MPPS."""

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.models import User
from scheduling.models import Order

from .studies import UID_LENGTH


class StepState(models.TextChoices):
    IN_PROGRESS = "in_progress", _("In progress")
    COMPLETED = "completed", _("Completed")
    DISCONTINUED = "discontinued", _("Broken off")


class PerformedStepQuerySet(models.QuerySet["PerformedStep"]):
    def unlinked(self) -> Self:
        """Of no order, as far as the machine or a person has said."""
        return self.filter(orders=None, dismissed_by=None)

    def unsettled(self) -> Self:
        """Completed, and the images that it names were not all here yet."""
        return self.filter(state=StepState.COMPLETED, settled_at=None).exclude(orders=None)


class PerformedStep(models.Model):
    """What a machine told about an examination by MPPS (PS3.4 Annex F, PS3.3 C.4.13-16).

    ``attributes`` is all of it in the DICOM JSON model, ``dose`` what it says about radiation, by keyword.
    The patient is as the machine wrote it. One step may be of several orders that were done in one go.
    """

    sop_instance_uid = models.CharField(max_length=UID_LENGTH, unique=True)
    state = models.CharField(max_length=12, choices=StepState.choices, default=StepState.IN_PROGRESS)
    orders = models.ManyToManyField(Order, related_name="performed_steps")
    # Why the order that the machine names was not followed.
    unlinked_reason = models.CharField(max_length=300, blank=True)
    dismissed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # What the house did not do although the machine said so, because something spoke against it.
    note = models.CharField(max_length=300, blank=True)
    source_ae_title = models.CharField(max_length=16, blank=True)
    source_address = models.CharField(max_length=64, blank=True)
    station_ae_title = models.CharField(max_length=16, blank=True)
    step_id = models.CharField(max_length=64, blank=True)
    study_instance_uid = models.CharField(max_length=UID_LENGTH, blank=True)
    accession_number = models.CharField(max_length=64, blank=True)
    modality = models.CharField(max_length=16, blank=True)
    description = models.CharField(max_length=200, blank=True)
    patient_id = models.CharField(max_length=64, blank=True)
    issuer = models.CharField(max_length=64, blank=True)
    patient_name = models.CharField(max_length=324, blank=True)
    birth_date = models.CharField(max_length=18, blank=True)
    sex = models.CharField(max_length=16, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    discontinuation_reason = models.CharField(max_length=200, blank=True)
    discontinuation_code = models.CharField(max_length=40, blank=True)
    # The objects that it made, as the machine lists them.
    instance_uids = ArrayField(models.CharField(max_length=UID_LENGTH), default=list, blank=True)
    dose = models.JSONField(default=dict, blank=True)
    attributes = models.JSONField(default=dict)
    received_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    objects = PerformedStepQuerySet.as_manager()

    class Meta:
        verbose_name = _("performed procedure step")
        verbose_name_plural = _("performed procedure steps")
        indexes = [
            models.Index(fields=["study_instance_uid"], name="performed_step_study"),
            models.Index(
                fields=["changed_at"],
                name="performed_step_unsettled",
                condition=Q(state="completed", settled_at=None),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=StepState.values), name="performed_step_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state=StepState.IN_PROGRESS) | Q(ended_at__isnull=False),
                name="performed_step_final_has_end",
            ),
        ]

    def __str__(self) -> str:
        return self.description or self.step_id or self.sop_instance_uid
