"""Where and with whom a visit takes place: rooms, doctors, when they are open and when not."""

import datetime

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.models import User

from .catalogue import Modality, Procedure

AE_TITLE = RegexValidator(
    r"^(?! )[\x20-\x5b\x5d-\x7e]{1,16}(?<! )$", _("1 to 16 letters, digits, spaces or signs.")
)


def every_day() -> list[int]:
    return [1, 2, 3, 4, 5, 6, 7]


class OpeningHours(models.Model):
    """On which days and from when to when somebody can be booked; with a break, as for lunch."""

    opens_at = models.TimeField(_("opens at"), default=datetime.time(8))
    closes_at = models.TimeField(_("closes at"), default=datetime.time(18))
    break_from = models.TimeField(
        _("break from"), null=True, blank=True, help_text=_("Nothing is offered in the break.")
    )
    break_until = models.TimeField(_("break until"), null=True, blank=True)
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(),
        verbose_name=_("days open"),
        default=every_day,
        help_text=_("1 is Monday."),
    )
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(opens_at__lt=F("closes_at")), name="%(class)s_opens_before_it_closes"
            ),
            models.CheckConstraint(
                condition=Q(break_from__isnull=True, break_until__isnull=True)
                | Q(break_from__lt=F("break_until"), break_from__isnull=False, break_until__isnull=False),
                name="%(class)s_break_has_a_duration",
            ),
        ]


class Station(OpeningHours):
    """A room with its equipment: what can be booked and what asks for a worklist."""

    name = models.CharField(_("name"), max_length=64, unique=True)
    room = models.CharField(_("room"), max_length=64, blank=True)
    ae_title = models.CharField(_("AE title"), max_length=16, unique=True, validators=[AE_TITLE])
    modalities = ArrayField(
        models.CharField(max_length=4, choices=Modality.choices), verbose_name=_("modalities"), default=list
    )

    class Meta(OpeningHours.Meta):
        verbose_name = _("station")
        verbose_name_plural = _("stations")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def does(self, procedure: Procedure) -> bool:
        """A station for which no modality is named does everything."""
        return not self.modalities or procedure.modality in self.modalities


class Consultant(OpeningHours):
    """A doctor whom patients can be booked with, and when."""

    doctor = models.OneToOneField(
        User, verbose_name=_("doctor"), on_delete=models.PROTECT, related_name="consultant"
    )
    room = models.CharField(_("room"), max_length=64, blank=True)
    minutes = models.PositiveIntegerField(
        _("duration (minutes)"), default=20, validators=[MinValueValidator(1), MaxValueValidator(480)]
    )

    class Meta(OpeningHours.Meta):
        verbose_name = _("doctor for consultations")
        verbose_name_plural = _("doctors for consultations")
        ordering = ["doctor__full_name"]

    def __str__(self) -> str:
        return str(self.doctor)


Place = Station | Consultant


class Repeats(models.TextChoices):
    NEVER = "never", _("once")
    WEEKLY = "weekly", _("every week")
    YEARLY = "yearly", _("every year")


class Closure(models.Model):
    """A time in which a station, a doctor or, without either, the whole clinic cannot be booked.

    A closure that repeats does so at the same times on the clinic's clock, however long the day is.
    """

    station = models.ForeignKey(
        Station, null=True, blank=True, on_delete=models.CASCADE, related_name="closures"
    )
    doctor = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="closures")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    repeats = models.CharField(_("repeats"), max_length=8, choices=Repeats.choices, default=Repeats.NEVER)
    repeats_until = models.DateField(_("for the last time on"), null=True, blank=True)

    class Meta:
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        ordering = ["starts_at"]
        constraints = [
            models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="closure_has_a_duration"),
            models.CheckConstraint(
                condition=Q(station__isnull=True) | Q(doctor__isnull=True), name="closure_is_of_one_place"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.place}: {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def place(self) -> object:
        return self.station or self.doctor or _("the whole clinic")
