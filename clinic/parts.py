"""A live page in parts: it tells which of them it has, and is sent only those that differ.

The page lists what it has in a header (static/clinic/live.js), so the server remembers nothing about it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2s
from secrets import token_hex
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

HAVE_HEADER = "X-Cedar-Have"
# In a drawn part: the place of a filling, and of the id. Nobody can type them: they differ at every start.
MARK = SafeString(f"<!--filling-{token_hex(8)}-->")
_HEAD = SafeString(f"part-{token_hex(8)}")


@dataclass(frozen=True)
class Part:
    """One element of a page. Its template writes ``{{ part }}`` into the element's tag, for its id.

    ``fillings`` go into the marked places. They are not compared: the page itself keeps them up to date.
    """

    name: str
    drawn: str
    fillings: tuple[str, ...] = ()

    @cached_property
    def version(self) -> str:
        return blake2s(self.drawn.encode(), digest_size=8).hexdigest()

    @cached_property
    def _filled(self) -> str:
        first, *pieces = self.drawn.split(MARK)
        filled = zip(self.fillings, pieces, strict=True)
        return first + "".join(f"{filling}{piece}" for filling, piece in filled)

    def html(self, *, replaces: bool = False) -> SafeString:
        """The element; ``replaces`` when htmx is to put it in the place of the one with the same id."""
        head = format_html('id="{}" data-version="{}"', self.name, self.version)
        if replaces:
            head += SafeString(' hx-swap-oob="true"')
        return SafeString(self._filled.replace(_HEAD, head, 1))


def draw_part(name: str, template: str, context: dict[str, Any], fillings: Iterable[str] = ()) -> Part:
    drawn = render_to_string(template, context | {"part": _HEAD, "name": name})
    return Part(name, drawn, tuple(fillings))


def whole(parts: Sequence[Part]) -> SafeString:
    return SafeString("".join(part.html() for part in parts))


def parts_response(request: HttpRequest, parts: Sequence[Part]) -> HttpResponse:
    """All parts, or only those that the page has not; nothing (204) when it has them all."""
    pairs = (pair.partition(":") for pair in request.headers.get(HAVE_HEADER, "").split())
    have = {name: version for name, _colon, version in pairs}
    if list(have) != [part.name for part in parts]:
        return HttpResponse(whole(parts))
    changed = [part.html(replaces=True) for part in parts if have[part.name] != part.version]
    if not changed:
        return HttpResponse(status=204)
    response = HttpResponse("".join(changed))
    response["HX-Reswap"] = "none"
    return response
