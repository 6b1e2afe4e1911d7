"""How the pages of this room answer: with a part or a whole page, and with what was done and comes next."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from clinic.http import StaffRequest, done

from ..models import Appointment, Order

MOVED = "moved"  # upon this event the parts of an open page fetch themselves again


def page_or_part(request: StaffRequest, template: str, part: str, context: dict[str, Any]) -> HttpResponse:
    """``template`` as a page, or only its partial ``part`` when htmx asks for it."""
    is_part = request.htmx and not request.htmx.boosted
    response = render(request, f"{template}#{part}" if is_part else template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def moved(
    request: StaffRequest,
    text: object,
    *,
    undo: Appointment | None = None,
    visit: Appointment | None = None,
    moved_from: dict[str, Any] | None = None,
    back_to: str = "",
) -> HttpResponse:
    """A step of a page that stays open: say what was done, let its live parts fetch themselves again.

    ``undo`` is the visit whose last step can be taken back; ``moved_from`` is where ``visit`` was.
    """
    if not request.htmx:
        return left(request, text, back_to or reverse("scheduling:board"))
    response = render(
        request,
        "scheduling/_moved.html",
        {"text": text, "undo": undo, "visit": visit, "moved_from": moved_from},
    )
    response["HX-Trigger"] = MOVED
    return response


def left(request: StaffRequest, text: object, back_to: str) -> HttpResponse:
    """A form that is done with: say so on the page the person came from, or on ``back_to``."""
    done(request, text)
    return go_to(request, next_url(request) or back_to)


def go_to(request: StaffRequest, url: str) -> HttpResponse:
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)


def next_url(request: StaffRequest) -> str:
    """Where the person came from, if that is a page of ours."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if is_ours else ""


def as_seen(request: StaffRequest, subject: Appointment | Order) -> None:
    """Give ``subject`` the state that the person saw, so that the service notices what changed since."""
    seen = request.POST.get("seen", "")
    if seen in dict(subject._meta.get_field("status").flatchoices):
        subject.status = seen
