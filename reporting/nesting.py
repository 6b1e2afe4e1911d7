"""How deeply HTML is nested, measured before anything expensive touches it.

Parsers and sanitisers take quadratic time in the depth. Imported by the rendering child process, too:
nothing of Django here.
"""

import re

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
VOID_TAGS = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"]
)


def depth_of(html: str) -> int:
    """The deepest nesting that the tags of ``html`` could make; an unclosed tag counts to the end."""
    depth = deepest = 0
    for closing, name in _TAG.findall(html):
        if name.lower() in VOID_TAGS:
            continue
        depth = max(0, depth - 1) if closing else depth + 1
        deepest = max(deepest, depth)
    return deepest
