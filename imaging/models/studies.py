"""Studies, series and instances (PS3.3 A.1.2), and what people decided about them."""

from pathlib import Path
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Sum
from django.utils.translation import gettext_lazy as _

from clinic.models import User
from clinic.permissions import Permission
from patients.models import Patient
from scheduling.models import Order

UID_LENGTH = 64  # PS3.5 table 6.2-1


class StudyState(models.TextChoices):
    LINKED = "linked", _("Linked to an order")
    FILED = "filed", _("Filed with a patient")
    UNKNOWN = "unknown", _("Patient not known yet")
    HELD = "held", _("Held: whose is it?")
    DISCARDED = "discarded", _("Discarded")


# Nobody's images: they are in no patient's list, no answer to a query, and never leave the clinic.
NOT_SERVED = [StudyState.HELD, StudyState.DISCARDED]
# A person still has to say whose they are.
UNDECIDED = [StudyState.HELD, StudyState.UNKNOWN]


class StudyQuerySet(models.QuerySet["Study"]):
    def held(self) -> Self:
        return self.filter(state=StudyState.HELD)

    def undecided(self) -> Self:
        return self.filter(state__in=UNDECIDED)

    def served(self) -> Self:
        return self.exclude(state__in=NOT_SERVED)

    def image_total(self) -> int:
        return self.aggregate(total=Sum("instance_count"))["total"] or 0

    def for_patient(self, patient: Patient) -> Self:
        return self.filter(patient=patient)

    def visible_to(self, user: User) -> Self:
        """Who may see images sees what is filed; what is held only who may say whose it is."""
        if not user.can(Permission.STUDY_VIEW):
            return self.none()
        if user.can(Permission.STUDY_RECONCILE):
            return self.exclude(state=StudyState.DISCARDED)
        return self.served()


class Study(models.Model):
    """All images that a machine made under one Study UID; an order has one or, after a repeat, several.

    ``received_*`` is the identity as the sender wrote it; it is never overwritten. A study whose identity
    does not agree with its order is *held*: it has no patient and no order until a person decides. One that
    has to be read before anybody knows whose it is has a placeholder for its patient (*unknown*).
    """

    study_instance_uid = models.CharField(max_length=UID_LENGTH, unique=True)
    state = models.CharField(max_length=12, choices=StudyState.choices)
    patient = models.ForeignKey(
        Patient, null=True, blank=True, on_delete=models.PROTECT, related_name="studies"
    )
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.PROTECT, related_name="studies")
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
                condition=~Q(state=StudyState.UNKNOWN) | Q(patient__isnull=False),
                name="study_unknown_has_placeholder",
            ),
            models.CheckConstraint(
                condition=~Q(state=StudyState.HELD)
                | (Q(order__isnull=True, patient__isnull=True) & ~Q(held_reason="")),
                name="study_held_belongs_to_nobody_and_says_why",
            ),
            models.CheckConstraint(
                condition=~Q(state=StudyState.DISCARDED) | Q(order__isnull=True, patient__isnull=True),
                name="study_discarded_belongs_to_nobody",
            ),
        ]

    def __str__(self) -> str:
        return self.description or self.study_instance_uid

    @property
    def is_served(self) -> bool:
        return self.state not in NOT_SERVED


class DecisionKind(models.TextChoices):
    ORDER = "order", _("Filed with an order")
    PATIENT = "patient", _("Filed with a patient, without an order")
    NEW_ORDER = "new_order", _("Filed with a new order")
    UNKNOWN = "unknown", _("To be read, the patient is not known yet")
    DISCARDED = "discarded", _("Discarded")


class StudyDecision(models.Model):
    """What a person decided about a held study, with what it was before: so that it can be taken back.

    ``before`` holds the columns of the study that the decision overwrote. ``order_status`` is that of the
    order before these images counted for it. ``moved_order`` went to the decided patient from a placeholder.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="decisions")
    kind = models.CharField(max_length=12, choices=DecisionKind.choices)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    reason = models.CharField(max_length=300, blank=True)
    patient = models.ForeignKey(Patient, null=True, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="+")
    order_status = models.CharField(max_length=12, blank=True)
    made_order = models.BooleanField(default=False)
    moved_order = models.BooleanField(default=False)
    before = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("decision about images")
        verbose_name_plural = _("decisions about images")
        indexes = [models.Index(fields=["-at"], name="study_decision_at")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=DecisionKind.values), name="study_decision_kind_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(kind=DecisionKind.DISCARDED) | ~Q(reason=""),
                name="study_decision_discard_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(undone_at=None) | Q(undone_by__isnull=False), name="study_decision_undone_by"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.study}: {self.get_kind_display()}"


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
