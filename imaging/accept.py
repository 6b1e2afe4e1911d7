"""Which form of an answer a DICOMweb client takes (PS3.18 8.7): read from Accept, refused in words."""

from collections.abc import Iterable

from django.http import HttpRequest
from django.utils.translation import gettext as _
from pydicom.uid import UID

from clinic.errors import DomainError

OCTETS = "application/octet-stream"
# PS3.18 table 8.7.3-5
_IMAGE_TYPES = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
}


class NotAcceptable(DomainError):
    """The client takes no form in which this can be given."""

    status = 406


def accept_one_of(request: HttpRequest, offered: Iterable[str]) -> str:
    """What the client likes best of ``offered`` media types. Raises ``NotAcceptable``."""
    offered = list(offered)
    for media in request.accepted_types:
        for media_type in offered:
            main, sub = media_type.split("/")
            if media.main_type in ("*", main) and media.sub_type in ("*", sub):
                return media_type
    raise _refusal(request, offered)


def accept_frames(request: HttpRequest, syntax: str, *, single: bool) -> tuple[str, bool]:
    """``(media type of a part, whether in multipart/related)`` for frames stored in ``syntax``.

    A client that names no transfer syntax for octets expects uncompressed ones: it is refused rather than
    given bytes that it would misread.
    """
    for media in request.accepted_types:
        params = {str(name).lower(): str(value) for name, value in media.params.items()}
        wanted = params.get("transfer-syntax", "")
        is_multipart = f"{media.main_type}/{media.sub_type}" == "multipart/related"
        inner = params.get("type", "*/*") if is_multipart else f"{media.main_type}/{media.sub_type}"
        part = _part_type(inner, wanted, syntax)
        if part is None or not (single or is_multipart or inner == "*/*"):
            continue
        return part, is_multipart or not single
    offered = f"{OCTETS}; transfer-syntax={syntax}"
    in_parts = f'multipart/related; type="{OCTETS}"; transfer-syntax={syntax}'
    raise _refusal(request, [offered, in_parts] if single else [in_parts])


def _part_type(inner: str, wanted: str, syntax: str) -> str | None:
    inner = inner.lower()
    if wanted not in ("", "*", syntax):
        return None
    if inner == "*/*":
        return OCTETS
    if inner == OCTETS:
        return OCTETS if wanted or not UID(syntax).is_encapsulated else None
    return inner if inner in (_IMAGE_TYPES.get(syntax), "image/*") else None


def _refusal(request: HttpRequest, offered: list[str]) -> NotAcceptable:
    return NotAcceptable(
        _("Accept was read as “%(read)s”; this can be given as %(offered)s.")
        % {"read": request.headers.get("Accept", "")[:200], "offered": ", ".join(offered)}
    )
