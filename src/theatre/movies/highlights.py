"""Which parts of a shown text are what was looked for. Pure."""

import re
from collections.abc import Sequence

from rapidfuzz.distance import OSA

from theatre.movies.spelling import fold, sound_of

WORD = re.compile(r"[^\W_]+")
ALIKE = 0.7


def spans_of(shown: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """Give from where to where a text matches, in characters; of a word that is begun, its beginning."""
    spans = []
    for found in WORD.finditer(shown):
        token = fold(found[0])
        if any(_is_meant(word, token) for word in words):
            spans.append(found.span())
        elif begun := max((len(word) for word in words if token.startswith(word)), default=0):
            spans.append((found.start(), found.start() + begun))
    return spans


def _is_meant(word: str, token: str) -> bool:
    if word == token or sound_of(word) == sound_of(token):
        return True
    return len(word) > 3 and OSA.normalized_similarity(word, token) >= ALIKE
