"""The safety questions of an order: asked before the examination, answered on the examination's page."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic.http import StaffRequest, require
from clinic.permissions import Permission as P

from .. import services
from ..models import Order
from .answers import moved


@require(P.EXAM_PERFORM)
@require_POST
def order_safety(request: StaffRequest, pk: int) -> HttpResponse:
    """Keep the answers that were given; a question without one stays open."""
    order = get_object_or_404(Order.objects.visible_to(request.user).with_visit(), pk=pk)
    answers = [
        services.GivenAnswer(
            question.pk,
            request.POST[f"answer-{question.pk}"],
            note=request.POST.get(f"note-{question.pk}", ""),
            accepted_reason=request.POST.get(f"accepted-{question.pk}", ""),
        )
        for question in order.procedure.safety_questions.all()
        if request.POST.get(f"answer-{question.pk}")
    ]
    safety = services.answer_safety_questions(order, by=request.user, answers=answers)
    words = _("The answers of %(patient)s are kept.") if safety.is_clear else " ".join(safety.obstacles)
    back_to = reverse("scheduling:exam", args=[order.appointment_id])
    return moved(request, words % {"patient": order.patient.display_name}, back_to=back_to)
