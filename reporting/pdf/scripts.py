"""Which scripts a text is written in, and so which engine can set it.

Imported by the rendering child process: nothing of Django here.
"""

import re
import unicodedata

# What Noto Sans draws and xhtml2pdf sets right: one glyph a letter, left to right, spaces between words.
_PLAIN = re.compile(
    r"[\t\n\x20-\x7e\xa0-\u02ff\u0370-\u03ff\u0400-\u052f\u1e00-\u1fff"
    r"\u2010-\u2027\u2030-\u205e\u2070-\u209f\u20a0-\u20bf\u2100-\u2101\u2103\u2109\u2116\u2122\u2126"
    r"\u2212\ufb00-\ufb06]*"
)
_RIGHT_TO_LEFT = {"R", "AL"}
_ARABIC = re.compile(r"[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff]")
_KANA = re.compile(r"[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")


def is_plain(text: str) -> bool:
    """True for Latin (Vietnamese too), Cyrillic and Greek text, with the signs that reports use."""
    return _PLAIN.fullmatch(text) is not None


def normalise(text: str) -> str:
    """Composed characters, and white space as a browser shows it."""
    return re.sub(r"[ \t\r\n\f]+", " ", unicodedata.normalize("NFC", text))


def is_right_to_left(text: str) -> bool:
    """The direction of a paragraph: that of its first letter (UAX #9, P2 and P3)."""
    for char in text:
        direction = unicodedata.bidirectional(char)
        if direction in _RIGHT_TO_LEFT:
            return True
        if direction == "L":
            return False
    return False


def has_arabic(text: str) -> bool:
    return _ARABIC.search(text) is not None


def east_asian_order(text: str) -> list[str]:
    """The East Asian fonts as they are asked for Han characters, which each draws in its country's way."""
    fonts = ["Noto Sans SC", "Noto Sans JP", "Noto Sans KR"]
    if _KANA.search(text):
        first = "Noto Sans JP"
    elif _HANGUL.search(text):
        first = "Noto Sans KR"
    else:
        first = "Noto Sans SC"
    return sorted(fonts, key=lambda font: font != first)
