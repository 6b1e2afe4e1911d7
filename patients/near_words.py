"""Which words of names that are known here a (mis)spelled word may have been meant to be.

A word is looked up under everything that one slip of the fingers makes of it: exact keys, so it stays as
fast when half the clinic is called alike. Other spellings of the same sound come by their code.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

from django.db import connection

_LONGEST = 20  # letters; longer words are only looked up by their beginning and sound
_AT_MOST = 12


@dataclass(frozen=True)
class NearWord:
    """A word that is known, its double metaphone code, and how many slips away it is."""

    word: str
    code: str
    slips: int


_ITSELF = """
SELECT word, word, coalesce(nullif(dmetaphone(word), ''), upper(left(word, 4))), 0
FROM unnest(%s::text[]) AS word
"""
# One walk through the index for all of them; whose slip each is comes out of ``slips`` again.
_ONE_SLIP_AWAY = "SELECT '', word, code, 1 FROM patients_nameword WHERE word = ANY(%s)"
_SAME_SOUND = """
SELECT typed.word, near.word, near.code, near.slips
FROM unnest(%s::text[]) AS typed(word), LATERAL (
    SELECT known.word, known.code, levenshtein_less_equal(known.word, typed.word, 3) AS slips
    FROM patients_nameword AS known
    WHERE known.code = dmetaphone(typed.word) AND known.code <> '' AND known.word ~ '^[a-z]+$'
    ORDER BY slips, known.word LIMIT %s
) AS near
WHERE near.slips <= 3
"""


def near_words(words: Iterable[str], *, sounds: bool = True) -> dict[str, list[NearWord]]:
    """For each of ``words`` (folded, Latin): itself, then the known ones it may be, the nearest first.

    Those that are one slip away, and with ``sounds`` those that sound the same.
    """
    wanted = [word for word in dict.fromkeys(words) if word.isascii() and word.isalpha()]
    if not wanted:
        return {}
    slips: dict[str, list[str]] = {}
    for word in wanted:
        for slip in one_slip_away(word) if 2 < len(word) <= _LONGEST else ():
            slips.setdefault(slip, []).append(word)
    sql = f"{_ITSELF} UNION ALL {_ONE_SLIP_AWAY}"
    asked: list[Any] = [wanted, list(slips)]
    if sounds:
        sql += f" UNION ALL {_SAME_SOUND}"
        asked += [wanted, _AT_MOST]
    found: dict[str, dict[str, NearWord]] = {word: {} for word in wanted}
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        for one, word, code, distance in cursor.fetchall():
            for typed in [one] if one else slips[word]:
                if word not in found[typed] or distance < found[typed][word].slips:
                    found[typed][word] = NearWord(word, code, distance)
    return {
        word: sorted(near.values(), key=lambda one: (one.slips, one.word)) for word, near in found.items()
    }


def one_slip_away(word: str) -> set[str]:
    """Every word that one letter left out, added, changed or exchanged with the next makes of ``word``."""
    splits = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    left_out = {front + back[1:] for front, back in splits if back}
    exchanged = {front + back[1] + back[0] + back[2:] for front, back in splits if len(back) > 1}
    changed = {front + letter + back[1:] for front, back in splits if back for letter in ascii_lowercase}
    added = {front + letter + back for front, back in splits for letter in ascii_lowercase}
    return (left_out | exchanged | changed | added) - {word}


def sounds_of(words: Iterable[str]) -> dict[str, str]:
    """The double metaphone code of each word, as the database makes it."""
    wanted = sorted(set(words))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT word, coalesce(nullif(dmetaphone(word), ''), upper(left(word, 4))) "
            "FROM unnest(%s::text[]) AS word",
            [wanted],
        )
        return dict(cursor.fetchall())
