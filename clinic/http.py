"""Between HTTP and the services: permission on every view, refusals as words, background requests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, resolve, reverse
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

from .errors import DomainError, NotAllowed
from .models import User
from .permissions import Permission

View = TypeVar("View", bound=Callable[..., HttpResponseBase])
BACKGROUND_HEADER = "X-Cedar-Background"
_caller: ContextVar[str] = ContextVar("caller", default="")


class StaffRequest(HttpRequest):
    """A request behind ``@require``: somebody is signed in."""

    user: User
    htmx: HtmxDetails


def require(*permissions: Permission) -> Callable[[View], View]:
    """The view needs a signed-in user with any one of ``permissions``."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not any(request.user.can(permission) for permission in permissions):  # type: ignore[union-attr]
                raise NotAllowed(
                    _("Your role does not include this page. Ask the administrator if you need it.")
                )
            return view(request, *args, **kwargs)

        guarded.required_permissions = permissions  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def public(view: View) -> View:
    """The view is one of the few that need no login."""
    view = login_not_required(view)
    view.is_public = True  # type: ignore[attr-defined]
    return view


def signed_in(view: View) -> View:
    """The view is for everybody who is signed in, whatever the role (home, own password, sign out)."""
    view.required_permissions = ()  # type: ignore[attr-defined]
    return view


def part_url(user: User, url_name: str, *args: object) -> str:
    """The address of a part that another room adds to a page; empty when ``user`` may not see it.

    A room that is above the page's is named only by its URL, and its view says which permission it needs.
    """
    try:
        url = reverse(url_name, args=args)
    except NoReverseMatch:
        return ""
    needed = getattr(resolve(url).func, "required_permissions", ())
    return url if any(user.can(permission) for permission in needed) else ""


def is_background(request: HttpRequest) -> bool:
    """True for requests that a page made by itself: they must not keep an idle session alive."""
    return request.headers.get(BACKGROUND_HEADER) == "1"


def wants_json(request: HttpRequest) -> bool:
    return "json" in request.headers.get("Accept", "") or request.path.startswith("/dicom-web/")


def address_of(request: HttpRequest) -> str:
    """The address at the other end of the connection.

    ``X-Forwarded-For`` is not looked at: whoever calls can write anything into it.
    """
    return str(request.META.get("REMOTE_ADDR") or "")


def caller_address() -> str:
    """From where the work at hand was asked for; empty for what the clinic does by itself."""
    return _caller.get()


@contextmanager
def calling_from(address: str) -> Iterator[None]:
    """Everything done inside was asked for from ``address``."""
    token = _caller.set(address)
    try:
        yield
    finally:
        _caller.reset(token)


class CallerMiddleware:
    """Makes the caller's address known to the audit trail, without every service passing it on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with calling_from(address_of(request)):
            return self.get_response(request)


class DomainErrorMiddleware:
    """Turns a ``DomainError`` of any view into words: JSON, an HTMX message, or a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DomainError):
            return None
        return refusal(request, error)


def refusal(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The answer to a refused request, in the form the caller understands."""
    if wants_json(request):
        return JsonResponse({"error": error.message}, status=error.status)
    if getattr(request, "htmx", False):
        # htmx swaps only the message: what was on the page and in its forms stays.
        response = render(request, "clinic/_message.html", {"text": error.message}, status=error.status)
        response["HX-Retarget"] = "#messages"
        response["HX-Reswap"] = "innerHTML"
        return response
    return render(
        request, "clinic/error.html", {"text": error.message, "status": error.status}, status=error.status
    )


def done(request: HttpRequest, text: object) -> None:
    """Say on the next page what was done."""
    messages.success(request, str(text))
