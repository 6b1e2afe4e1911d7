"""The small page that asks why, before something is cancelled, taken off or repeated."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from clinic.http import StaffRequest

from ..models import Appointment, Order
from .answers import next_url


def ask_reason(
    request: StaffRequest,
    *,
    title: str,
    subject: Appointment | Order,
    note: str,
    button: str,
    frequent: list[str],
    kinds: list[tuple[str, Any]] | None = None,
) -> HttpResponse:
    """``kinds`` are the codes of a reason that is counted; ``frequent`` are offered while it is written."""
    context = {
        "title": title,
        "subject": subject,
        "patient": subject.patient,
        "note": note,
        "button": button,
        "frequent": frequent,
        "kinds": kinds or [],
        "next": next_url(request),
    }
    return render(request, "scheduling/reason.html", context)
