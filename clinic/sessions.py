"""Sessions that end when nobody is at the desk, and clocks that show the clinic's time."""

import time
import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from .http import is_background
from .models import ClinicProfile

Handler = Callable[[HttpRequest], HttpResponse]
LAST_SEEN = "last_seen"
WRITE_EVERY_SECONDS = 30


class IdleTimeoutMiddleware:
    """Ends a session that no person has used for ``IDLE_TIMEOUT_SECONDS``.

    What a page fetches by itself (live updates, autosave) does not count as use.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        now = time.time()
        last_seen = request.session.get(LAST_SEEN)
        if last_seen is not None and now - last_seen > settings.IDLE_TIMEOUT_SECONDS:
            logout(request)
        elif not is_background(request) and (last_seen is None or now - last_seen > WRITE_EVERY_SECONDS):
            if request.session.session_key:
                request.session[LAST_SEEN] = now
        return self.get_response(request)


class LoginRedirectMiddleware(LoginRequiredMiddleware):
    """Login by default; an htmx request of an ended session sends the whole page to the login."""

    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., HttpResponse]
    ) -> HttpResponse:
        response = super().handle_no_permission(request, view_func)
        if request.headers.get("HX-Request") == "true":
            redirect = HttpResponse(status=204)
            # Back to the page that is open, not to the fragment that it asked for.
            page = request.headers.get("HX-Current-URL", "")
            path = "/" + page.split("/", 3)[3] if page.count("/") >= 3 else "/"
            from django.contrib.auth.views import redirect_to_login

            redirect["HX-Redirect"] = redirect_to_login(path).url
            return redirect
        return response


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
