"""Studies, series and instances (PS3.3 A.1.2), and what was received but cannot be filed."""

from pathlib import Path
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.models import User
from clinic.permissions import Permission
from patients.models import Patient
from scheduling.models import Order

UID_LENGTH = 64  # PS3.5 table 6.2-1


class StudyState(models.TextChoices):
    LINKED = "linked", _("Linked to an order")
    FILED = "filed", _("Filed with a patient")
    HELD = "held", _("Held: whose is it?")


class StudyQuerySet(models.QuerySet["Study"]):
    def held(self) -> Self:
        return self.filter(state=StudyState.HELD)

    def for_patient(self, patient: Patient) -> Self:
        return self.filter(patient=patient)

    def visible_to(self, user: User) -> Self:
        """Who may see images sees what is filed; what is held only who may say whose it is."""
        if not user.can(Permission.STUDY_VIEW):
            return self.none()
        return self if user.can(Permission.STUDY_RECONCILE) else self.exclude(state=StudyState.HELD)


class Study(models.Model):
    """All images of one examination.

    ``received_*`` is the identity as the sender wrote it; it is never overwritten. A study whose identity
    does not agree with its order is *held*: it has no patient and no order until a person decides.
    """

    study_instance_uid = models.CharField(max_length=UID_LENGTH, unique=True)
    state = models.CharField(max_length=8, choices=StudyState.choices)
    patient = models.ForeignKey(
        Patient, null=True, blank=True, on_delete=models.PROTECT, related_name="studies"
    )
    order = models.OneToOneField(Order, null=True, blank=True, on_delete=models.PROTECT, related_name="study")
    # The order that the images point at when they are held because of a difference.
    candidate_order = models.ForeignKey(
        Order, null=True, blank=True, on_delete=models.PROTECT, related_name="held_studies"
    )
    held_reason = models.CharField(max_length=300, blank=True)
    # {"patient_name": ["in the images", "in the order"], …}
    differences = models.JSONField(default=dict, blank=True)
    resolved_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    received_patient_id = models.CharField(max_length=64, blank=True)
    received_issuer = models.CharField(max_length=64, blank=True)
    received_patient_name = models.CharField(max_length=324, blank=True)
    received_birth_date = models.CharField(max_length=18, blank=True)
    received_sex = models.CharField(max_length=16, blank=True)
    received_accession_number = models.CharField(max_length=64, blank=True)
    description = models.CharField(max_length=200, blank=True)
    modalities = ArrayField(models.CharField(max_length=16), default=list)
    performed_at = models.DateTimeField(null=True, blank=True)
    source_ae_title = models.CharField(max_length=16, blank=True)
    series_count = models.PositiveIntegerField(default=0)
    instance_count = models.PositiveIntegerField(default=0)
    first_received_at = models.DateTimeField(auto_now_add=True)
    last_received_at = models.DateTimeField()
    stable_at = models.DateTimeField(null=True, blank=True)

    objects = StudyQuerySet.as_manager()

    class Meta:
        verbose_name = _("study")
        verbose_name_plural = _("studies")
        indexes = [
            models.Index(fields=["-last_received_at"], name="study_last_received"),
            models.Index(fields=["performed_at"], name="study_performed"),
            models.Index(
                fields=["received_accession_number"], name="study_received_accession", condition=Q(order=None)
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=StudyState.values), name="study_state_is_known"),
            models.CheckConstraint(
                condition=~Q(state=StudyState.LINKED) | Q(order__isnull=False, patient__isnull=False),
                name="study_linked_has_order_and_patient",
            ),
            models.CheckConstraint(
                condition=~Q(state=StudyState.FILED) | Q(patient__isnull=False),
                name="study_filed_has_patient",
            ),
            models.CheckConstraint(
                condition=~Q(state=StudyState.HELD)
                | (Q(order__isnull=True, patient__isnull=True) & ~Q(held_reason="")),
                name="study_held_belongs_to_nobody_and_says_why",
            ),
        ]

    def __str__(self) -> str:
        return self.description or self.study_instance_uid


class Series(models.Model):
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="series")
    series_instance_uid = models.CharField(max_length=UID_LENGTH)
    modality = models.CharField(max_length=16, blank=True)
    number = models.BigIntegerField(null=True, blank=True)
    description = models.CharField(max_length=200, blank=True)
    body_part = models.CharField(max_length=64, blank=True)
    laterality = models.CharField(max_length=16, blank=True)
    instance_count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("series")
        verbose_name_plural = _("series")
        ordering = ["number", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["study", "series_instance_uid"], name="series_unique_in_study")
        ]

    def __str__(self) -> str:
        return self.description or f"{self.modality} {self.number or ''}".strip()


class Instance(models.Model):
    """One stored SOP instance. The file holds the data set exactly as received, behind file meta of ours.

    ``metadata`` is DICOM JSON (PS3.18 F.2) without bulk data. ``frame_offsets`` has one entry a frame:
    ``[offset, length]`` in the file, with more pairs behind it when the frame is in several fragments.
    Where the file holds no frame as it is served (deflated, big endian), they are in ``frames_file``.
    """

    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="instances")
    sop_instance_uid = models.CharField(max_length=UID_LENGTH, unique=True)
    sop_class_uid = models.CharField(max_length=UID_LENGTH)
    transfer_syntax_uid = models.CharField(max_length=UID_LENGTH)
    # Of the frames as they are served.
    frame_transfer_syntax_uid = models.CharField(max_length=UID_LENGTH, blank=True)
    number = models.BigIntegerField(null=True, blank=True)
    rows = models.PositiveIntegerField(null=True, blank=True)
    columns = models.PositiveIntegerField(null=True, blank=True)
    frames = models.PositiveIntegerField(default=0)
    # Relative to settings.STUDIES_DIR; the names are ours, never made from what a peer sent.
    file = models.CharField(max_length=200, unique=True)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    # SHA-256 of the data set alone: the same object sent twice has the same one, whatever its file meta.
    data_sha256 = models.CharField(max_length=64)
    metadata = models.JSONField(default=dict)
    frame_offsets = models.JSONField(default=list)
    # Relative to settings.STUDIES_DIR; empty when the frames are read from ``file``.
    frames_file = models.CharField(max_length=200, blank=True)
    thumbnail = models.CharField(max_length=200, blank=True)
    display_problem = models.CharField(max_length=300, blank=True)
    source_ae_title = models.CharField(max_length=16, blank=True)
    source_address = models.CharField(max_length=64, blank=True)
    times_received = models.PositiveIntegerField(default=1)
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = _("image")
        verbose_name_plural = _("images")
        ordering = ["number", "pk"]

    def __str__(self) -> str:
        return self.sop_instance_uid

    @property
    def path(self) -> Path:
        return Path(settings.STUDIES_DIR) / self.file

    @property
    def frames_path(self) -> Path:
        return Path(settings.STUDIES_DIR) / (self.frames_file or self.file)


class KeyImage(models.Model):
    """An image marked as telling, with a JPEG of how it looked on the screen."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="key_images")
    instance = models.ForeignKey(Instance, on_delete=models.PROTECT, related_name="key_images")
    frame = models.PositiveIntegerField(default=1)
    caption = models.CharField(max_length=200, blank=True)
    presentation = models.JSONField(default=dict)
    # Relative to settings.STUDIES_DIR.
    picture = models.CharField(max_length=200)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("key image")
        verbose_name_plural = _("key images")

    def __str__(self) -> str:
        return self.caption or f"{self.instance} {self.frame}"


class QuarantinedQuerySet(models.QuerySet["Quarantined"]):
    def open(self) -> Self:
        return self.filter(settled_at=None)


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
    settlement = models.CharField(max_length=300, blank=True)

    objects = QuarantinedQuerySet.as_manager()

    class Meta:
        verbose_name = _("quarantined object")
        verbose_name_plural = _("quarantined objects")

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
