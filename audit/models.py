"""The audit trail: who did, saw or changed what. Rows are only ever added."""

from typing import Self

from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _


class EntryQuerySet(models.QuerySet["Entry"]):
    def for_patient(self, patient_id: int) -> Self:
        return self.filter(patient_id=patient_id)

    def newest_first(self) -> Self:
        return self.order_by("-pk")


class Entry(models.Model):
    """One event. Labels and ids, never foreign keys: an entry outlives what it speaks of.

    A trigger (migration 0002) refuses UPDATE, DELETE and TRUNCATE.
    """

    at = models.DateTimeField(_("when"), auto_now_add=True)
    actor_id = models.BigIntegerField(_("user id"))
    actor_label = models.CharField(_("who"), max_length=200)
    action = models.CharField(_("what"), max_length=60)
    subject_type = models.CharField(_("kind"), max_length=60, blank=True)
    subject_id = models.CharField(_("id"), max_length=64, blank=True)
    subject_label = models.CharField(_("of"), max_length=300, blank=True)
    patient_id = models.BigIntegerField(_("patient id"), null=True)
    patient_label = models.CharField(_("patient"), max_length=300, blank=True)
    changes = models.JSONField(_("changes"), default=dict)
    reason = models.TextField(_("reason"), blank=True)
    address = models.CharField(_("from"), max_length=100, blank=True)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        indexes = [
            models.Index(fields=["patient_id", "-id"], name="audit_patient"),
            models.Index(fields=["actor_id", "-id"], name="audit_actor"),
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["subject_type", "subject_id"], name="audit_subject"),
            BrinIndex(fields=["at"], name="audit_at"),
            GinIndex(OpClass(Upper("patient_label"), name="gin_trgm_ops"), name="audit_patient_label"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_label} {self.action} {self.subject_label}"
