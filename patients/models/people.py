"""Patients and the numbers by which they are known."""

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce, Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic.models import User

from .. import dates, names
from ..dates import BirthDate, BirthPrecision


class Sex(models.TextChoices):
    """DICOM (0010,0040), with U for not known."""

    MALE = "M", _("Male")
    FEMALE = "F", _("Female")
    OTHER = "O", _("Other")
    UNKNOWN = "U", _("Not known")


def match_key(field: str) -> Upper:
    """How numbers are compared: upper case, without blanks and separators."""
    return Upper(Func(F(field), Value("[^[:alnum:]]+"), Value(""), Value("g"), function="regexp_replace"))


class PatientQuerySet(models.QuerySet["Patient"]):
    def current(self) -> Self:
        """Without records that were merged into another one."""
        return self.filter(merged_into=None)

    def resolved(self) -> "PatientQuerySet":
        """The records that count now: a merged record stands for the one it became (``merged_into`` never
        needs to be followed twice). ``Patient.objects.filter(mrn_key=key).resolved()`` finds by old numbers
        too, through the index.
        """
        return Patient.objects.filter(pk__in=self.order_by().values(counts=Coalesce("merged_into_id", "id")))

    def visible_to(self, user: User) -> Self:
        """Everybody who works here may see every patient; referrers will see only their own."""
        return self.current()


class Patient(models.Model):
    """One person. Names are kept as entered, in DICOM's components (PS3.5 6.2.1.2)."""

    mrn = models.CharField(_("patient number"), max_length=64)
    mrn_key = models.GeneratedField(
        expression=match_key("mrn"),
        output_field=models.CharField(max_length=64),
        db_persist=True,
        unique=True,
    )
    family_name = models.CharField(_("family name"), max_length=64, blank=True)
    given_name = models.CharField(_("given name"), max_length=64, blank=True)
    middle_name = models.CharField(_("middle name"), max_length=64, blank=True)
    name_prefix = models.CharField(_("prefix"), max_length=64, blank=True)
    name_suffix = models.CharField(_("suffix"), max_length=64, blank=True)
    ideographic_name = models.CharField(
        _("name in ideographs"), max_length=64, blank=True, help_text=_("DICOM components parted by ^.")
    )
    phonetic_name = models.CharField(
        _("name in phonetic script"), max_length=64, blank=True, help_text=_("DICOM components parted by ^.")
    )
    # Made by names.name_key; a write that forgets it is refused, for who cannot be found is made twice.
    name_key = models.CharField(max_length=1000, editable=False)
    sound_key = models.GeneratedField(
        expression=Func(F("name_key"), function="patients_sound_key"),
        output_field=models.CharField(max_length=400),
        db_persist=True,
    )
    birth_date = models.DateField(_("birth date"), null=True, blank=True)
    birth_precision = models.CharField(
        _("birth date known to"), max_length=5, choices=BirthPrecision.choices, default=BirthPrecision.DAY
    )
    # Under which duplicates are looked for: sounds of names in pairs, each with year and with day of birth.
    match_keys = models.GeneratedField(
        expression=Func(F("name_key"), F("birth_date"), F("birth_precision"), function="patients_match_keys"),
        output_field=ArrayField(models.TextField()),
        db_persist=True,
    )
    sex = models.CharField(_("sex"), max_length=1, choices=Sex.choices, default=Sex.UNKNOWN)
    phone = models.CharField(_("phone"), max_length=20, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    address = models.TextField(_("address"), blank=True)
    national_id = models.CharField(_("national id"), max_length=64, blank=True)
    national_id_key = models.GeneratedField(
        expression=match_key("national_id"), output_field=models.CharField(max_length=64), db_persist=True
    )
    alerts = models.TextField(_("allergies and alerts"), blank=True)
    pregnancy_note = models.CharField(_("pregnancy"), max_length=200, blank=True)
    note = models.TextField(_("note"), blank=True)
    merged_into = models.ForeignKey(
        "self",
        verbose_name=_("merged into"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="aliases",
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PatientQuerySet.as_manager()

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        indexes = [
            # No fastupdate: a list of what was added lately would have to be read at every search.
            GinIndex(
                fields=["name_key"],
                opclasses=["gin_trgm_ops"],
                fastupdate=False,
                name="patient_name_trigram",
            ),
            GinIndex(fields=["match_keys"], fastupdate=False, name="patient_match_keys"),
            models.Index(fields=["birth_date"], name="patient_birth_date"),
            models.Index(fields=["sound_key"], name="patient_sound"),
            models.Index(
                fields=["phone"],
                opclasses=["varchar_pattern_ops"],
                name="patient_phone",
                condition=~Q(phone=""),
            ),
            GinIndex(
                fields=["phone"], opclasses=["gin_trgm_ops"], fastupdate=False, name="patient_phone_trigram"
            ),
            models.Index(
                fields=["national_id_key"], name="patient_national_id", condition=~Q(national_id_key="")
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(birth_date=None) | Q(birth_date__gte="1850-01-01"),
                name="patient_birth_date_after_1850",
            ),
            # A day's grace: the database's clock may be a time zone behind the clinic's.
            models.CheckConstraint(
                condition=Q(birth_date=None)
                | Q(
                    birth_date__lte=F("created_at")
                    + models.Value("1 day", output_field=models.DurationField())
                ),
                name="patient_birth_date_not_in_future",
            ),
            models.CheckConstraint(condition=Q(sex__in=Sex.values), name="patient_sex_known_code"),
            models.CheckConstraint(
                condition=Q(birth_precision__in=BirthPrecision.values),
                name="patient_birth_precision_known_code",
            ),
            models.CheckConstraint(
                condition=Q(mrn__regex=r"^[A-Za-z0-9][A-Za-z0-9 ./_-]*$"),
                name="patient_mrn_letters_and_digits",
            ),
            models.CheckConstraint(
                condition=Q(phone="") | Q(phone__regex=r"^\+[1-9][0-9]{5,14}$"), name="patient_phone_is_e164"
            ),
            models.CheckConstraint(condition=~Q(name_key=""), name="patient_name_can_be_found"),
            models.CheckConstraint(
                condition=~Q(family_name="", given_name="", ideographic_name=""), name="patient_has_a_name"
            ),
            models.CheckConstraint(condition=~Q(merged_into=F("id")), name="patient_not_merged_into_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.display_name} ({self.mrn})"

    @property
    def display_name(self) -> str:
        """As spoken: ``Dr Anna Maria Ólafsdóttir`` with ideographs behind where there are any."""
        parts = [self.name_prefix, self.given_name, self.middle_name, self.family_name, self.name_suffix]
        spoken = " ".join(part for part in parts if part)
        return f"{spoken} {self.ideographic_text}".strip()

    @property
    def ideographic_text(self) -> str:
        """The ideographic name without DICOM's separators."""
        return self.ideographic_name.replace("^", " ").strip()

    @property
    def list_name(self) -> str:
        """As in a list: ``Ólafsdóttir, Anna Maria``."""
        given = " ".join(part for part in [self.given_name, self.middle_name] if part)
        return ", ".join(part for part in [self.family_name, given] if part) or self.display_name

    @property
    def born(self) -> BirthDate | None:
        return BirthDate(self.birth_date, BirthPrecision(self.birth_precision)) if self.birth_date else None

    @property
    def birth_text(self) -> str:
        """The birth date in words, as exactly as it is known; empty when it is not."""
        return dates.spoken(self.born) if self.born else ""

    @property
    def age_text(self) -> str:
        """The age today in words."""
        return dates.age(self.born, timezone.localdate()) if self.born else ""

    @property
    def person_name(self) -> names.PersonName:
        return names.PersonName(
            family=self.family_name,
            given=self.given_name,
            middle=self.middle_name,
            prefix=self.name_prefix,
            suffix=self.name_suffix,
            ideographic=self.ideographic_name,
            phonetic=self.phonetic_name,
        )

    @property
    def dicom_name(self) -> str:
        """PN value with up to three component groups."""
        return self.person_name.as_dicom()


class PatientIdentifier(models.Model):
    """Another number of the same person: from another clinic, an outside disc, an insurance."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="identifiers")
    issuer = models.CharField(_("issued by"), max_length=64)
    value = models.CharField(_("number"), max_length=64)
    value_key = models.GeneratedField(
        expression=match_key("value"), output_field=models.CharField(max_length=64), db_persist=True
    )

    class Meta:
        verbose_name = _("other number")
        verbose_name_plural = _("other numbers")
        indexes = [models.Index(fields=["value_key"], name="patient_identifier_value")]
        constraints = [
            models.UniqueConstraint(fields=["issuer", "value"], name="patient_identifier_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.value} ({self.issuer})"
