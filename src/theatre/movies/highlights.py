"""Which parts of a shown text are what was looked for. Pure."""

import re
from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz.distance import OSA

from theatre.movies.spelling import fold, sound_of

REMEMBERED = 50_000
WORD = re.compile(r"[^\W_]+")
ALIKE = 0.7


def spans_of(shown: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """Give from where to where a text matches, in characters; of a word that is begun, its beginning."""
    spans = []
    for found in WORD.finditer(shown):
        token = _folded(found[0])
        if any(_is_meant(word, token) for word in words):
            spans.append(found.span())
        elif begun := max((len(word) for word in words if token.startswith(word)), default=0):
            spans.append((found.start(), found.start() + begun))
    return spans


@lru_cache(maxsize=REMEMBERED)
def _folded(word: str) -> str:
    return fold(word)


def _is_meant(word: str, token: str) -> bool:
    if word == token or sound_of(word) == sound_of(token):
        return True
    return len(word) > 3 and OSA.normalized_similarity(word, token) >= ALIKE
