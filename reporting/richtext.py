"""The rich text of a report: what the editor offers, what is kept of what was sent, and how it is read.

Nothing is trusted because the editor made it: ``clean_html`` runs at every save and again before a PDF.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from html.parser import HTMLParser

import nh3
from django.utils.translation import gettext as _
from django_prose_editor.config import allowlist_from_extensions, expand_extensions

from clinic.errors import InvalidInput

from .nesting import VOID_TAGS, depth_of

# No links, images, tables or styles: what is not offered cannot be smuggled in.
EXTENSIONS: dict[str, object] = {
    "Bold": True,
    "Italic": True,
    "Underline": True,
    "Subscript": True,
    "Superscript": True,
    "BulletList": True,
    "OrderedList": True,
    "ListItem": True,
    "HardBreak": True,
    "NoSpellCheck": False,
    "Menu": {"groups": [{"group": "marks"}, {"group": "lists"}, {"group": "history"}]},
}
MAX_CHARACTERS = 60_000
MAX_DEPTH = 60
# A database cannot keep NUL, and UTF-8 no lone half of a surrogate pair.
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@lru_cache(maxsize=1)
def _cleaner() -> nh3.Cleaner:
    allowed = allowlist_from_extensions(expand_extensions(EXTENSIONS))
    return nh3.Cleaner(tags=allowed["tags"], attribute_filter=lambda *_attribute: None)


def clean_html(html: str) -> str:
    """``html`` reduced to what the editor offers, as HTML; an empty string when it holds no text.

    Raises ``InvalidInput`` for text that is too long or nested too deeply: both are measured first, because
    sanitising takes quadratic time in the depth.
    """
    if len(html) > MAX_CHARACTERS:
        raise InvalidInput(
            _("This text has %(read)d characters with its formatting; at most %(most)d are kept.")
            % {"read": len(html), "most": MAX_CHARACTERS}
        )
    depth = depth_of(html)
    if depth > MAX_DEPTH:
        raise InvalidInput(
            _("This text is nested %(read)d levels deep; at most %(most)d are kept. Paste it as plain text.")
            % {"read": depth, "most": MAX_DEPTH}
        )
    cleaned = _cleaner().clean(_UNSTORABLE.sub("", html)).strip()
    return cleaned if plain_text(cleaned) else ""


def as_paragraphs(text: str) -> str:
    """Plain text as HTML, one paragraph a line."""
    lines = [line.strip() for line in text.splitlines()]
    return "".join(f"<p>{escape(line, quote=False)}</p>" for line in lines if line)


@dataclass
class Node:
    """A piece of rich text: a tag with its children, which are nodes and strings."""

    tag: str
    children: list["Node | str"] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        return {
            "tag": self.tag,
            "children": [child if isinstance(child, str) else child.as_json() for child in self.children],
        }


class _TreeBuilder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("root")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag)
        self._open[-1].children.append(node)
        if tag not in VOID_TAGS:
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if any(node.tag == tag for node in self._open[1:]):
            while self._open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def parse(html: str) -> Node:
    """The tree of ``html``, which must be clean."""
    builder = _TreeBuilder()
    builder.feed(html)
    builder.close()
    return builder.root


def plain_text(html: str) -> str:
    """The words of ``html``: blocks on lines of their own, list items with a dash."""
    pieces: list[str] = []
    _collect(parse(html), pieces)
    # The editor puts a paragraph into every list item: its dash stands on the same line.
    text = re.sub(r"\n- \n+", "\n- ", "".join(pieces))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _collect(node: Node, pieces: list[str]) -> None:
    for child in node.children:
        if isinstance(child, str):
            pieces.append(child)
        elif child.tag == "br":
            pieces.append("\n")
        else:
            is_block = child.tag in {"p", "li", "ul", "ol"}
            if is_block:
                pieces.append("\n- " if child.tag == "li" else "\n")
            _collect(child, pieces)
            if is_block:
                pieces.append("\n")
