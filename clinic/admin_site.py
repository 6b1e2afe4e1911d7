"""Django's admin as the clinic's settings pages: Cedar's login, Cedar's permission, Cedar's words."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from .errors import NotAllowed
from .permissions import Permission

# The rooms in the order in which an administrator needs them, and words for those of the libraries.
ORDER = ["clinic", "scheduling", "reporting", "imaging", "dicomserver", "axes", "django_q"]
WORDS = {"axes": _lazy("Sign-ins"), "django_q": _lazy("Background work")}


class CedarAdminSite(admin.AdminSite):
    site_header = _lazy("Cedar settings")
    site_title = _lazy("Cedar settings")
    index_title = _lazy("Settings")

    def has_permission(self, request: HttpRequest) -> bool:
        """Signed in and allowed; who is signed in without the permission is told so at once."""
        user = request.user
        if not user.is_authenticated:
            return False
        if not user.can(Permission.CONFIGURE):
            raise NotAllowed(_("Only an administrator may open the settings."))
        return True

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return super().each_context(request) | {"demo_mode": settings.CEDAR_DEMO}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        found = super().get_app_list(request, app_label)
        for room in found:
            room["name"] = WORDS.get(room["app_label"], room["name"])
        place = {label: index for index, label in enumerate(ORDER)}
        return sorted(found, key=lambda room: place.get(room["app_label"], len(ORDER)))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one sign-in page, with its throttling."""
        return redirect_to_login(request.GET.get("next", "/admin/"))

    login.login_required = False  # type: ignore[attr-defined]

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        from .accounts import logout_page

        return logout_page(request)

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("password_change")

    def password_change_done(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("own_account")
