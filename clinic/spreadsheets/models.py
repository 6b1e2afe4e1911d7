"""What was imported by whom, how far it is, and which files are in already."""

from pathlib import Path
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.models import User
from patients.models import Patient


class RunState(models.TextChoices):
    UPLOADED = "uploaded", _("Uploaded")
    CHECKING = "checking", _("Being checked")
    CHECKED = "checked", _("Checked")
    IMPORTING = "importing", _("Being imported")
    DONE = "done", _("Imported")
    FAILED = "failed", _("Failed")


# From which state into which, by a person's click or the worker.
RUN_MOVES: dict[str, set[str]] = {
    RunState.UPLOADED: {RunState.CHECKING},
    RunState.CHECKING: {RunState.CHECKED, RunState.FAILED, RunState.CHECKING},
    RunState.CHECKED: {RunState.CHECKING, RunState.IMPORTING},
    RunState.IMPORTING: {RunState.DONE, RunState.FAILED, RunState.IMPORTING},
    RunState.DONE: set(),
    RunState.FAILED: {RunState.CHECKING},
}


class SpreadsheetRunQuerySet(models.QuerySet["SpreadsheetRun"]):
    def newest_first(self) -> Self:
        return self.order_by("-pk")


class SpreadsheetRun(models.Model):
    """A list that the administrator uploaded, on its way into the records."""

    name = models.CharField(_("file"), max_length=200)
    # Relative to settings.DOCUMENTS_DIR; the names are ours.
    file = models.CharField(max_length=200)
    sheet = models.CharField(_("sheet"), max_length=200, blank=True)
    # {"heading": "field"}, for the columns where a person said so.
    columns = models.JSONField(default=dict)
    dates = models.CharField(max_length=3, blank=True)
    names = models.CharField(max_length=6, default="given")
    takes_unread = models.BooleanField(default=False)
    state = models.CharField(_("state"), max_length=10, choices=RunState.choices, default=RunState.UPLOADED)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    # What ``importing.Result`` counted, and its notes and refused rows as far as they are shown.
    result = models.JSONField(default=dict)
    # Relative to settings.DOCUMENTS_DIR; empty when no row was refused.
    refused_file = models.CharField(max_length=200, blank=True)
    problem = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    finished_at = models.DateTimeField(null=True)

    objects = SpreadsheetRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("spreadsheet")
        verbose_name_plural = _("spreadsheets")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=RunState.values), name="spreadsheet_run_state_is_known"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        return Path(settings.DOCUMENTS_DIR) / self.file

    @property
    def refused_path(self) -> Path:
        return Path(settings.DOCUMENTS_DIR) / self.refused_file

    @property
    def is_busy(self) -> bool:
        return self.state in {RunState.CHECKING, RunState.IMPORTING}

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // self.total) if self.total else 0


class ImportedFile(models.Model):
    """An image or document of an image log that is in the archive already, or on its way there."""

    # SHA-256 over the file's content and whose it is.
    key = models.CharField(max_length=64, unique=True)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=300)
    sop_instance_uid = models.CharField(max_length=64)
    imported_at = models.DateTimeField(auto_now_add=True)
    imported_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("imported file")
        verbose_name_plural = _("imported files")

    def __str__(self) -> str:
        return self.name
