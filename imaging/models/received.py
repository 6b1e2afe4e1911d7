"""What was received but cannot be filed, and which spool files have been dealt with."""

from pathlib import Path
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.models import User

from .studies import Study


class Settlement(models.TextChoices):
    FILED = "filed", _("Filed as an image later")
    DISCARDED = "discarded", _("Discarded")
    TEST = "test", _("Connection test")


class QuarantinedQuerySet(models.QuerySet["Quarantined"]):
    def open(self) -> Self:
        return self.filter(settled_at=None)

    def discarded(self) -> Self:
        return self.filter(settled_as=Settlement.DISCARDED)


class Quarantined(models.Model):
    """An object that was received and acknowledged but cannot be shown as an image; its bytes are kept."""

    # Relative to settings.QUARANTINE_DIR.
    file = models.CharField(max_length=200, unique=True)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    reason = models.CharField(max_length=500)
    sop_instance_uid = models.CharField(max_length=200, blank=True)
    source_ae_title = models.CharField(max_length=64, blank=True)
    source_address = models.CharField(max_length=64, blank=True)
    # The study among whose images it would be, when only its identity or its bytes speak against that.
    study = models.ForeignKey(
        Study, null=True, blank=True, on_delete=models.PROTECT, related_name="quarantined"
    )
    received_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    settled_as = models.CharField(max_length=12, choices=Settlement.choices, blank=True)
    # In words: why it was discarded, what it became.
    settlement = models.CharField(max_length=300, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    # When the bytes of a discarded object were removed, by the clinic's own setting.
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = QuarantinedQuerySet.as_manager()

    class Meta:
        verbose_name = _("quarantined object")
        verbose_name_plural = _("quarantined objects")
        indexes = [models.Index(fields=["-received_at", "-id"], name="quarantined_received")]
        constraints = [
            models.CheckConstraint(
                condition=Q(settled_at=None, settled_as="")
                | Q(settled_at__isnull=False, settled_as__in=Settlement.values),
                name="quarantined_settled_says_how",
            ),
            models.CheckConstraint(
                condition=Q(removed_at=None) | Q(settled_as=Settlement.DISCARDED),
                name="quarantined_only_discarded_is_removed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sop_instance_uid}: {self.reason}"

    @property
    def path(self) -> Path:
        return Path(settings.QUARANTINE_DIR) / self.file


class SettledSpoolFile(models.Model):
    """A spool file that has become rows but is perhaps still there: so that it is counted once.

    Written with the rows, removed when the file is gone; see ``imaging.ingest``.
    """

    name = models.CharField(max_length=100, unique=True)

    class Meta:
        verbose_name = _("settled spool file")
        verbose_name_plural = _("settled spool files")

    def __str__(self) -> str:
        return self.name
