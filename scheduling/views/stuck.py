"""What is stuck, for whoever is in charge: counts above the board, and a page that names it all."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from clinic.http import StaffRequest, part_url, require
from clinic.models import User
from clinic.permissions import Permission as P

from ..stuck import stuck_orders, unread_too_long, unreleased_too_long, waiting_too_long
from .answers import page_or_part

SHOWN = 100


@require(P.CONFIGURE)
@require_GET
def stuck_counts(request: StaffRequest) -> HttpResponse:
    """How much is stuck of what this room knows."""
    context = {
        "waiting": len(waiting_too_long()),
        "unread": unread_too_long().count(),
        "unreleased": unreleased_too_long().count(),
    }
    return render(request, "scheduling/_stuck_counts.html", context)


@require(P.CONFIGURE)
@require_GET
def stuck(request: StaffRequest) -> HttpResponse:
    """Whom and what it is about, the longest wait first."""
    now = timezone.now()
    unread, unreleased = unread_too_long(), unreleased_too_long()
    context = {
        "waiting": [(face, face.waits.html(now)) for face in waiting_too_long() if face.waits],
        "lists": [_list(one, now) for one in (unread, unreleased)],
        "stuck_urls": stuck_urls(request.user),
    }
    return page_or_part(request, "scheduling/stuck.html", "lists", context)


def _list(orders: Any, now: Any) -> dict[str, Any]:
    rows = stuck_orders(orders, SHOWN)
    return {"rows": [(row.order, row.clock.html(now)) for row in rows], "count": orders.count()}


def stuck_urls(user: User) -> list[str]:
    """The parts that count what is stuck: this room's, and of those above it what ``user`` may see."""
    names = ["scheduling:stuck_counts", "imaging:stuck_images", "dicomserver:stuck_transfers"]
    return [url for url in (part_url(user, name) for name in names) if url]
