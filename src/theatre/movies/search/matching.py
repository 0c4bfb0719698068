"""How near what was found is to what was written: the engine finds candidates, this puts the meant one first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from theatre.movies.spelling import sound_of

ALIKE = 0.6
SOUNDS_ALIKE = 0.92
BEGUN = 0.85
OF_PEOPLE = 0.8
BY_RATING = 0.03


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something found: words of each of its names, words of its people, rating from 0 to 10."""

    names: Sequence[Sequence[str]]
    people: frozenset[str]
    rating: float


def nearness(words: Sequence[str], candidate: Candidate) -> float:
    """Tell how well a candidate is what the words mean: every word should be in it, its name should be little else."""
    people = [OF_PEOPLE * _best(word, candidate.people, is_last=word is words[-1]) for word in words]
    best = sum(people) / len(words)
    for name in candidate.names:
        own = [_best(word, name, is_last=word is words[-1]) for word in words]
        covered = sum(map(max, own, people)) / len(words)
        share = min(1.0, sum(own) / max(len(name), 1))
        in_order = 0.1 if tuple(words) == tuple(name[: len(words)]) else 0.0
        best = max(best, covered + 0.35 * share * max(own) + in_order)
    return best + BY_RATING * candidate.rating


def _best(word: str, tokens: Iterable[str], *, is_last: bool) -> float:
    return max((likeness(word, token, is_last=is_last) for token in tokens), default=0.0)


def likeness(word: str, token: str, *, is_last: bool) -> float:
    """Tell how alike two words are, from 0 to 1; the last word may still be being written."""
    if word == token:
        return 1.0
    if sound_of(word) == sound_of(token):
        return SOUNDS_ALIKE
    if is_last and token.startswith(word):
        return BEGUN + 0.1 * len(word) / len(token)
    alike = max(
        OSA.normalized_similarity(word, token, score_cutoff=ALIKE),
        OSA.normalized_similarity(sound_of(word), sound_of(token), score_cutoff=ALIKE),
    )
    if is_last and len(token) > len(word):
        alike = max(alike, 0.9 * OSA.normalized_similarity(word, token[: len(word)], score_cutoff=ALIKE))
    return 0.9 * alike


def corrected(words: Sequence[str], tokens: Iterable[str]) -> list[str]:
    """Give for each word the one that was meant, of those that the best candidate has."""
    known = list(tokens)
    return [
        max(known, key=lambda token: likeness(word, token, is_last=word is words[-1]), default=word)
        for word in words
    ]
