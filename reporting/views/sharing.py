"""Share links: made and closed by who hands out results, opened by somebody outside with the PIN."""

from pathlib import Path

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clinic.errors import InvalidInput, NotFound
from clinic.http import StaffRequest, done, public, require
from clinic.models import ClinicProfile
from clinic.permissions import Permission as P
from imaging.models import Instance
from imaging.sandbox import Refused
from imaging.thumbnails import draw_picture

from .. import services
from ..forms import ShareForm
from ..models import ShareLink
from .reports import get_version

COOKIE = "cedar_share"
OPEN_SECONDS = 30 * 60  # afterwards the PIN is asked for again
IMAGES_A_PAGE = 24
IMAGE_EDGE = 1280


@require(P.REPORT_RELEASE)
@require_POST
def share_create(request: StaffRequest, pk: int) -> HttpResponse:
    """Make a link and show it with its PIN, this once."""
    version = get_version(request, pk)
    form = ShareForm(request.POST)
    if not form.is_valid():
        raise InvalidInput(" ".join(str(text) for texts in form.errors.values() for text in texts))
    share = services.share_report(version, by=request.user, **form.cleaned_data)
    address = request.build_absolute_uri(reverse("reporting:shared_report", args=[share.token]))
    context = {"share": share, "link": share.link, "address": address, "report": version.report}
    return render(request, "reporting/share_made.html", context)


@require(P.REPORT_RELEASE)
@require_POST
def share_revoke(request: StaffRequest, pk: int) -> HttpResponse:
    link = get_object_or_404(ShareLink.objects.select_related("release__version__report"), pk=pk)
    services.revoke_share(link, by=request.user)
    done(request, _("The link for %(recipient)s is closed.") % {"recipient": link.release.recipient})
    return redirect("reporting:release_list")


@never_cache
@require_http_methods(["GET", "POST"])
@public
def shared_report(request: HttpRequest, token: str) -> HttpResponse:
    """The PIN first, then the report: to look at, to print, never to change."""
    if request.method == "POST":
        try:
            services.open_share(token, request.POST.get("pin", ""))
        except InvalidInput as refused:
            return _ask_for_pin(request, token, refused.message)
        answer = redirect("reporting:shared_report", token)
        answer.set_signed_cookie(
            COOKIE,
            token,
            salt=COOKIE,
            max_age=OPEN_SECONDS,
            path=reverse("reporting:shared_report", args=[token]),
            httponly=True,
            secure=request.is_secure(),
            samesite="Strict",
        )
        return answer
    link = services.find_share(token)
    if not _is_open(request, token):
        return _ask_for_pin(request, token)
    version = services.newest_version(link)
    pages = Paginator(_instances(link), IMAGES_A_PAGE)
    context = {
        "token": token,
        "link": link,
        "order": link.release.version.report.order,
        "versions": version.report.versions.filter(number__lte=version.number).order_by("number"),
        "images": pages.get_page(request.GET.get("page")),
        "clinic": ClinicProfile.get(),
    }
    return render(request, "reporting/shared_report.html", context)


def _ask_for_pin(request: HttpRequest, token: str, error: str = "") -> HttpResponse:
    services.find_share(token)
    return render(
        request, "reporting/shared_pin.html", {"token": token, "error": error}, status=422 if error else 200
    )


def _is_open(request: HttpRequest, token: str) -> bool:
    """Whether the PIN was entered in this browser, lately."""
    return bool(request.get_signed_cookie(COOKIE, default="", salt=COOKIE, max_age=OPEN_SECONDS) == token)


def _opened(request: HttpRequest, token: str) -> ShareLink:
    link = services.find_share(token)
    if not _is_open(request, token):
        raise NotFound(_("Enter the PIN of this link first."))
    return link


def _instances(link: ShareLink) -> list[int]:
    """The images that the link shows, in their order; none unless it was made with images."""
    if not link.with_images:
        return []
    order = link.release.version.report.order
    shown = Instance.objects.filter(series__study__order=order).exclude(frame_offsets=[])
    return list(shown.order_by("series__number", "series_id", "number", "pk").values_list("pk", flat=True))


@never_cache
@require_GET
@public
def shared_pdf(request: HttpRequest, token: str) -> HttpResponse:
    version = services.newest_version(_opened(request, token))
    return HttpResponse(
        version.pdf_path.read_bytes(),
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="report-{version.number}.pdf"'},
    )


@never_cache
@require_GET
@public
def shared_picture(request: HttpRequest, token: str, place: int) -> HttpResponse:
    """A key image of the report, from the copy that was made at signing."""
    link = _opened(request, token)
    images = link.release.version.report.versions.order_by("number")[0].content.get("images", [])
    if not 0 < place <= len(images):
        raise NotFound(_("This report has no such image."))
    data = Path(settings.DOCUMENTS_DIR, images[place - 1]["file"]).read_bytes()
    return HttpResponse(data, content_type="image/jpeg")


@never_cache
@require_GET
@public
def shared_image(request: HttpRequest, token: str, pk: int) -> HttpResponse:
    """An image of the study as a JPEG, where the link was made with images."""
    link = _opened(request, token)
    if pk not in _instances(link):
        raise NotFound(_("This link has no such image."))
    instance = get_object_or_404(Instance.objects.select_related("series__study"), pk=pk)
    try:
        picture = draw_picture(instance, 1, edge=IMAGE_EDGE, quality=85)
    except Refused:
        raise NotFound(_("This image cannot be shown as a picture.")) from None
    return HttpResponse(picture, content_type="image/jpeg")
