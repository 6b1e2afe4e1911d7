"""Names of people: DICOM's components, and the keys under which a name is found again.

A name is kept as it was entered. Only keys are folded: without accents and case, with letters of other
scripts also written in Latin ones, so that ``muller``, ``Müller`` and ``МЮЛЛЕР`` meet.
"""

import re
import unicodedata
from dataclasses import astuple, dataclass
from functools import lru_cache
from typing import Self

from anyascii import anyascii

KEY_LENGTH = 1000
GROUP_LENGTH = 64  # characters of one component group, PS3.5 table 6.2-1
# Accents of Latin, Greek and Cyrillic, Hebrew points, Arabic vowel signs. Marks of other scripts are letters.
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0640]")
_APOSTROPHES = re.compile("['\u2018\u2019\u02bb\u02bc\u02bd\u02be\u02bf\u00b4`\u05f3]")
_ARABIC_VARIANTS = str.maketrans({"ى": "ي", "ة": "ه", "ٱ": "ا", "ی": "ي", "ک": "ك"})


@dataclass(frozen=True)
class PersonName:
    """The five components of DICOM's PN and its two further groups (PS3.5 6.2.1.2)."""

    family: str = ""
    given: str = ""
    middle: str = ""
    prefix: str = ""
    suffix: str = ""
    ideographic: str = ""
    phonetic: str = ""

    @classmethod
    def from_dicom(cls, value: str) -> Self:
        """Read a PN value, forgiving about what is missing."""
        groups = [group.strip() for group in value.split("=", 2)] + ["", "", ""]
        parts = [part.strip() for part in groups[0].split("^", 4)] + [""] * 5
        family, given, middle, prefix, suffix = parts[:5]
        return cls(
            family,
            given,
            middle,
            prefix,
            suffix,
            ideographic=groups[1].rstrip("^"),
            phonetic=groups[2].rstrip("^"),
        )

    def as_dicom(self) -> str:
        """The PN value, without needless ``^`` and ``=`` at the end."""
        return "=".join([self.alphabetic, self.ideographic, self.phonetic]).rstrip("=")

    @property
    def alphabetic(self) -> str:
        """The first component group."""
        return "^".join(astuple(self)[:5]).rstrip("^")


def clean(text: str) -> str:
    """A name part as it is kept: blanks tidied, Unicode composed, nothing else touched."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


def fold(text: str) -> str:
    """Lower case, no accents, no apostrophes, blanks between words; letters stay in their own script."""
    text = unicodedata.normalize("NFKD", text.casefold())
    text = unicodedata.normalize("NFC", _MARKS.sub("", _APOSTROPHES.sub("", text)))
    text = "".join(_plain_latin(letter) for letter in text.translate(_ARABIC_VARIANTS))
    return " ".join("".join(letter if _is_word(letter) else " " for letter in text).split())


def latin_words(text: str) -> list[str]:
    """The words of ``text`` folded and in Latin letters."""
    return list(_latin_words(text))


@lru_cache(maxsize=20_000)
def _latin_words(text: str) -> tuple[str, ...]:
    plain = anyascii(fold(text)).lower().replace("`", "").replace("'", "")
    return tuple(re.findall(r"[a-z0-9]+", plain))


def words(text: str) -> list[str]:
    """The folded words of ``text``, each in its own script and in Latin letters, without repeats."""
    own = fold(text).split()
    return list(
        dict.fromkeys(own + [latin for word in own if not word.isascii() for latin in latin_words(word)])
    )


def name_key(name: PersonName) -> str:
    """What is searched and sorted: `` family given middle …``.

    The blank in front lets ``LIKE '% ann%'`` find the beginning of every word.
    """
    parts = [name.family, name.given, name.middle, name.ideographic, name.phonetic]
    key = "".join(f" {word}" for word in words(" ".join(part.replace("^", " ") for part in parts)))
    return key if len(key) <= KEY_LENGTH else key[:KEY_LENGTH].rpartition(" ")[0]


def main_words(name: PersonName) -> list[str]:
    """The words that make two names the same: the alphabetic ones, else those of the other groups."""
    spelled = [word for part in (name.family, name.given, name.middle) for word in latin_words(part)]
    return spelled or latin_words(f"{name.ideographic} {name.phonetic}".replace("^", " "))


def _is_word(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LMN"


def _plain_latin(letter: str) -> str:
    """``ø``, ``ı``, ``đ``, ``ł`` have no accent to take away: their base letter."""
    if letter.isascii() or not unicodedata.name(letter, "").startswith("LATIN"):
        return letter
    return anyascii(letter).lower()
