"""The catalogue: what is examined, what is asked and told before, who sends patients and why."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class Modality(models.TextChoices):
    """The modalities a clinic books (DICOM CID 29, part of it)."""

    CR = "CR", _("X-ray (CR)")
    DX = "DX", _("X-ray (DX)")
    US = "US", _("Ultrasound")
    CT = "CT", _("CT")
    MR = "MR", _("MR")
    MG = "MG", _("Mammography")
    XA = "XA", _("Angiography")
    RF = "RF", _("Fluoroscopy")
    NM = "NM", _("Nuclear medicine")
    PT = "PT", _("PET")
    ES = "ES", _("Endoscopy")
    OT = "OT", _("Other")


class SignatureRule(models.TextChoices):
    """When an order of a procedure has to be signed by a clinician before it is done."""

    BY_MODALITY = "by_modality", _("as for its modality")
    ALWAYS = "always", _("always")
    NEVER = "never", _("never")


class AskedOf(models.TextChoices):
    EVERYBODY = "everybody", _("everybody")
    MAY_BE_PREGNANT = "may_be_pregnant", _("women and girls of 10 to 55 years")


class SafetyQuestion(models.Model):
    """Something to be asked before an examination; several procedures share it."""

    text = models.CharField(_("question"), max_length=200, unique=True)
    is_critical = models.BooleanField(
        _("critical"),
        default=False,
        help_text=_("After “yes” or “not known” somebody has to say why it may be done nevertheless."),
    )
    asked_of = models.CharField(
        _("asked of"), max_length=16, choices=AskedOf.choices, default=AskedOf.EVERYBODY
    )
    position = models.PositiveSmallIntegerField(
        _("place in the list"), default=50, help_text=_("Small numbers are asked first.")
    )

    class Meta:
        verbose_name = _("safety question")
        verbose_name_plural = _("safety questions")
        ordering = ["position", "text"]

    def __str__(self) -> str:
        return self.text


class Procedure(models.Model):
    """An examination of the catalogue."""

    code = models.CharField(_("code"), max_length=16, unique=True)
    name = models.CharField(_("name"), max_length=64)
    modality = models.CharField(_("modality"), max_length=4, choices=Modality.choices)
    body_part = models.CharField(
        _("body part"), max_length=16, blank=True, help_text=_("DICOM term, as in CHEST.")
    )
    minutes = models.PositiveIntegerField(
        _("duration (minutes)"), default=15, validators=[MinValueValidator(1), MaxValueValidator(480)]
    )
    preparation = models.TextField(
        _("preparation"), blank=True, help_text=_("Told to the patient at booking, in the clinic's language.")
    )
    safety_questions = models.ManyToManyField(
        SafetyQuestion,
        verbose_name=_("safety questions"),
        related_name="procedures",
        blank=True,
        help_text=_("Answered before the examination can start."),
    )
    protocol_notes = models.TextField(_("protocol notes"), blank=True, help_text=_("For the technician."))
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=2, null=True, blank=True)
    signature = models.CharField(
        _("clinician's signature"),
        max_length=12,
        choices=SignatureRule.choices,
        default=SignatureRule.BY_MODALITY,
        help_text=_("Whether an order needs it before the examination."),
    )
    report_template_code = models.CharField(_("report template"), max_length=40, blank=True)
    is_active = models.BooleanField(_("offered"), default=True)

    class Meta:
        verbose_name = _("procedure")
        verbose_name_plural = _("procedures")
        ordering = ["modality", "name"]

    def __str__(self) -> str:
        return self.name


class Preparation(models.Model):
    """The preparation of a procedure in another language."""

    procedure = models.ForeignKey(Procedure, on_delete=models.CASCADE, related_name="preparations")
    language = models.CharField(
        _("language"),
        max_length=8,
        validators=[
            RegexValidator(r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$", _("A language code, as in fr, sw or pt-br."))
        ],
        help_text=_("Its code, as in fr or sw."),
    )
    text = models.TextField(_("preparation"))

    class Meta:
        verbose_name = _("preparation in another language")
        verbose_name_plural = _("preparation in other languages")
        ordering = ["language"]
        constraints = [
            models.UniqueConstraint(fields=["procedure", "language"], name="preparation_once_per_language")
        ]

    def __str__(self) -> str:
        return self.language


class SignedModality(models.Model):
    """Orders of this modality have to be signed by a clinician, unless the procedure says otherwise."""

    modality = models.CharField(_("modality"), max_length=4, choices=Modality.choices, unique=True)

    class Meta:
        verbose_name = _("modality whose orders are signed")
        verbose_name_plural = _("modalities whose orders are signed")
        ordering = ["modality"]

    def __str__(self) -> str:
        return str(self.get_modality_display())


class Referrer(models.Model):
    """A physician who sends patients."""

    name = models.CharField(_("name"), max_length=200)
    clinic = models.CharField(_("clinic"), max_length=200, blank=True)
    phone = models.CharField(_("phone"), max_length=20, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    licence = models.CharField(_("licence number"), max_length=64, blank=True)
    is_active = models.BooleanField(_("offered"), default=True)

    class Meta:
        verbose_name = _("referrer")
        verbose_name_plural = _("referrers")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Indication(models.Model):
    """A frequent reason for an examination, offered while an order is written."""

    text = models.CharField(_("reason"), max_length=200, unique=True)
    modalities = ArrayField(
        models.CharField(max_length=4, choices=Modality.choices),
        verbose_name=_("usual modalities"),
        default=list,
        blank=True,
    )

    class Meta:
        verbose_name = _("frequent reason")
        verbose_name_plural = _("frequent reasons")
        ordering = ["text"]

    def __str__(self) -> str:
        return self.text


class Shipped(models.Model):
    """What of the shipped catalogue has been brought once: it does not come back when it was removed."""

    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="shipped_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
