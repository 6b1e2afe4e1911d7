"""What patients have to be told, and the calls that were made."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.models import User

from .appointments import Appointment


class MessageKind(models.TextChoices):
    REMINDER = "reminder", _("Reminder")
    MOVED = "moved", _("Other time")
    CANCELLED = "cancelled", _("Visit cancelled")


class MessageStatus(models.TextChoices):
    WAITING = "waiting", _("To be told")
    DONE = "done", _("Told")
    VOID = "void", _("Not needed any more")


class CallOutcome(models.TextChoices):
    CONFIRMED = "confirmed", _("Will come")
    MESSAGE_LEFT = "message_left", _("Message left")
    NOT_REACHED = "not_reached", _("Not reached")
    WRONG_NUMBER = "wrong_number", _("Wrong number")
    OTHER_TIME = "other_time", _("Wants another time")
    DECLINED = "declined", _("Wants none any more")


class Message(models.Model):
    """Something a patient has to be told about a visit; until it is told it stands in the queue.

    The words are made from the visit when they are shown, so that nobody is told a time of yesterday.
    """

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="messages")
    kind = models.CharField(_("kind"), max_length=12, choices=MessageKind.choices)
    status = models.CharField(
        _("status"), max_length=8, choices=MessageStatus.choices, default=MessageStatus.WAITING
    )
    due_on = models.DateField(_("due on"))
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["due_on", "appointment__starts_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["appointment"], condition=Q(status="waiting"), name="message_one_waiting_per_visit"
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", settled_at__isnull=True)
                | (~Q(status="waiting") & Q(settled_at__isnull=False, settled_by__isnull=False)),
                name="message_settled_has_person_and_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.due_on}"


class Call(models.Model):
    """One call to a patient about a visit, and what came of it."""

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="calls")
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(_("outcome"), max_length=16, choices=CallOutcome.choices)
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return str(self.get_outcome_display())
