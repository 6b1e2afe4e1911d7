"""DICOMweb (PS3.18): WADO-RS from the database and by ranges of files; QIDO-RS is in ``qido.py``.

Metadata are stored at ingest and never read from files. Frames go out in their stored encoding.
"""

import json
import os
import re
import secrets
from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from pydicom.datadict import dictionary_VR, tag_for_keyword

from clinic.errors import Conflict, InvalidInput, NotFound
from clinic.http import StaffRequest, require
from clinic.permissions import Permission

from .accept import accept_frames, accept_one_of
from .frames import FileRange, Piece, bytes_response, cached, let_cache, open_stored, ranges_of
from .models import Instance, Study
from .outgoing import CannotSend, Corrector, outgoing, outgoing_file
from .overview import evenly
from .reasons import picture_problem
from .sandbox import Refused
from .thumbnails import draw_picture, middle_frame, read_thumbnail
from .viewing import note_viewed

JSON_TYPES = ["application/dicom+json", "application/json"]
MAX_FRAMES = 1000
RENDERED_QUALITY = 85


# --- metadata -----------------------------------------------------------------------------------------


@require_GET
@require(Permission.STUDY_VIEW)
def metadata(
    request: StaffRequest, study_uid: str, series_uid: str | None = None, instance_uid: str | None = None
) -> HttpResponse:
    """``/studies/…/metadata`` of a study, a series or an instance."""
    media_type = accept_one_of(request, JSON_TYPES)
    study = get_study(request, study_uid)
    instances = Instance.objects.filter(series__study=study)
    if series_uid is not None:
        instances = instances.filter(series__series_instance_uid=series_uid)
    if instance_uid is not None:
        instances = instances.filter(sop_instance_uid=instance_uid)
    # As text from PostgreSQL to the browser: a series of 500 slices is not parsed and written again.
    instances = instances.order_by("series__number", "series_id", "number", "pk").annotate(
        text=Cast("metadata", TextField())
    )
    if not study.is_served:
        texts = list(instances.values_list("text", flat=True))
    else:
        corrector = Corrector()
        texts = [_as_known_here(one, corrector) for one in outgoing(instances)]
    if not texts:
        raise NotFound(_("There is no such series or image in this study."))
    note_viewed(study, request)
    return HttpResponse(f"[{','.join(texts)}]", content_type=media_type)


def get_study(request: StaffRequest, study_uid: str) -> Study:
    """The study, if this person may see it."""
    study = (
        Study.objects.visible_to(request.user)
        .filter(study_instance_uid=study_uid)
        .select_related("patient", "order")
        .first()
    )
    if study is None:
        raise NotFound(_("There is no such study, or it is not for you to see."))
    return study


def _as_known_here(instance: Any, corrector: Corrector) -> str:
    """The metadata (``instance.text``), with the clinic's records where they know better."""
    corrections = corrector.corrections(instance)
    text: str = instance.text
    if not corrections.changes and not corrections.remove:
        return text
    model: dict[str, Any] = json.loads(text)
    for keyword in corrections.remove:
        model.pop(_tag(keyword), None)
    for keyword, value in corrections.changes.items():
        model[_tag(keyword)] = _element(dictionary_VR(keyword), value)
    return json.dumps(dict(sorted(model.items())), ensure_ascii=False)


def _tag(keyword: str) -> str:
    return f"{tag_for_keyword(keyword):08X}"


def _element(vr: str, value: str) -> dict[str, Any]:
    if not value:
        return {"vr": vr}
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), value.split("="), strict=False)
    return {"vr": vr, "Value": [{name: group for name, group in groups if group} if vr == "PN" else value]}


# --- pixels -------------------------------------------------------------------------------------------


@require_GET
@require(Permission.STUDY_VIEW)
def frames(
    request: StaffRequest, study_uid: str, series_uid: str, instance_uid: str, numbers: str
) -> HttpResponseBase:
    """``…/frames/1`` or ``…/frames/1,2,3``: stored bytes, one ranged read for each fragment."""
    instance = get_instance(request, study_uid, series_uid, instance_uid)
    wanted = _frame_numbers(numbers, instance)
    syntax = instance.frame_transfer_syntax_uid
    part_type, is_multipart = accept_frames(request, syntax, single=len(wanted) == 1)
    etag = f"{instance.data_sha256[:32]}-{numbers}{'-m' if is_multipart else ''}"
    if answer := cached(request, etag):
        return answer
    note_viewed(instance.series.study, request)
    file = open_stored(instance.frames_path)
    groups = [ranges_of(file, instance.frame_offsets[number - 1]) for number in wanted]
    described = f"{part_type}; transfer-syntax={syntax}"
    if is_multipart:
        return let_cache(_multipart(request, groups, part_type, described), etag)
    return let_cache(bytes_response(request, groups[0], described), etag)


@require_GET
@require(Permission.STUDY_VIEW)
def instance(request: StaffRequest, study_uid: str, series_uid: str, instance_uid: str) -> HttpResponseBase:
    """The whole object as it may leave the clinic, alone or as the one part of ``multipart/related``."""
    found = get_instance(request, study_uid, series_uid, instance_uid)
    media_type = accept_one_of(request, ["application/dicom", "multipart/related"])
    leaving = outgoing(Instance.objects.filter(pk=found.pk)).first()
    if leaving is None:
        raise Conflict(_("These images are held: first say whose they are."))
    note_viewed(found.series.study, request)
    try:
        with outgoing_file(leaving, {found.transfer_syntax_uid}, Corrector()) as path:
            file = open_stored(path)  # stays open when the block removes a copy
    except CannotSend as error:
        raise NotFound(str(error)) from None
    whole = FileRange(file, 0, os.fstat(file.fileno()).st_size)
    described = f"application/dicom; transfer-syntax={found.transfer_syntax_uid}"
    if media_type == "multipart/related":
        response = _multipart(request, [[whole]], "application/dicom", described)
    else:
        response = bytes_response(request, [whole], described)
        response["Content-Disposition"] = f'attachment; filename="image-{found.pk}.dcm"'
    # The clinic's records may change: what is sent is asked for anew each time.
    response["Cache-Control"] = "private, no-cache"
    return response


@require_GET
@require(Permission.STUDY_VIEW)
def rendered(
    request: StaffRequest, study_uid: str, series_uid: str, instance_uid: str, number: int | None = None
) -> HttpResponseBase:
    """A JPEG of a frame (the middle one unless named), windowed as the file or ``?window=`` says.

    ``?viewport=width,height`` limits the size, ``?quality=`` is that of the JPEG (PS3.18 8.3.5).
    """
    accept_one_of(request, ["image/jpeg"])
    found = get_instance(request, study_uid, series_uid, instance_uid)
    if not found.frame_offsets or (found.display_problem and not found.thumbnail):
        # What could not be drawn once is not tried at each request: it may have taken all its time.
        raise NotFound(found.display_problem or _("This object holds no picture."))
    (frame,) = _frame_numbers(str(number or middle_frame(found)), found)
    edge, quality, window = _rendering(request)
    etag = f"{found.data_sha256[:32]}-{frame}-{edge}-{quality}-{window}"
    if answer := cached(request, etag):
        return answer
    note_viewed(found.series.study, request)
    try:
        picture = draw_picture(found, frame, edge=edge, quality=quality, window=window)
    except Refused as refused:
        raise NotFound(picture_problem(refused)) from None
    return let_cache(HttpResponse(picture, content_type="image/jpeg"), etag)


@require_GET
@require(Permission.STUDY_VIEW)
def thumbnail(
    request: StaffRequest, study_uid: str, series_uid: str | None = None, instance_uid: str | None = None
) -> HttpResponseBase:
    """A small JPEG of an instance, or of the middle image of a series or study."""
    accept_one_of(request, ["image/jpeg"])
    instances = visible_instances(request).filter(series__study__study_instance_uid=study_uid)
    if series_uid is not None:
        instances = instances.filter(series__series_instance_uid=series_uid)
    if instance_uid is not None:
        instances = instances.filter(sop_instance_uid=instance_uid)
    return thumbnail_response(request, representative(instances))


def thumbnail_response(request: StaffRequest, instance: Instance | None) -> HttpResponseBase:
    picture = read_thumbnail(instance) if instance is not None else None
    if instance is None or picture is None:
        raise NotFound((instance and instance.display_problem) or _("There is no picture of this."))
    etag = f"{instance.data_sha256[:32]}-t"
    return cached(request, etag) or let_cache(HttpResponse(picture, content_type="image/jpeg"), etag)


def representative(instances: QuerySet[Instance]) -> Instance | None:
    """The image that stands for many: the middle one of those with a thumbnail, else the first."""
    drawn = list(
        instances.exclude(thumbnail="")
        .defer("metadata", "frame_offsets")
        .order_by("series__number", "number", "pk")
    )
    if drawn:
        return evenly([one for one in drawn if one.series_id == drawn[0].series_id], 1)[0]
    return instances.exclude(frame_offsets=[]).order_by("series__number", "number", "pk").first()


def visible_instances(request: StaffRequest) -> QuerySet[Instance]:
    """Images of the studies that this person may see; without their metadata, which is large."""
    studies = Study.objects.visible_to(request.user)
    return (
        Instance.objects.filter(Exists(studies.filter(pk=OuterRef("series__study_id"))))
        .select_related("series__study__patient")
        .defer("metadata")
    )


def get_instance(request: StaffRequest, study_uid: str, series_uid: str, instance_uid: str) -> Instance:
    found = (
        visible_instances(request)
        .filter(
            sop_instance_uid=instance_uid,
            series__series_instance_uid=series_uid,
            series__study__study_instance_uid=study_uid,
        )
        .first()
    )
    if found is None:
        raise NotFound(_("There is no such image, or it is not for you to see."))
    return found


def _frame_numbers(text: str, instance: Instance) -> list[int]:
    """``1,2,3`` as numbers of frames that are there."""
    if not re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9})*", text) or text.count(",") >= MAX_FRAMES:
        raise InvalidInput(
            _("Frames were read as “%(read)s”; accepted are numbers like 1,2,3.") % {"read": text[:80]}
        )
    numbers = [int(part) for part in text.split(",")]
    there = len(instance.frame_offsets)
    if any(not 1 <= number <= there for number in numbers):
        raise NotFound(
            instance.display_problem
            or _("Frame %(read)s is not there; the image has %(there)d.")
            % {"read": text[:80], "there": there}
        )
    return numbers


def _rendering(request: StaffRequest) -> tuple[int, int, tuple[float, float] | None]:
    """``viewport``, ``quality`` and ``window`` of the query, checked."""
    viewport = _numbers(request, "viewport", 2, _("width,height"))
    quality = _numbers(request, "quality", 1, _("1 to 100")) or [RENDERED_QUALITY]
    window = _numbers(request, "window", 2, _("centre,width"))
    edge = int(max(16, min(4096, *viewport))) if viewport else 0
    if window and window[1] <= 0:
        raise InvalidInput(
            _("The window's width was read as %(read)s; it must be above 0.") % {"read": window[1]}
        )
    return edge, int(max(1, min(100, quality[0]))), (window[0], window[1]) if window else None


def _numbers(request: StaffRequest, name: str, count: int, accepted: str) -> list[float]:
    text = request.GET.get(name, "")
    if not text:
        return []
    parts = text.split(",")[:count]
    if len(parts) < count or not all(re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", part) for part in parts):
        raise InvalidInput(
            _("%(name)s was read as “%(read)s”; accepted: %(accepted)s.")
            % {"name": name, "read": text[:80], "accepted": accepted}
        )
    return [float(part) for part in parts]


def _multipart(
    request: StaffRequest, groups: Sequence[Sequence[FileRange]], part_type: str, described: str
) -> HttpResponseBase:
    """``multipart/related`` with one part for each group of ranges (PS3.18 8.6.1.2.2)."""
    boundary = secrets.token_hex(16)
    pieces: list[Piece] = []
    for group in groups:
        length = sum(piece.length for piece in group)
        head = f"--{boundary}\r\nContent-Type: {described}\r\nContent-Length: {length}\r\n\r\n"
        pieces += [head.encode(), *group, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    return bytes_response(request, pieces, f'multipart/related; type="{part_type}"; boundary={boundary}')
