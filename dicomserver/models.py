"""The machines that speak DICOM with the clinic."""

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from scheduling.models import AE_TITLE


class RemoteAEState(models.TextChoices):
    WANTS_TO_CONNECT = "wants_to_connect", _("Wants to connect")
    ACCEPTED = "accepted", _("Accepted")
    REFUSED = "refused", _("Refused")


class RemoteAEQuerySet(models.QuerySet["RemoteAE"]):
    def accepted(self) -> Self:
        return self.filter(state=RemoteAEState.ACCEPTED)


class RemoteAE(models.Model):
    """A modality, archive or workstation, known by its AE title.

    One that calls for the first time is listed as "wants to connect" and rejected until the administrator
    accepts it.
    """

    ae_title = models.CharField(_("AE title"), max_length=16, unique=True, validators=[AE_TITLE])
    description = models.CharField(_("description"), max_length=100, blank=True)
    host = models.CharField(_("address"), max_length=255, blank=True, help_text=_("For sending to it."))
    port = models.PositiveIntegerField(_("port"), null=True, blank=True)
    allowed_addresses = ArrayField(
        models.CharField(max_length=64),
        verbose_name=_("may call from"),
        default=list,
        blank=True,
        help_text=_("IP addresses or networks, as 192.168.1.0/24; empty: from anywhere."),
    )
    character_set = models.CharField(_("character set"), max_length=64, default="ISO_IR 192")
    state = models.CharField(
        _("state"), max_length=20, choices=RemoteAEState.choices, default=RemoteAEState.WANTS_TO_CONNECT
    )
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True, editable=False)
    last_address = models.CharField(_("last address"), max_length=64, blank=True, editable=False)

    objects = RemoteAEQuerySet.as_manager()

    class Meta:
        verbose_name = _("DICOM node")
        verbose_name_plural = _("DICOM nodes")
        ordering = ["ae_title"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RemoteAEState.values), name="remote_ae_state_known")
        ]

    def __str__(self) -> str:
        return self.ae_title


class Association(models.Model):
    """One call by a remote AE, as the administrator reads it in the log."""

    at = models.DateTimeField(auto_now_add=True)
    calling_ae_title = models.CharField(max_length=16)
    called_ae_title = models.CharField(max_length=16)
    address = models.CharField(max_length=64)
    outcome = models.CharField(max_length=300)
    stored = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("association")
        verbose_name_plural = _("associations")
        indexes = [models.Index(fields=["-at"], name="association_at")]

    def __str__(self) -> str:
        return f"{self.calling_ae_title} {self.outcome}"
