"""How near what was found is to what was written: the engine finds candidates, this puts the meant one first."""

from collections.abc import Collection, Iterable, Sequence
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


class Matcher:
    """Compares candidates with the words of one text; what it learnt of a token it knows for the next candidate."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words
        self._known: list[dict[str, float]] = [{} for _ in words]

    def nearness(self, candidate: Candidate) -> float:
        """Tell how well a candidate is what the words mean: every word should be in it, its name little else."""
        count, best = len(self.words), 0.0
        people: dict[int, float] = {}
        for name in candidate.names or [()]:
            own = [self._best(place, name) for place in range(count)]
            share = min(1.0, sum(own) / max(len(name), 1))
            in_order = 0.1 if tuple(self.words) == tuple(name[:count]) else 0.0
            fit = 0.35 * share * max(own) + in_order
            # people are very many words: they are looked through only where they could make a difference
            if sum(max(score, OF_PEOPLE) for score in own) / count + fit <= best:
                continue
            for place, score in enumerate(own):
                if score < OF_PEOPLE and place not in people:
                    people[place] = OF_PEOPLE * self._best(place, candidate.people)
            covered = sum(max(score, people.get(place, 0.0)) for place, score in enumerate(own)) / count
            best = max(best, covered + fit)
        return best + BY_RATING * candidate.rating

    def _best(self, place: int, tokens: Collection[str]) -> float:
        word, known, best = self.words[place], self._known[place], 0.0
        if word in tokens:
            return 1.0
        for token in tokens:
            alike = known.get(token)
            if alike is None:
                alike = known[token] = likeness(word, token, is_last=place == len(self.words) - 1)
            if alike > best:
                best = alike
        return best


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
    """Give for each word the one that was meant, of those that the best candidate has: of two that are as alike the one
    in the same letters. A word that is like none was not looked for, and is left out."""
    known = sorted(set(tokens))
    meant = [_meant(word, known, is_last=word is words[-1]) for word in words]
    return [word for word in meant if word] or list(words)


def _meant(word: str, known: Sequence[str], *, is_last: bool) -> str:
    alike = {token: likeness(word, token, is_last=is_last) for token in known}
    best = max(known, key=lambda token: (alike[token], OSA.normalized_similarity(word, token)), default="")
    return best if best and alike[best] else ""
