"""A name written in one cell, parted into DICOM's components as carefully as one can.

What the cell said is kept beside the order, so a wrong cut can always be seen and mended. When in doubt a
word stays with the family name: nothing is left out, nothing is written in other letters.
"""

import re
import unicodedata

from patients.names import PersonName, clean, fold

from .words import NAME_PARTICLES, NAME_SUFFIXES, TITLES, TITLES_WITH_STOP, VIETNAMESE_FAMILIES

GIVEN_FIRST, FAMILY_FIRST = "given", "family"
_VIETNAMESE_FOLDED = {"nguyen", "tran", "pham", "huynh", "hoang", "phan", "dang", "bui", "truong"}
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")


def split_name(text: str, *, order: str = GIVEN_FIRST) -> PersonName:
    """The name in its components: ``SMITH, John A.``, ``Mr. John Smith``, ``Nguyễn Văn An``, ``Suharto``.

    ``order`` says which stands first where nothing else shows it: a comma, a family name in capitals, a
    Vietnamese name.
    """
    text = clean(unicodedata.normalize("NFC", text.strip(" ,;")))
    if _IDEOGRAPHS.search(text) and not re.search(r"[A-Za-z]", text):
        return PersonName(ideographic="^".join(text.split()[:2]) if len(text.split()) == 2 else text)
    if "," in text:
        return _with_comma(text)
    prefix, words, suffix = _without_titles(text.split())
    if not words:
        return PersonName(family=text)
    family, given = _part(words, order)
    return _composed(family, given, prefix, suffix)


def _with_comma(text: str) -> PersonName:
    family, _comma, rest = text.partition(",")
    if fold(rest).replace(" ", "") in NAME_SUFFIXES:  # John Smith, Jr.
        name = split_name(family)
        return PersonName(name.family, name.given, name.middle, name.prefix, rest.strip())
    before, family_words, behind = _without_titles(family.split())
    prefix, words, suffix = _without_titles(rest.replace(",", " ").split())
    return _composed(family_words, words, [*before, *prefix], [*behind, *suffix])


def _without_titles(words: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Titles in front, the name, and what stands behind it."""
    words, prefix = list(words), []
    suffix: list[str] = []
    while len(words) > 1 and _is_title(words[0]):
        prefix.append(words.pop(0))
    while len(words) > 2 and fold(words[-1]) in NAME_SUFFIXES:
        suffix.insert(0, words.pop())
    return prefix, words, suffix


def _is_title(word: str) -> bool:
    bare = word.rstrip(".").casefold()
    return bare in TITLES or (bare in TITLES_WITH_STOP and word.endswith("."))


def _part(words: list[str], order: str) -> tuple[list[str], list[str]]:
    """Family and given names of words without titles."""
    if len(words) == 1:
        return words, []
    capitals = [len(word) > 1 and word.isupper() and any(map(str.isalpha, word)) for word in words]
    if any(capitals) and not all(capitals):
        if capitals[0] and capitals == sorted(capitals, reverse=True):
            cut = capitals.index(False)
            return words[:cut], words[cut:]
        if capitals[-1] and capitals == sorted(capitals):
            cut = capitals.index(True)
            return words[cut:], words[:cut]
    if _is_vietnamese(words):
        return words[:1], [words[-1], *words[1:-1]]
    if order == FAMILY_FIRST:
        cut = 1
        while cut < len(words) - 1 and fold(words[cut - 1]) in NAME_PARTICLES:
            cut += 1
        return words[:cut], words[cut:]
    cut = len(words) - 1
    while cut > 1 and fold(words[cut - 1]) in NAME_PARTICLES:
        cut -= 1
    return words[cut:], words[:cut]


def _is_vietnamese(words: list[str]) -> bool:
    if len(words) < 2:
        return False
    first = words[0].title()
    if first in VIETNAMESE_FAMILIES and not first.isascii():
        return True
    return fold(first) in _VIETNAMESE_FOLDED and (len(words) > 2 or not "".join(words).isascii())


def _composed(family: list[str], given: list[str], prefix: list[str], suffix: list[str]) -> PersonName:
    if not family:
        family, given = given, []
    return PersonName(
        family=" ".join(family),
        given=given[0] if given else "",
        middle=" ".join(given[1:]),
        prefix=" ".join(prefix),
        suffix=" ".join(suffix),
    )
