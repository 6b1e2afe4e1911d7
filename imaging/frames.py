"""Bytes from stored files to the browser: ranges, in blocks, without parsing.

Places come from the database alone; nothing of a request's path or query reaches the file system.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

from django.core.handlers.asgi import ASGIRequest
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
    StreamingHttpResponse,
)
from django.utils.translation import gettext as _

from clinic.errors import NotFound

BLOCK = 1024 * 1024
IMMUTABLE = "private, max-age=31536000, immutable"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileRange:
    """``length`` bytes at ``offset`` of an open file."""

    file: BinaryIO
    offset: int
    length: int


Piece = bytes | FileRange
Response = TypeVar("Response", bound=HttpResponseBase)


def open_stored(path: Path) -> BinaryIO:
    """Open a stored file; its absence is a fault of the archive, said in words."""
    try:
        return path.open("rb")
    except OSError:
        log.exception("a stored file cannot be opened")
        raise NotFound(_("The file of this image cannot be read. Tell the administrator.")) from None


def ranges_of(file: BinaryIO, places: Sequence[int]) -> list[FileRange]:
    """``[offset, length, offset, length, …]`` as ranges of ``file``."""
    return [FileRange(file, places[at], places[at + 1]) for at in range(0, len(places), 2)]


def bytes_response(request: HttpRequest, pieces: Sequence[Piece], content_type: str) -> HttpResponseBase:
    """An answer made of ``pieces``; a large one is streamed in blocks, without blocking the event loop."""
    length = sum(len(piece) if isinstance(piece, bytes) else piece.length for piece in pieces)
    if length <= BLOCK:
        response: HttpResponseBase = HttpResponse(b"".join(_blocks(pieces)), content_type=content_type)
    elif isinstance(request, ASGIRequest):
        response = StreamingHttpResponse(_blocks_async(pieces), content_type=content_type)
    else:
        response = StreamingHttpResponse(_blocks(pieces), content_type=content_type)
    response["Content-Length"] = str(length)
    return response


def cached(request: HttpRequest, etag: str) -> HttpResponse | None:
    """The answer 304 when the browser has this already."""
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")}
    if f'"{etag}"' not in known:
        return None
    return let_cache(HttpResponseNotModified(), etag)


def let_cache(response: Response, etag: str) -> Response:
    """The bytes under this address never change: keep them, but only for this person."""
    response["ETag"] = f'"{etag}"'
    response["Cache-Control"] = IMMUTABLE
    return response


def _blocks(pieces: Sequence[Piece]) -> Iterator[bytes]:
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        for at in range(0, piece.length, BLOCK):
            yield _read(piece, at)


async def _blocks_async(pieces: Sequence[Piece]) -> AsyncIterator[bytes]:
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        for at in range(0, piece.length, BLOCK):
            yield await asyncio.to_thread(_read, piece, at)


def _read(piece: FileRange, at: int) -> bytes:
    """One block; a file that became shorter than its row says ends the answer, it is not padded."""
    wanted = min(BLOCK, piece.length - at)
    data = os.pread(piece.file.fileno(), wanted, piece.offset + at)
    if len(data) != wanted:
        raise OSError(f"a stored file ends early: {wanted} bytes expected, {len(data)} read")
    return data
