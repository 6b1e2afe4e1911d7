"""Names by which patients are or were also known."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from .. import names
from .people import Patient


class OtherNameKind(models.TextChoices):
    BEFORE_MARRIAGE = "before_marriage", _("Name before marriage")
    FORMER = "former", _("Former name")
    ALIAS = "alias", _("Also known as")
    MERGED = "merged", _("Name in a merged record")


class OtherName(models.Model):
    """A name by which a patient was or is also known: before a marriage, in a record that was merged.

    Found like the patient's own: ``name_key``, ``sound_key`` and ``match_keys`` are made as in ``Patient``
    and indexed alike, so ``OtherName.objects.filter(name_key__contains=" silva")`` gives the rows whose
    ``patient_id`` is meant. They belong to current records only: a merge moves them.
    """

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="other_names")
    kind = models.CharField(
        _("kind"), max_length=16, choices=OtherNameKind.choices, default=OtherNameKind.FORMER
    )
    family_name = models.CharField(_("family name"), max_length=64, blank=True)
    given_name = models.CharField(_("given name"), max_length=64, blank=True)
    middle_name = models.CharField(_("middle name"), max_length=64, blank=True)
    ideographic_name = models.CharField(_("name in ideographs"), max_length=64, blank=True)
    phonetic_name = models.CharField(_("name in phonetic script"), max_length=64, blank=True)
    name_key = models.CharField(max_length=1000, editable=False)
    sound_key = models.GeneratedField(
        expression=Func(F("name_key"), function="patients_sound_key"),
        output_field=models.CharField(max_length=400),
        db_persist=True,
    )

    # Without the birth date, which is the patient's.
    match_keys = models.GeneratedField(
        expression=Func(
            F("name_key"),
            Value(None, output_field=models.DateField()),
            Value(""),
            function="patients_match_keys",
        ),
        output_field=ArrayField(models.TextField()),
        db_persist=True,
    )

    class Meta:
        verbose_name = _("other name")
        verbose_name_plural = _("other names")
        ordering = ["pk"]
        indexes = [
            GinIndex(fields=["name_key"], opclasses=["gin_trgm_ops"], name="other_name_trigram"),
            models.Index(fields=["sound_key"], name="other_name_sound"),
            GinIndex(fields=["match_keys"], fastupdate=False, name="other_name_match_keys"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(name_key=""), name="other_name_can_be_found"),
            models.CheckConstraint(condition=Q(kind__in=OtherNameKind.values), name="other_name_kind_known"),
        ]

    def __str__(self) -> str:
        given = " ".join(part for part in [self.given_name, self.middle_name] if part)
        spelled = ", ".join(part for part in [self.family_name, given] if part)
        return spelled or self.ideographic_name.replace("^", " ")

    @property
    def person_name(self) -> names.PersonName:
        return names.PersonName(
            family=self.family_name,
            given=self.given_name,
            middle=self.middle_name,
            ideographic=self.ideographic_name,
            phonetic=self.phonetic_name,
        )


class NameWord(models.Model):
    """A word of somebody's name, in folded letters: what a misspelled word may have been meant to be.

    Triggers note the words of every name that is written (migration 0020); none is ever taken away.
    """

    word = models.CharField(max_length=64)
    code = models.GeneratedField(
        expression=Func(F("word"), function="dmetaphone"),
        output_field=models.CharField(max_length=8),
        db_persist=True,
    )

    class Meta:
        indexes = [
            models.Index(fields=["word"], name="name_word"),
            models.Index(fields=["code"], name="name_word_code"),
        ]

    def __str__(self) -> str:
        return self.word
