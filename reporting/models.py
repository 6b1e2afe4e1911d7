"""Report templates, reports and their immutable versions."""

from pathlib import Path
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic.models import User
from imaging.models import KeyImage
from scheduling.models import Modality, Order


class ReportTemplateQuerySet(models.QuerySet["ReportTemplate"]):
    def offered(self) -> Self:
        return self.filter(is_active=True)


class ReportTemplate(models.Model):
    """The sections of a report. A changed template is a new version, so an old report keeps its own.

    ``sections`` is ``[{"key": "findings", "title": "Findings", "initial": "<p>…</p>", "normal": …,
    "fields": …}, …]``: ``initial`` stands in every new report, ``normal`` is what "insert normal text"
    inserts, ``fields`` are lines as in ``reporting.fields``.
    """

    code = models.CharField(_("code"), max_length=40)
    version = models.PositiveIntegerField(_("version"), default=1)
    name = models.CharField(_("name"), max_length=100)
    modality = models.CharField(
        _("modalities"), max_length=60, blank=True, help_text=_("Parted by commas, as in CR,DX.")
    )
    body_part = models.CharField(
        _("body parts"),
        max_length=300,
        blank=True,
        help_text=_("DICOM terms parted by commas, as in CHEST,LUNG; empty for any other."),
    )
    sections = models.JSONField(_("sections"))
    source = models.CharField(_("source"), max_length=300, blank=True)
    is_active = models.BooleanField(_("offered"), default=True)
    # SHA-256 of the file this version came from; empty for what the clinic wrote itself.
    shipped_sha256 = models.CharField(max_length=64, blank=True, editable=False)

    objects = ReportTemplateQuerySet.as_manager()

    class Meta:
        verbose_name = _("report template")
        verbose_name_plural = _("report templates")
        ordering = ["name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="report_template_version_unique"),
            models.UniqueConstraint(
                fields=["code"], condition=Q(is_active=True), name="report_template_one_version_offered"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_current(self) -> bool:
        """The version to be changed next: the offered one, or the newest when none is offered."""
        others = ReportTemplate.objects.filter(code=self.code).exclude(pk=self.pk)
        return self.is_active or not others.filter(Q(is_active=True) | Q(version__gt=self.version)).exists()


class ReportStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PRELIMINARY = "preliminary", _("Preliminary")
    FINAL = "final", _("Final")


class ReportQuerySet(models.QuerySet["Report"]):
    def final(self) -> Self:
        return self.filter(status=ReportStatus.FINAL)

    def visible_to(self, user: User) -> Self:
        return self.all()


class Report(models.Model):
    """The report of one order while it is written. What is signed is copied into a ``ReportVersion``.

    ``content`` is ``{"findings": "<p>…</p>", "findings.crl": "45", …}``: sanitised HTML by section key, and
    what was entered into a section's fields by section and field. ``revision`` counts saves: a save that
    names an older revision is a conflict, never an overwrite.
    """

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="report")
    template = models.ForeignKey(ReportTemplate, on_delete=models.PROTECT, related_name="reports")
    status = models.CharField(max_length=12, choices=ReportStatus.choices, default=ReportStatus.DRAFT)
    content = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=0)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="reports_written")
    signed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="reports_signed")
    signed_at = models.DateTimeField(null=True)
    # An imported report was written and signed elsewhere; ``signed_by`` is then who imported it.
    is_imported = models.BooleanField(default=False, editable=False)
    original_author = models.CharField(_("written by"), max_length=200, blank=True, editable=False)
    reported_on = models.DateField(_("date of the report"), null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=ReportStatus.values), name="report_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(is_imported=False) | Q(status=ReportStatus.FINAL, reported_on__isnull=False),
                name="report_imported_is_final_and_dated",
            ),
            models.CheckConstraint(
                condition=~Q(status=ReportStatus.FINAL) | Q(signed_by__isnull=False, signed_at__isnull=False),
                name="report_final_has_signer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template} {self.order.accession_number}"

    @property
    def responsible(self) -> str:
        """Under whose name the report stands: who signed it here, or who wrote it elsewhere."""
        if self.is_imported:
            return self.original_author or str(_("Author not known"))
        return str(self.signed_by or "")


class ReportImage(models.Model):
    """A key image inserted into a report, with its place and caption."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="images")
    key_image = models.ForeignKey(KeyImage, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveIntegerField(default=0)
    caption = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["report", "key_image"], name="report_image_once")]

    def __str__(self) -> str:
        return self.caption


class Phrase(models.Model):
    """A text of a person's own, written by a dot and a short name: ``.nl`` becomes "Normal lungs."."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="phrases")
    shortcut = models.CharField(_("short name"), max_length=20)
    html = models.TextField(_("text"))

    class Meta:
        verbose_name = _("phrase")
        verbose_name_plural = _("phrases")
        ordering = ["shortcut"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "shortcut"], name="phrase_shortcut_unique"),
            models.CheckConstraint(
                condition=Q(shortcut__regex=r"^[[:alnum:]_-]{1,20}$"), name="phrase_shortcut_is_one_word"
            ),
        ]

    def __str__(self) -> str:
        return f".{self.shortcut}"


class SetAside(models.Model):
    """A text that could not be saved because someone else had saved meanwhile, or that was replaced on
    purpose. Nothing that anybody wrote is thrown away; the reader takes from it what is needed.
    """

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="set_aside")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    content = models.JSONField()
    content_sha256 = models.CharField(max_length=64)
    based_on_revision = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("text set aside")
        verbose_name_plural = _("texts set aside")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["report", "author", "content_sha256"], name="report_set_aside_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.report} r{self.based_on_revision}"


class VersionKind(models.TextChoices):
    FINAL = "final", _("Final report")
    ADDENDUM = "addendum", _("Addendum")
    IMPORTED = "imported", _("Imported report")


class ReportVersionQuerySet(models.QuerySet["ReportVersion"]):
    def without_pdf(self) -> Self:
        return self.filter(pdf="")

    def awaiting_pdf(self) -> Self:
        """Those whose PDF is made without being asked for: not of the many that were imported."""
        return self.without_pdf().exclude(kind=VersionKind.IMPORTED)


class ReportVersion(models.Model):
    """What was signed: frozen content, signer, time, hash; the PDF follows from the worker.

    A trigger (migration 0002) refuses any change but the first writing of the PDF's file and hash.
    """

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(default=1)
    kind = models.CharField(max_length=8, choices=VersionKind.choices, default=VersionKind.FINAL)
    # Everything the PDF shows: clinic, patient block, order, sections with titles, image files and captions.
    content = models.JSONField()
    content_sha256 = models.CharField(max_length=64)
    signed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()
    # Relative to settings.DOCUMENTS_DIR.
    pdf = models.CharField(max_length=200, blank=True)
    pdf_sha256 = models.CharField(max_length=64, blank=True)
    pdf_problem = models.CharField(max_length=300, blank=True)

    objects = ReportVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("signed version")
        verbose_name_plural = _("signed versions")
        ordering = ["report", "number"]
        constraints = [
            models.UniqueConstraint(fields=["report", "number"], name="report_version_number_unique"),
            models.CheckConstraint(
                condition=Q(pdf="", pdf_sha256="") | (~Q(pdf="") & ~Q(pdf_sha256="")),
                name="report_version_pdf_has_hash",
            ),
        ]
        indexes = [models.Index(fields=["id"], name="report_version_no_pdf", condition=Q(pdf=""))]

    def __str__(self) -> str:
        return f"{self.report} v{self.number}"

    @property
    def pdf_path(self) -> Path:
        return Path(settings.DOCUMENTS_DIR) / self.pdf


class ReleaseMethod(models.TextChoices):
    DOWNLOAD = "download", _("Download")
    PRINT = "print", _("Print")
    LINK = "link", _("Link")


class Release(models.Model):
    """One handing over of a signed report to the referrer."""

    version = models.ForeignKey(ReportVersion, on_delete=models.PROTECT, related_name="releases")
    method = models.CharField(max_length=10, choices=ReleaseMethod.choices)
    recipient = models.CharField(max_length=200)
    released_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    released_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.version} → {self.recipient}"


class Subspecialty(models.Model):
    """What somebody reads best: these modalities, and these body parts whatever the modality."""

    reader = models.OneToOneField(
        User, verbose_name=_("reader"), on_delete=models.PROTECT, related_name="subspecialty"
    )
    modalities = ArrayField(
        models.CharField(max_length=4, choices=Modality.choices),
        verbose_name=_("modalities"),
        default=list,
        blank=True,
    )
    body_parts = ArrayField(
        models.CharField(max_length=16),
        verbose_name=_("body parts"),
        default=list,
        blank=True,
        help_text=_("DICOM terms, as in BREAST."),
    )

    class Meta:
        verbose_name = _("subspecialty")
        verbose_name_plural = _("subspecialties")

    def __str__(self) -> str:
        return ", ".join([*self.modalities, *self.body_parts])


class ShareLinkQuerySet(models.QuerySet["ShareLink"]):
    def active(self) -> Self:
        return self.filter(
            revoked_at=None, wrong_pins__lt=ShareLink.WRONG_PINS, expires_at__gt=timezone.now()
        )


class ShareLink(models.Model):
    """An address under which somebody outside may look at one report: for some days, with a PIN.

    The address's secret and the PIN are kept as hashes only; whoever reads the database cannot use them.
    """

    WRONG_PINS = 5

    release = models.OneToOneField(Release, on_delete=models.PROTECT, related_name="share_link")
    token_sha256 = models.CharField(max_length=64, unique=True)
    pin_hash = models.CharField(max_length=128)
    with_images = models.BooleanField(_("with the images"), default=False)
    expires_at = models.DateTimeField(_("until"))
    wrong_pins = models.PositiveIntegerField(default=0)
    views = models.PositiveIntegerField(_("opened"), default=0)
    last_viewed_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = ShareLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("share link")
        verbose_name_plural = _("share links")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_by=None)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="share_link_revoked_by_somebody",
            )
        ]

    def __str__(self) -> str:
        return str(self.release)

    @property
    def state(self) -> str:
        """``active``, or why it is not: ``revoked``, ``locked``, ``expired``."""
        if self.revoked_at is not None:
            return "revoked"
        if self.wrong_pins >= self.WRONG_PINS:
            return "locked"
        return "active" if timezone.now() < self.expires_at else "expired"
