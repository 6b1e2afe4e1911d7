"""Character sets in which answers can be written (PS3.3 C.12.1.1.2), per remote AE.

A letter that the chosen set cannot hold is written without its accent, else in Latin letters (the ones by
which the identity guard compares names), else as ``?``. A device that can read UTF-8 should have ISO_IR 192.
"""

import unicodedata
from functools import lru_cache

from anyascii import anyascii
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

DEFAULT = "ISO_IR 192"
# Value of Specific Character Set: its name for people, Python's codecs.
_SETS: dict[str, tuple[Promise, tuple[str, ...]]] = {
    "ISO_IR 192": (_("Unicode (UTF-8)"), ("utf-8",)),
    "ISO_IR 100": (_("Western European (Latin 1)"), ("latin-1",)),
    "ISO_IR 101": (_("Central European (Latin 2)"), ("iso8859-2",)),
    "ISO_IR 109": (_("South European (Latin 3)"), ("iso8859-3",)),
    "ISO_IR 110": (_("North European (Latin 4)"), ("iso8859-4",)),
    "ISO_IR 144": (_("Cyrillic"), ("iso8859-5",)),
    "ISO_IR 127": (_("Arabic"), ("iso8859-6",)),
    "ISO_IR 126": (_("Greek"), ("iso8859-7",)),
    "ISO_IR 138": (_("Hebrew"), ("iso8859-8",)),
    "ISO_IR 148": (_("Turkish (Latin 5)"), ("iso8859-9",)),
    "ISO_IR 166": (_("Thai"), ("iso8859-11",)),
    "GB18030": (_("Chinese (GB18030)"), ("gb18030",)),
    "\\ISO 2022 IR 87": (_("Japanese (ISO 2022)"), ("ascii", "iso2022_jp")),
    "\\ISO 2022 IR 149": (_("Korean (ISO 2022)"), ("ascii", "euc_kr")),
    "ISO_IR 6": (_("English letters only (ASCII)"), ("ascii",)),
}
CHARACTER_SETS = {value: name for value, (name, _codecs) in _SETS.items()}


def attribute(character_set: str) -> str | list[str]:
    """Value of Specific Character Set (0008,0005); the default repertoire has none."""
    if character_set == "ISO_IR 6":
        return ""
    return character_set.split("\\") if "\\" in character_set else character_set


def codec_of(character_set: str) -> str | None:
    """Python's codec; None for sets that change between codes within a text (ISO 2022)."""
    codecs = _SETS.get(character_set, _SETS[DEFAULT])[1]
    return codecs[0] if len(codecs) == 1 else None


def writable(text: str, character_set: str) -> str:
    """``text`` as a device that reads ``character_set`` will show it."""
    if text.isascii():
        return text
    codecs = _SETS.get(character_set, _SETS[DEFAULT])[1]
    if codecs == ("utf-8",):
        return text
    text = unicodedata.normalize("NFC", text)
    return "".join(_nearest(letter, codecs) for letter in text)


@lru_cache(maxsize=4096)
def _nearest(letter: str, codecs: tuple[str, ...]) -> str:
    for candidate in [letter, unicodedata.normalize("NFKD", letter)[:1], anyascii(letter)]:
        for codec in codecs:
            try:
                candidate.encode(codec)
            except UnicodeEncodeError:
                continue
            if candidate:
                return candidate
    return "?"
