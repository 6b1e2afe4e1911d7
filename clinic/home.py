"""Each role's first page, and the frame around every page."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .http import part_url, signed_in
from .models import ClinicProfile
from .permissions import Permission as P


@dataclass(frozen=True)
class NavigationItem:
    url_name: str
    icon: str
    label: str | Promise
    permission: P


NAVIGATION = [
    NavigationItem("scheduling:board", "layout-dashboard", _("Board"), P.BOARD_VIEW),
    NavigationItem("scheduling:walk_in", "footprints", _("Walk-in"), P.APPOINTMENT_CHECK_IN),
    NavigationItem("scheduling:calendar", "calendar-days", _("Calendar"), P.APPOINTMENT_BOOK),
    NavigationItem("scheduling:call_list", "phone", _("Calls"), P.APPOINTMENT_BOOK),
    NavigationItem("patients:patient_list", "users", _("Patients"), P.PATIENT_VIEW),
    NavigationItem("scheduling:worklist", "scan-line", _("Examinations"), P.EXAM_PERFORM),
    NavigationItem("imaging:held_list", "shield-question-mark", _("Held images"), P.STUDY_RECONCILE),
    NavigationItem("reporting:reading_list", "book-open-text", _("Reading"), P.STUDY_READ),
    NavigationItem("scheduling:orders_to_sign", "signature", _("To sign"), P.ORDER_SIGN),
    NavigationItem("reporting:release_list", "send", _("Results"), P.REPORT_RELEASE),
    NavigationItem("dicomserver:node_list", "network", _("Devices"), P.CONFIGURE),
    NavigationItem("audit:entry_list", "history", _("Audit"), P.AUDIT_VIEW),
    NavigationItem("admin:index", "settings", _("Settings"), P.CONFIGURE),
]
# The first of these that the user may open is the home page.
HOMES = [
    (P.STUDY_READ, "reporting:reading_list"),
    (P.EXAM_PERFORM, "scheduling:worklist"),
    (P.BOARD_VIEW, "scheduling:board"),
]


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    for permission, url_name in HOMES:
        if request.user.can(permission):  # type: ignore[union-attr]
            return redirect(url_name)
    return redirect("own_account")


def page_frame(request: HttpRequest) -> dict[str, object]:
    """Context of every page: the clinic, the navigation of this user, demo mode."""
    user = getattr(request, "user", None)
    items = []
    if user is not None and user.is_authenticated:
        for item in NAVIGATION:
            if user.can(item.permission):
                try:
                    url = reverse(item.url_name)
                except NoReverseMatch:
                    continue
                items.append({"item": item, "url": url, "is_current": request.path.startswith(url)})
    return {
        "clinic": ClinicProfile.get(),
        "navigation": items,
        "find_url": part_url(user, "patients:patient_quick") if user and items else "",
        "demo_mode": settings.CEDAR_DEMO,
        "idle_seconds": settings.IDLE_TIMEOUT_SECONDS,
    }
