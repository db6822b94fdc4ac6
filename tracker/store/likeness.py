"""Whether two queries ask for the same thing in other words. Nothing leaves the machine.

Queries are reduced to their telling words; two are alike when every word of one has a
counterpart in the other, up to a spelling or an ending, and their trigrams overlap. Numbers
must be equal. It is the same for the same two queries, always and in either order.
"""

import hashlib
import re
import struct
import unicodedata
import zlib
from collections.abc import Iterator

from rapidfuzz import fuzz

_FILLERS = (
    "a about an and any anyone are at be by can could do does find for from get give has have"
    " hello help hey hi how i id im in is it know like looking me my need of on or out please"
    " recommend search searching show some somebody someone tell that the there to us want was we"
    " what whats where which who whos will with would you your"
)
_TELLING_NOTHING = frozenset(_FILLERS.split())
_WORD = re.compile(r"[^\W_]+(?:[+#]+(?![^\W_]))?")
_LONGEST = 500
_LEAST_TRIGRAMS_SHARED = 0.6
_LEAST_LIKE = 85
_LEAST_LIKE_WORD = 80
_BANDS, _ROWS = 12, 2


def telling_words(query: str) -> str:
    """The words of a normalised query that say what is asked for, sorted.

    Without accents, plural endings, words like "find me a" and punctuation, except for the signs
    that c# and c++ end with; all of its words where there are no others.
    """
    plain = "".join(
        character
        for character in unicodedata.normalize("NFKD", query.replace("'", "").replace("’", ""))
        if not unicodedata.combining(character)
    )
    words = _WORD.findall(plain.casefold()) or [query]
    telling = [word for word in words if word not in _TELLING_NOTHING] or words
    return " ".join(sorted(map(_singular, telling)))[:_LONGEST].strip()


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "su" else word


def likeness(one: str, other: str) -> float:
    """How alike two texts of telling words are: from 0, not alike, to 1, the same."""
    if one == other:
        return 1.0
    if _numbers(one) != _numbers(other) or fuzz.ratio(one, other) < _LEAST_LIKE:
        return 0.0
    shared = _shared(trigrams(one), trigrams(other))
    if shared < _LEAST_TRIGRAMS_SHARED or not _word_for_word(one, other):
        return 0.0
    return (fuzz.ratio(one, other) / 100 + shared) / 2


def _numbers(words: str) -> list[str]:
    return [word for word in words.split() if any(map(str.isdigit, word))]


def trigrams(words: str) -> frozenset[str]:
    """Every three characters in a row, with the ends of words."""
    padded = [f" {word} " for word in words.split()]
    return frozenset(word[n : n + 3] for word in padded for n in range(len(word) - 2))


def _shared(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other))


def _word_for_word(one: str, other: str) -> bool:
    mine, theirs = one.split(), other.split()
    return all(any(_same_word(a, b) for b in theirs) for a in mine) and all(
        any(_same_word(a, b) for a in mine) for b in theirs
    )


def _same_word(one: str, other: str) -> bool:
    """Whether it is one word, misspelt (teachr) or with another ending (design, designer)."""
    short, long = sorted((one, other), key=len)
    ending = len(long) - len(short) <= 1 or long.startswith(short)
    return ending and fuzz.ratio(one, other) >= _LEAST_LIKE_WORD


def meeting_keys(words: str) -> list[int]:
    """Numbers of which alike texts share at least one, nearly always, and others rarely any.

    Min-hashes of the trigrams, in bands: those with the same trigrams share all of them.
    """
    hashes = [_hashes(trigram) for trigram in sorted(trigrams(words))]
    least = [min(column) for column in zip(*hashes, strict=True)]
    return sorted(_band_keys(least))


def _hashes(trigram: str) -> tuple[int, ...]:
    count = _BANDS * _ROWS
    digest = hashlib.shake_128(trigram.encode()).digest(4 * count)
    return struct.unpack(f">{count}I", digest)


def _band_keys(least: list[int]) -> Iterator[int]:
    for band in range(_BANDS):
        rows = least[band * _ROWS : (band + 1) * _ROWS]
        yield band << 32 | zlib.crc32(struct.pack(f">{_ROWS}I", *rows))
