"""The machines that speak DICOM with the clinic."""

import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.models import User
from imaging.models import UID_LENGTH, Study
from patients.models import Patient
from scheduling.models import AE_TITLE


class RemoteAEState(models.TextChoices):
    WANTS_TO_CONNECT = "wants_to_connect", _("Wants to connect")
    ACCEPTED = "accepted", _("Accepted")
    REFUSED = "refused", _("Refused")


class RemoteAEQuerySet(models.QuerySet["RemoteAE"]):
    def accepted(self) -> Self:
        return self.filter(state=RemoteAEState.ACCEPTED)

    def reachable(self) -> Self:
        """Those that can be called: accepted, with an address and a port."""
        return self.accepted().exclude(host="").exclude(port=None)


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
    uses_tls = models.BooleanField(
        _("call it encrypted (TLS)"), default=False, help_text=_("Only if the device listens for that.")
    )
    # PEM: the device's own certificate, or that of who issues the certificates of the clinic.
    trusted_certificate = models.TextField(_("certificate by which it is known"), blank=True)
    fetches_with_get = models.BooleanField(
        _("fetch from it over our own connection (C-GET)"),
        default=False,
        help_text=_("For archives that cannot connect back to us (C-MOVE)."),
    )
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

    @property
    def called_host(self) -> str:
        """Where it is called: the address entered, else the one from which it called last."""
        return self.host or self.last_address


class ServerSettings(models.Model):
    """What the administrator decides for the DICOM server as a whole: one row."""

    private_classes = models.BooleanField(
        _("accept private kinds of objects"),
        default=False,
        help_text=_(
            "Some devices send objects in formats of their maker (private SOP classes). They are kept as "
            "they come; what Cedar cannot show is sent on and given back all the same."
        ),
    )

    class Meta:
        verbose_name = _("DICOM server")
        verbose_name_plural = _("DICOM server")
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="dicom_settings_are_one_row")]

    def __str__(self) -> str:
        return str(_("DICOM server"))

    @classmethod
    def get(cls) -> Self:
        found: Self | None = cls._default_manager.filter(pk=1).first()  # type: ignore[assignment]
        return found or cls(pk=1)


class Outcome(models.TextChoices):
    RELEASED = "released", _("Ended normally")
    ABORTED = "aborted", _("Broken off")
    UNKNOWN_CALLER = "unknown_caller", _("Rejected: not accepted yet")
    REFUSED_CALLER = "refused_caller", _("Rejected: refused by the administrator")
    WRONG_ADDRESS = "wrong_address", _("Rejected: calls from another address")
    WRONG_TITLE = "wrong_title", _("Rejected: calls us by another name")
    TOO_MANY = "too_many", _("Rejected: too many connections")
    NOT_ENCRYPTED = "not_encrypted", _("Rejected: no agreement upon encryption")


REJECTIONS = frozenset(
    {
        Outcome.UNKNOWN_CALLER,
        Outcome.REFUSED_CALLER,
        Outcome.WRONG_ADDRESS,
        Outcome.WRONG_TITLE,
        Outcome.TOO_MANY,
        Outcome.NOT_ENCRYPTED,
    }
)


class Association(models.Model):
    """One call by a remote AE, as the administrator reads it in the log.

    Calls that are alike and come at about the same time share a row; ``times`` says how many they were.
    """

    at = models.DateTimeField()
    calling_ae_title = models.CharField(max_length=16)
    called_ae_title = models.CharField(max_length=16)
    address = models.CharField(max_length=64)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    is_encrypted = models.BooleanField(default=False)
    times = models.PositiveIntegerField(default=1)
    echoed = models.PositiveIntegerField(default=0)
    stored = models.PositiveIntegerField(default=0)
    # Objects that were answered with a failure; ``problem`` is the last one's comment.
    failed = models.PositiveIntegerField(default=0)
    queried = models.PositiveIntegerField(default=0)
    matches = models.PositiveIntegerField(default=0)
    # Query/Retrieve: questions, what matched, and images that were sent for it.
    searched = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)
    sent = models.PositiveIntegerField(default=0)
    # Messages about examinations (MPPS), requests to confirm storage.
    steps = models.PositiveIntegerField(default=0)
    commitments = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("association")
        verbose_name_plural = _("associations")
        indexes = [models.Index(fields=["-at"], name="association_at")]
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="association_outcome_known")
        ]

    def __str__(self) -> str:
        return f"{self.calling_ae_title} {self.get_outcome_display()}"

    @property
    def is_rejection(self) -> bool:
        return self.outcome in REJECTIONS


class TransferState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Under way")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class TransferQuerySet(models.QuerySet["Transfer"]):
    def open(self) -> Self:
        return self.filter(state__in=[TransferState.WAITING, TransferState.RUNNING])

    def due(self, at: datetime.datetime) -> Self:
        """What is to be tried now, and what a worker left under way when it ended."""
        return self.filter(
            Q(state=TransferState.RUNNING) | Q(state=TransferState.WAITING, next_try_at__lte=at)
        )

    def stuck(self, since: datetime.datetime) -> Self:
        """Given up after ``since``, or tried in vain and to be tried again."""
        return self.filter(
            Q(state=TransferState.FAILED, finished_at__gte=since)
            | Q(state=TransferState.WAITING, attempts__gt=0)
        )


class Transfer(models.Model):
    """What sending and fetching have in common: tried again, less and less often, until it is done."""

    node = models.ForeignKey(RemoteAE, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(
        _("state"), max_length=10, choices=TransferState.choices, default=TransferState.WAITING
    )
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(_("next attempt"))
    # In plain words, for whoever looks why it is not there.
    last_error = models.CharField(_("last problem"), max_length=300, blank=True)
    total = models.PositiveIntegerField(_("images"), default=0)
    done = models.PositiveIntegerField(_("of them there"), default=0)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = TransferQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def is_open(self) -> bool:
        return self.state in (TransferState.WAITING, TransferState.RUNNING)


class Send(Transfer):
    """A study on its way to another archive or workstation."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="sends")
    # Keys of the images that the receiver has acknowledged: they are not sent again.
    acknowledged = ArrayField(models.BigIntegerField(), default=list, blank=True)

    class Meta:
        verbose_name = _("sending")
        verbose_name_plural = _("sendings")
        indexes = [models.Index(fields=["state", "next_try_at"], name="send_state_next_try")]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=TransferState.values), name="send_state_known"),
            models.UniqueConstraint(
                fields=["study", "node"],
                condition=Q(state__in=[TransferState.WAITING, TransferState.RUNNING]),
                name="send_one_at_a_time_for_study_and_node",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.study} → {self.node}"


class Fetch(Transfer):
    """An earlier study that an archive was asked to send us; it arrives like any other."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    study_instance_uid = models.CharField(max_length=UID_LENGTH)
    description = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("fetching")
        verbose_name_plural = _("fetchings")
        indexes = [models.Index(fields=["state", "next_try_at"], name="fetch_state_next_try")]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=TransferState.values), name="fetch_state_known"),
            models.UniqueConstraint(
                fields=["study_instance_uid", "node"],
                condition=Q(state__in=[TransferState.WAITING, TransferState.RUNNING]),
                name="fetch_one_at_a_time_for_study_and_node",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.description or self.study_instance_uid} ← {self.node}"


class CommitmentState(models.TextChoices):
    CHECKING = "checking", _("Being checked")
    REPORTING = "reporting", _("Waits to be told")
    REPORTED = "reported", _("Told")
    GIVEN_UP = "given_up", _("Given up")


class CommitmentRequestQuerySet(models.QuerySet["CommitmentRequest"]):
    def unfinished(self) -> Self:
        """Under way, and those whose device was never reached."""
        return self.exclude(state=CommitmentState.REPORTED)


class CommitmentRequest(models.Model):
    """A device asks whether we keep these objects (Storage Commitment, PS3.4 Annex J), and is told."""

    transaction_uid = models.CharField(max_length=UID_LENGTH)
    ae_title = models.CharField(max_length=16)
    address = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=10, choices=CommitmentState.choices, default=CommitmentState.CHECKING)
    # [SOP Class UID, SOP Instance UID] of each, as it was asked.
    objects_asked = models.JSONField(default=list)
    # Failure Reason (0008,1197) by SOP Instance UID; who is not named here is safely stored.
    failures = models.JSONField(default=dict, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField()
    last_error = models.CharField(max_length=300, blank=True)
    asked_at = models.DateTimeField(auto_now_add=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    reported_at = models.DateTimeField(null=True, blank=True)

    objects = CommitmentRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("storage commitment")
        verbose_name_plural = _("storage commitments")
        indexes = [
            models.Index(
                fields=["next_try_at"],
                name="commitment_due",
                condition=Q(state__in=["checking", "reporting"]),
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["ae_title", "transaction_uid"], name="commitment_asked_once"),
            models.CheckConstraint(
                condition=Q(state__in=CommitmentState.values), name="commitment_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state=CommitmentState.REPORTED) | Q(reported_at__isnull=False),
                name="commitment_reported_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ae_title}: {len(self.objects_asked)}"

    @property
    def count(self) -> int:
        return len(self.objects_asked)
