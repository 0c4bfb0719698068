"""Other words for what viewers write: `lotr` is `lord of the rings`, `2` is `ii`, and `and` may as well be missing.

`synonyms.csv` says in each row what is written and what may be meant instead; nothing, if it may be left out.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib import resources
from itertools import combinations, islice
from typing import NamedTuple, TypeAlias

from rapidfuzz.distance import OSA

from theatre.movies.spelling import slips_in, words_of

Words: TypeAlias = tuple[str, ...]

MOST_VARIANTS = 6
MOST_SWAPS = 2


class Swap(NamedTuple):
    """Words from one place up to another that may be meant otherwise."""

    start: int
    end: int
    meant: Words


@lru_cache(maxsize=1)
def table() -> dict[Words, list[Words]]:
    """Read what may be meant instead of what."""
    file = resources.files(__package__).joinpath("synonyms.csv").read_text("utf-8")
    known: dict[Words, list[Words]] = {}
    for row in csv.DictReader(file.splitlines()):
        known.setdefault(words_of(row["written"]), []).append(words_of(row["meant"]))
    return known


def variants_of(words: Words, *, is_forgiving: bool = False) -> list[Words]:
    """Give the words, then the ways to say the same otherwise; what is said otherwise may be misspelt if forgiven."""
    swaps = list(_swaps(words, is_forgiving=is_forgiving))
    chosen = (some for count in range(MOST_SWAPS + 1) for some in combinations(swaps, count))
    said = (_swapped(words, some) for some in chosen if _are_apart(some))
    return list(islice(dict.fromkeys(one for one in said if one or not words), MOST_VARIANTS))


def _swaps(words: Words, *, is_forgiving: bool) -> Iterator[Swap]:
    longest = max(map(len, table()))
    for start in range(len(words)):
        for end in range(start + 1, min(start + longest, len(words)) + 1):
            yield from (
                Swap(start, end, meant) for meant in _meanings(words[start:end], is_forgiving=is_forgiving)
            )


def _meanings(words: Words, *, is_forgiving: bool) -> list[Words]:
    known = table()
    if words in known or not is_forgiving:
        return known.get(words, [])
    return [meant for written, meanings in known.items() if _is_alike(words, written) for meant in meanings]


def _is_alike(words: Words, written: Words) -> bool:
    return len(words) == len(written) and all(
        OSA.distance(word, own) <= slips_in(own) for word, own in zip(words, written, strict=True)
    )


def _are_apart(swaps: Sequence[Swap]) -> bool:
    taken = [place for swap in swaps for place in range(swap.start, swap.end)]
    return len(taken) == len(set(taken))


def _swapped(words: Words, swaps: Iterable[Swap]) -> Words:
    said = list(words)
    for swap in sorted(swaps, reverse=True):
        said[swap.start : swap.end] = swap.meant
    return tuple(said)
