"""What was answered before an examination, by whom it was asked and who took responsibility."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.models import User

from .appointments import Appointment
from .orders import Order


class Answer(models.TextChoices):
    NO = "no", _("No")
    YES = "yes", _("Yes")
    UNKNOWN = "unknown", _("Not known")


class SafetyAnswer(models.Model):
    """One question as it was asked of one patient, for one order in one visit.

    The words are kept as they were: who changes the catalogue later changes no answer.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="safety_answers")
    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="safety_answers")
    question = models.CharField(max_length=200)
    is_critical = models.BooleanField(default=False)
    answer = models.CharField(max_length=8, choices=Answer.choices)
    note = models.CharField(_("note"), max_length=300, blank=True)
    answered_at = models.DateTimeField()
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    accepted_reason = models.CharField(_("may be done because"), max_length=200, blank=True)
    accepted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("safety answer")
        verbose_name_plural = _("safety answers")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "appointment", "question"], name="safety_answer_once_per_visit"
            ),
            models.CheckConstraint(condition=Q(answer__in=Answer.values), name="safety_answer_is_known"),
            models.CheckConstraint(
                condition=Q(accepted_reason="", accepted_by__isnull=True)
                | (~Q(accepted_reason="") & Q(accepted_by__isnull=False)),
                name="safety_answer_accepted_has_reason_and_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.question} {self.get_answer_display()}"

    @property
    def needs_acceptance(self) -> bool:
        return self.is_critical and self.answer != Answer.NO

    @property
    def is_settled(self) -> bool:
        return not self.needs_acceptance or bool(self.accepted_reason)
