"""Key images: kept from the viewer, and their pictures."""

import base64
import binascii
import json
from typing import Any

from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from clinic.errors import InvalidInput, NotFound
from clinic.http import StaffRequest, require
from clinic.permissions import Permission

from ..frames import FileRange, bytes_response, let_cache, open_stored
from ..key_images import MAX_BYTES, create_key_image
from ..models import Instance, KeyImage, Study
from ..stored_files import studies_path


@require_POST
@require(Permission.STUDY_READ)
def key_image_create(request: StaffRequest, pk: int) -> HttpResponse:
    """Keep what the viewer shows as a key image: JSON with a data URL, or a form with a file."""
    study = get_object_or_404(Study.objects.visible_to(request.user).select_related("patient"), pk=pk)
    values, picture = _posted_picture(request)
    instance = Instance.objects.filter(
        series__study=study, sop_instance_uid=str(values.get("sop_instance_uid", ""))
    ).first()
    if instance is None:
        raise NotFound(_("This image is not of this study."))
    presentation = {name: values.get(name) for name in _PRESENTATION if values.get(name) is not None}
    image = create_key_image(
        study,
        by=request.user,
        instance=instance,
        frame=_frame(values.get("frame", 1)),
        picture=picture,
        presentation=presentation,
        caption=str(values.get("caption", "")),
    )
    address = reverse("imaging:key_image_picture", args=[image.pk])
    answer = {"id": image.pk, "image_url": address, "thumbnail_url": address, "caption": image.caption}
    return JsonResponse(answer, status=201)


_PRESENTATION = (
    "window_center",
    "window_width",
    "invert",
    "rotation",
    "flip_horizontal",
    "flip_vertical",
    "zoom",
    "center",
)


def _posted_picture(request: StaffRequest) -> tuple[dict[str, Any], bytes]:
    """The values and the picture's bytes."""
    if request.content_type != "application/json":
        upload = request.FILES.get("image")
        if upload is None:
            raise InvalidInput(_("The picture is missing."), field="image")
        return request.POST.dict(), upload.read(MAX_BYTES + 1)
    try:
        values = json.loads(request.body)
        head, _comma, data = str(values["image"]).partition(",")
        if not head.startswith("data:image/") or not head.endswith(";base64"):
            raise ValueError
        return values, base64.b64decode(data, validate=True)
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
        raise InvalidInput(
            _("The picture was not understood; a JPEG as data:image/jpeg;base64,… is accepted."),
            field="image",
        ) from None


def _frame(value: object) -> int:
    if not str(value).isdecimal() or len(str(value)) > 9:
        raise InvalidInput(
            _("The frame was read as “%(read)s”; a number is accepted.") % {"read": str(value)[:40]},
            field="frame",
        )
    return int(str(value))


@require_GET
@require(Permission.STUDY_VIEW, Permission.REPORT_VIEW)
def key_image_picture(request: StaffRequest, pk: int) -> HttpResponseBase:
    image = get_object_or_404(KeyImage, pk=pk)
    file = open_stored(studies_path(image.picture))
    whole = FileRange(file, 0, studies_path(image.picture).stat().st_size)
    return let_cache(bytes_response(request, [whole], "image/jpeg"), f"key-{image.pk}")
