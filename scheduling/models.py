"""Catalogue, orders and appointments."""

import datetime
import uuid
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeBoundary, RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from clinic.models import User
from patients.models import Patient

from .statuses import OCCUPYING, AppointmentKind, AppointmentStatus, OrderStatus, Priority

AE_TITLE = RegexValidator(
    r"^(?! )[\x20-\x5b\x5d-\x7e]{1,16}(?<! )$", _("1 to 16 letters, digits, spaces or signs.")
)


def new_study_uid() -> str:
    """A Study Instance UID made from a UUID (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid4().int}"


def every_day() -> list[int]:
    return [1, 2, 3, 4, 5, 6, 7]


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
        _("preparation"), blank=True, help_text=_("Told to the patient at booking.")
    )
    safety_questions = models.JSONField(_("safety questions"), default=list, blank=True)
    protocol_notes = models.TextField(_("protocol notes"), blank=True, help_text=_("For the technician."))
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=2, null=True, blank=True)
    report_template_code = models.CharField(_("report template"), max_length=40, blank=True)
    is_active = models.BooleanField(_("offered"), default=True)

    class Meta:
        verbose_name = _("procedure")
        verbose_name_plural = _("procedures")
        ordering = ["modality", "name"]

    def __str__(self) -> str:
        return self.name


class Station(models.Model):
    """A room with its equipment: what can be booked and what asks for a worklist."""

    name = models.CharField(_("name"), max_length=64, unique=True)
    room = models.CharField(_("room"), max_length=64, blank=True)
    ae_title = models.CharField(_("AE title"), max_length=16, unique=True, validators=[AE_TITLE])
    modalities = ArrayField(
        models.CharField(max_length=4, choices=Modality.choices), verbose_name=_("modalities"), default=list
    )
    opens_at = models.TimeField(_("opens at"), default=datetime.time(8))
    closes_at = models.TimeField(_("closes at"), default=datetime.time(18))
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(),
        verbose_name=_("days open"),
        default=every_day,
        help_text=_("1 is Monday."),
    )
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("station")
        verbose_name_plural = _("stations")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(opens_at__lt=F("closes_at")), name="station_opens_before_it_closes"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def does(self, procedure: Procedure) -> bool:
        """A station for which no modality is named does everything."""
        return not self.modalities or procedure.modality in self.modalities


class StationClosure(models.Model):
    """A time in which a station cannot be booked: holiday, maintenance."""

    station = models.ForeignKey(Station, on_delete=models.CASCADE, related_name="closures")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        constraints = [
            models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="closure_has_a_duration")
        ]

    def __str__(self) -> str:
        return f"{self.station}: {self.starts_at:%Y-%m-%d %H:%M}"


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

    class Meta:
        verbose_name = _("frequent reason")
        verbose_name_plural = _("frequent reasons")
        ordering = ["text"]

    def __str__(self) -> str:
        return self.text


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def between(self, start: datetime.datetime, end: datetime.datetime) -> Self:
        return self.filter(starts_at__gte=start, starts_at__lt=end)

    def occupying(self) -> Self:
        return self.filter(status__in=OCCUPYING)

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
                    (
                        Func(
                            F("starts_at"),
                            F("ends_at"),
                            RangeBoundary(),
                            function="TSTZRANGE",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(status__in=OCCUPYING, overbook_reason="", station__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patient} {self.starts_at:%Y-%m-%d %H:%M}"


class OrderQuerySet(models.QuerySet["Order"]):
    def open(self) -> Self:
        return self.exclude(status__in=[OrderStatus.RELEASED, OrderStatus.CANCELLED])

    def unread(self) -> Self:
        return self.filter(status__in=[OrderStatus.ACQUIRED, OrderStatus.READING])

    def for_patient(self, patient: Patient) -> Self:
        return self.filter(patient=patient)

    def numbered(self, number: str) -> Self:
        """Those whose accession number or Study Instance UID is ``number``."""
        number = number.strip()
        return self.filter(Q(accession_number__iexact=number) | Q(study_instance_uid=number))

    def with_visit(self) -> Self:
        """With everything that a line or a page about an order names."""
        return self.select_related("patient", "procedure", "referrer", "reader", "appointment__station")

    def newest_first(self) -> Self:
        return self.order_by("-pk")

    def visible_to(self, user: User) -> Self:
        """Everybody who works here sees every order; referrers will see only their own."""
        return self.all()


class Order(models.Model):
    """One requested procedure: the thread from the front desk to the released report.

    ``accession_number`` and ``study_instance_uid`` are made once and never change: the worklist serves the
    same pair on every query.
    """

    accession_number = models.CharField(_("accession number"), max_length=16, unique=True)
    study_instance_uid = models.CharField(
        _("Study Instance UID"), max_length=64, unique=True, default=new_study_uid
    )
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="orders")
    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="orders")
    appointment = models.ForeignKey(
        Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="orders"
    )
    priority = models.CharField(
        _("priority"), max_length=8, choices=Priority.choices, default=Priority.ROUTINE
    )
    indication = models.TextField(_("reason for the examination"))
    referrer = models.ForeignKey(
        Referrer, null=True, blank=True, on_delete=models.PROTECT, related_name="orders"
    )
    ordered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="orders_placed")
    needs_signature = models.BooleanField(_("needs a clinician's signature"), default=False)
    status = models.CharField(
        _("status"), max_length=12, choices=OrderStatus.choices, default=OrderStatus.ORDERED
    )
    status_changed_at = models.DateTimeField(auto_now_add=True)
    reader = models.ForeignKey(
        User,
        verbose_name=_("read by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="orders_read",
    )
    ordered_at = models.DateTimeField(auto_now_add=True)
    acquired_at = models.DateTimeField(null=True, blank=True)
    reported_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    # Told by whoever files the images (``note_images_arrived``), so that a list of orders need not ask.
    image_count = models.PositiveIntegerField(_("images"), default=0)
    cancel_reason = models.CharField(_("reason for cancelling"), max_length=200, blank=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        indexes = [models.Index(fields=["status", "priority"], name="order_status_priority")]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=OrderStatus.values), name="order_status_is_known"),
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="order_priority_is_known"),
            models.CheckConstraint(condition=~Q(indication=""), name="order_has_an_indication"),
            models.CheckConstraint(
                condition=~Q(status=OrderStatus.CANCELLED) | ~Q(cancel_reason=""),
                name="order_cancelled_has_reason",
            ),
            models.CheckConstraint(
                condition=~Q(status=OrderStatus.READING) | Q(reader__isnull=False),
                name="order_reading_has_reader",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[OrderStatus.REPORTED, OrderStatus.RELEASED])
                | Q(reported_at__isnull=False),
                name="order_reported_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.accession_number} {self.procedure}"

    @property
    def needs_time(self) -> bool:
        """Not booked yet, or its visit did not happen."""
        if self.status == OrderStatus.SCHEDULED:
            return self.appointment is None or self.appointment.status not in OCCUPYING
        return self.status == OrderStatus.ORDERED


class FlowEvent(models.Model):
    """One step of an order or an appointment: the append-only source of every figure about time."""

    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="events")
    appointment = models.ForeignKey(Appointment, null=True, on_delete=models.PROTECT, related_name="events")
    from_status = models.CharField(max_length=12, blank=True)
    to_status = models.CharField(max_length=12)
    reason = models.CharField(max_length=200, blank=True)
    reason_code = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [models.Index(fields=["at"], name="flow_event_at")]
        constraints = [
            models.CheckConstraint(
                condition=Q(order__isnull=False) ^ Q(appointment__isnull=False),
                name="flow_event_is_of_one_thing",
            )
        ]

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"


class BillingState(models.TextChoices):
    PAID = "paid", _("Paid")
    PENDING = "pending", _("Pending")
    NOT_PAID = "not_paid", _("Not paid")
    UNKNOWN = "unknown", _("Not known")


class ImportedVisit(models.Model):
    """Where an order of the past came from: a row of a list that the clinic kept before.

    ``row_key`` is a hash of what the row says, ``visit_key`` of whom, when and why: so a list can be
    imported again and nothing is made twice. ``original`` keeps the row as it was written. ``billing`` is
    what the list said about money; charges and payments of Cedar's own take it from here.
    """

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="imported")
    visited_on = models.DateField(_("date of the visit"))
    visit_key = models.CharField(max_length=64, unique=True)
    row_key = models.CharField(max_length=64, unique=True)
    source = models.CharField(_("from"), max_length=300)
    original = models.JSONField()
    billing = models.CharField(
        _("billing"), max_length=8, choices=BillingState.choices, default=BillingState.UNKNOWN
    )
    imported_at = models.DateTimeField(auto_now_add=True)
    imported_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("imported examination")
        verbose_name_plural = _("imported examinations")
        indexes = [models.Index(fields=["visited_on"], name="imported_visit_day")]
        constraints = [
            models.CheckConstraint(
                condition=Q(billing__in=BillingState.values), name="imported_visit_billing_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order.accession_number} {self.visited_on}"
