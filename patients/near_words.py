"""Which words of names that are known here a (mis)spelled word may have been meant to be.

A word is looked up under everything that one slip of the fingers makes of it: exact keys, so it stays as
fast when half the clinic is called alike. Other spellings of the same sound come by their code.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from string import ascii_lowercase

from django.db import connection

_LONGEST = 20  # letters; longer words are only looked up by their beginning and sound
_AT_MOST = 12


@dataclass(frozen=True)
class NearWord:
    """A word that is known, its double metaphone code, and how many slips away it is."""

    word: str
    code: str
    slips: int


_SQL = """
SELECT typed.word, near.word, near.code, near.slips
FROM unnest(%s::text[]) AS typed(word), LATERAL (
    SELECT found.word, found.code, levenshtein_less_equal(found.word, typed.word, 3) AS slips
    FROM (
        SELECT known.word, known.code FROM patients_nameword AS known
        WHERE known.code = dmetaphone(typed.word) AND known.code <> ''
        UNION
        SELECT typed.word, coalesce(nullif(dmetaphone(typed.word), ''), upper(left(typed.word, 4)))
    ) AS found
    WHERE found.word ~ '^[a-z]+$'
    ORDER BY slips, found.word LIMIT %s
) AS near
WHERE near.slips <= 3
UNION
SELECT typed.word, known.word, known.code, 1
FROM unnest(%s::text[], %s::text[]) AS typed(word, slip), patients_nameword AS known
WHERE known.word = typed.slip
"""


def near_words(words: Iterable[str]) -> dict[str, list[NearWord]]:
    """For each of ``words`` (folded, Latin): itself, then the known ones it may be, the nearest first."""
    wanted = [word for word in dict.fromkeys(words) if word.isascii() and word.isalpha()]
    found: dict[str, dict[str, NearWord]] = {word: {} for word in wanted}
    if not wanted:
        return {}
    slips = [(word, slip) for word in wanted if 2 < len(word) <= _LONGEST for slip in one_slip_away(word)]
    with connection.cursor() as cursor:
        cursor.execute(_SQL, [wanted, _AT_MOST, [word for word, _ in slips], [slip for _, slip in slips]])
        for typed, word, code, distance in cursor.fetchall():
            known = found[typed].get(word)
            if known is None or distance < known.slips:
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
