"""Which side of the body a text speaks of."""

import re

LEFT, RIGHT = "left", "right"
# Words for the sides in languages that reports are likely to be written in.
_SIDE_WORDS = {
    LEFT: "left lt lt. gauche gauches izquierdo izquierda izquierdos izquierdas izq. esquerdo esquerda "
    "esquerdos esquerdas links linke linker linkes linken linkem sinistro sinistra sinistri sinistre trái "
    "левый левая левое левые левого левой левую левом левых слева اليسرى الأيسر يسار",
    RIGHT: "right rt rt. droit droite droits droites derecho derecha derechos derechas der. direito direita "
    "direitos direitas rechts rechte rechter rechtes rechten rechtem destro destra destri destre phải "
    "правый правая правое правые правого правой правую правом правых справа اليمنى الأيمن يمين",
}
# "L knee", "R. hand"; not "L4" and not a letter at the end of a list.
_SIDE_LETTERS = {LEFT: r"(?-i:L\.?\s+(?=[a-z]))", RIGHT: r"(?-i:R\.?\s+(?=[a-z]))"}
_SIDE_SIGNS = {LEFT: "左", RIGHT: "右"}


def _side_pattern(side: str) -> re.Pattern[str]:
    words = "|".join(re.escape(word) for word in _SIDE_WORDS[side].split())
    return re.compile(
        rf"(?<!\w)(?:(?:{words})(?!\w)|{_SIDE_LETTERS[side]})|{_SIDE_SIGNS[side]}", re.IGNORECASE
    )


_SIDE = {side: _side_pattern(side) for side in (LEFT, RIGHT)}
# Of an organ that has both, of a person, of time: no side of the examination.
_NO_SIDE = re.compile(
    r"""\b(?:left|right)[\s-]+(?:atri(?:um|al)|ventric(?:le|ular)|heart|bundle|handed|away|now|angles?)\b
    | \b(?:has|have|had|was|were|is)\s+left\b
    | \bleft\s+(?:the|over|behind|without)\b
    | \ball\s+right\b
    | \b(?:left[\s-]+to[\s-]+right|right[\s-]+to[\s-]+left)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_BOTH = re.compile(
    r"""\b(?:bilateral(?:ly)?|both|either\s+side|beide[rns]?|beid(?:er|s)seits|bilatérale?s?|bilaterales
    | ambos|ambas|двусторонн\w+|обе(?:их|ими)?|hai\s+bên)\b | 两侧 | 双侧 | 両側 | 양측""",
    re.IGNORECASE | re.VERBOSE,
)


def sides(text: str) -> frozenset[str]:
    """Which sides ``text`` speaks of: neither, one, or both."""
    text = _NO_SIDE.sub(" ", text)
    if _BOTH.search(text):
        return frozenset({LEFT, RIGHT})
    return frozenset(side for side, pattern in _SIDE.items() if pattern.search(text))
