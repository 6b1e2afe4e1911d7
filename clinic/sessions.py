"""Sessions that end when nobody is at the desk, and clocks that show the clinic's time."""

import time
import zoneinfo
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from .http import is_background, wants_json
from .models import ClinicProfile

Handler = Callable[[HttpRequest], HttpResponse]
LAST_SEEN = "last_seen"
WRITE_EVERY_SECONDS = 10
SIGNED_OUT = "cedar:signed-out"  # the event on which static/clinic/idle.js asks for the password


class IdleTimeoutMiddleware:
    """Ends a session that no person has used for ``IDLE_TIMEOUT_SECONDS``.

    What a page fetches by itself (live updates) does not count as use.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = time.time()
            last_seen = request.session.get(LAST_SEEN)
            if last_seen is not None and now - last_seen > settings.IDLE_TIMEOUT_SECONDS:
                request.logout_reason = _("not used for too long")  # type: ignore[attr-defined]
                logout(request)
            elif last_seen is None or (not is_background(request) and now - last_seen > WRITE_EVERY_SECONDS):
                request.session[LAST_SEEN] = now
        return self.get_response(request)


def seconds_left(request: HttpRequest) -> int:
    """How long the session of this request lasts without further use; 0 when nobody is signed in."""
    if not request.user.is_authenticated:
        return 0
    last_seen = request.session.get(LAST_SEEN, time.time())
    return max(0, round(last_seen + settings.IDLE_TIMEOUT_SECONDS - time.time()))


class LoginRedirectMiddleware(LoginRequiredMiddleware):
    """Login by default. How the page of an ended session learns of it depends on who asks.

    A page that fetches something by itself is told by an event and asks for the password in place, so that
    nothing typed is lost; a person's click leads to the login and back; a program gets 401.
    """

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponse:
        if request.headers.get("HX-Request") == "true":
            answer = HttpResponse(status=204)
            if is_background(request):
                answer["HX-Trigger"] = SIGNED_OUT
            else:
                # Back to the page that is open, not to the fragment that it asked for.
                page = urlsplit(request.headers.get("HX-Current-URL", ""))
                path = f"{page.path or '/'}?{page.query}" if page.query else page.path or "/"
                answer["HX-Redirect"] = redirect_to_login(path).url  # type: ignore[attr-defined]
            return answer
        if wants_json(request):
            return JsonResponse({"error": _("You are signed out. Sign in again.")}, status=401)
        return super().handle_no_permission(request, view_func)


class TimeZoneMiddleware:
    """Dates and times of a signed-in person's pages are in the clinic's time zone."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            timezone.activate(zoneinfo.ZoneInfo(ClinicProfile.get().time_zone))
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()
