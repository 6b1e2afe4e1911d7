"""Records that became one."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.models import User

from .other_names import OtherName
from .people import Patient


class PatientMergeQuerySet(models.QuerySet["PatientMerge"]):
    def standing(self) -> Self:
        """Not undone."""
        return self.filter(undone_at=None)


class PatientMerge(models.Model):
    """Two records that became one, with all that is needed to part them again exactly.

    ``before`` and ``after`` hold the fields of both records (``{"survivor": {…}, "alias": {…}}``), ``moved``
    the ids of what changed hands by kind (``{"scheduling.order": [7, 9]}``), ``owned`` what the survivor had
    then, moved things included, so that what came later is known.
    """

    survivor = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="merges")
    alias = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="merges_away")
    merged_at = models.DateTimeField(auto_now_add=True)
    merged_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(_("reason"), max_length=300)
    before = models.JSONField()
    after = models.JSONField()
    moved = models.JSONField()
    owned = models.JSONField()
    # The survivor's other name that keeps the alias's name findable, where the two differ.
    added_name = models.ForeignKey(OtherName, null=True, on_delete=models.SET_NULL, related_name="+")
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    undo_reason = models.CharField(_("reason"), max_length=300, blank=True)

    objects = PatientMergeQuerySet.as_manager()

    class Meta:
        verbose_name = _("merge of two records")
        verbose_name_plural = _("merges of records")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["alias"], condition=Q(undone_at=None), name="patient_merge_stands_once"
            ),
            models.CheckConstraint(
                condition=Q(undone_at=None, undone_by=None)
                | Q(undone_at__isnull=False, undone_by__isnull=False),
                name="patient_merge_undone_by_somebody",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="patient_merge_has_a_reason"),
            models.CheckConstraint(condition=~Q(survivor=F("alias")), name="patient_merge_of_two_records"),
        ]

    def __str__(self) -> str:
        return f"{self.alias.mrn} → {self.survivor.mrn}"
