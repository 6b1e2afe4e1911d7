"""Visits in time."""

import datetime
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from clinic.models import User
from patients.models import Patient

from ..statuses import OCCUPYING, AppointmentKind, AppointmentStatus
from .places import Station

TIME = Func(
    F("starts_at"),
    F("ends_at"),
    RangeBoundary(),
    function="TSTZRANGE",
    output_field=DateTimeRangeField(),
)


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def between(self, start: datetime.datetime, end: datetime.datetime) -> Self:
        return self.filter(starts_at__gte=start, starts_at__lt=end)

    def occupying(self) -> Self:
        return self.filter(status__in=OCCUPYING)

    def at(self, place: Station | User) -> Self:
        return self.filter(station=place) if isinstance(place, Station) else self.filter(doctor=place)

    def visible_to(self, user: User) -> Self:
        return self.all()


class Appointment(models.Model):
    """A visit in time: at a station (imaging) or with a doctor (consultation), for 0..n orders."""

    kind = models.CharField(
        _("kind"), max_length=12, choices=AppointmentKind.choices, default=AppointmentKind.IMAGING
    )
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="appointments")
    station = models.ForeignKey(
        Station, null=True, blank=True, on_delete=models.PROTECT, related_name="appointments"
    )
    doctor = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="appointments"
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    status = models.CharField(
        _("status"), max_length=12, choices=AppointmentStatus.choices, default=AppointmentStatus.BOOKED
    )
    status_changed_at = models.DateTimeField(auto_now_add=True)
    arrived_at = models.DateTimeField(_("arrived at"), null=True, blank=True)
    is_walk_in = models.BooleanField(_("walk-in"), default=False)
    overbook_reason = models.CharField(_("reason for overbooking"), max_length=200, blank=True)
    cancel_reason = models.CharField(_("reason"), max_length=200, blank=True)
    emergency_reason = models.CharField(_("started as an emergency because"), max_length=200, blank=True)
    confirmed_at = models.DateTimeField(_("confirmed by the patient at"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        indexes = [models.Index(fields=["starts_at"], name="appointment_starts_at")]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")), name="appointment_has_a_duration"
            ),
            models.CheckConstraint(
                condition=Q(status__in=AppointmentStatus.values), name="appointment_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind=AppointmentKind.IMAGING, station__isnull=False)
                | Q(kind=AppointmentKind.CONSULTATION, doctor__isnull=False),
                name="appointment_has_station_or_doctor",
            ),
            models.CheckConstraint(
                condition=~Q(status=AppointmentStatus.CANCELLED) | ~Q(cancel_reason=""),
                name="appointment_cancelled_has_reason",
            ),
            ExclusionConstraint(
                name="appointment_no_double_booking",
                expressions=[
                    ("station", RangeOperators.EQUAL),
                    (TIME, RangeOperators.OVERLAPS),
                ],
                condition=Q(status__in=OCCUPYING, overbook_reason="", station__isnull=False),
            ),
            ExclusionConstraint(
                name="appointment_no_double_booked_doctor",
                expressions=[("doctor", RangeOperators.EQUAL), (TIME, RangeOperators.OVERLAPS)],
                condition=Q(status__in=OCCUPYING, overbook_reason="", doctor__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patient} {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def place(self) -> Station | User:
        """The station of an examination, the doctor of a consultation."""
        return self.station or self.doctor  # type: ignore[return-value]

    @property
    def is_consultation(self) -> bool:
        return self.kind == AppointmentKind.CONSULTATION
