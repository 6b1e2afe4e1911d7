"""Scans and PDFs about patients."""

from pathlib import Path
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.models import User

from .people import Patient


class DocumentKind(models.TextChoices):
    CONSENT = "consent", _("Consent")
    REFERRAL = "referral", _("Referral letter")
    OUTSIDE_REPORT = "outside_report", _("Report from elsewhere")
    IDENTITY = "identity", _("Proof of identity or insurance")
    OTHER = "other", _("Other")


class PatientDocumentQuerySet(models.QuerySet["PatientDocument"]):
    def kept(self) -> Self:
        """Not removed."""
        return self.filter(removed_at=None)


class PatientDocument(models.Model):
    """A scan or PDF about a patient. A removed one is no longer shown; its file stays for the audit."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(
        _("kind"), max_length=16, choices=DocumentKind.choices, default=DocumentKind.OTHER
    )
    title = models.CharField(_("title"), max_length=120)
    # Relative to settings.DOCUMENTS_DIR; the names are ours, never what somebody's computer called it.
    file = models.CharField(max_length=200, unique=True)
    media_type = models.CharField(max_length=40)
    size = models.BigIntegerField()
    # Of the file as it is kept, and as it was handed in: the same scan twice is refused.
    sha256 = models.CharField(max_length=64)
    received_sha256 = models.CharField(max_length=64)
    added_at = models.DateTimeField(auto_now_add=True)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    removed_at = models.DateTimeField(null=True)
    removed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    removal_reason = models.CharField(_("reason"), max_length=200, blank=True)

    objects = PatientDocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=DocumentKind.values), name="document_kind_known"),
            models.CheckConstraint(
                condition=Q(media_type__in=["application/pdf", "image/jpeg", "image/png"]),
                name="document_media_type_known",
            ),
            models.CheckConstraint(
                condition=Q(removed_at=None, removed_by=None, removal_reason="")
                | (Q(removed_at__isnull=False, removed_by__isnull=False) & ~Q(removal_reason="")),
                name="document_removed_has_who_and_why",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def path(self) -> Path:
        return Path(settings.DOCUMENTS_DIR) / self.file
