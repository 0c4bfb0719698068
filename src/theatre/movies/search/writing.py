"""How every member of the port writes an entry, and what it reads back of it."""

from dataclasses import dataclass
from sys import intern
from typing import TypeAlias
from uuid import UUID

from theatre.movies.search import Entry, Kind
from theatre.movies.search.matching import Candidate
from theatre.movies.spelling import sound_of, words_of

# another number with every change of what is written or how: an older index counts as none, and is built anew
SCHEMA = 2
NUMBERS = ("year", "age", "runtime", "tenths")
# of words that come folded, parted by spaces alone
TEXTS = ("name", "person", "sound")

Written: TypeAlias = dict[str, str | int | float | list[str]]


def number_of(name: str) -> str:
    """Name the field of a number; words that are counted have plain names."""
    return f"{name}_number"


def key_of(kind: Kind, id: UUID) -> str:
    """Give the word under which an entry is known."""
    return f"{kind}:{id}"


def id_of(key: str) -> tuple[Kind, UUID]:
    """Read what a key says."""
    kind, _, id = key.partition(":")
    return Kind(kind), UUID(id)


def written_of(entry: Entry) -> Written:
    """Write an entry: names as words, run together, and as they sound; what it is narrowed and counted by."""
    names = [words_of(name) for name in dict.fromkeys(entry.names)]
    people = sorted({word for person in entry.people for word in words_of(person)})
    own = dict.fromkeys(word for words in names for word in words)
    joined = ["".join(words) for words in names if len(words) > 1]
    return {
        "id": key_of(entry.kind, entry.id),
        "kind": entry.kind.value,
        "name": " ".join([*own, *joined]),
        "person": " ".join(people),
        "sound": " ".join(dict.fromkeys(map(sound_of, [*own, *joined, *people]))),
        "whole": sorted({" ".join(words) for words in names}),
        **_facts(entry),
        "weight": 0.6 + entry.rating / 20,
        "shown": "\n".join([f"{entry.rating}", " ".join(people), *map(" ".join, names)]),
        "digest": entry.digest(),
    }


def _facts(entry: Entry) -> Written:
    tenths = round(entry.rating * 10)
    numbers = zip(NUMBERS, (entry.year, entry.age, entry.runtime_minutes, tenths), strict=True)
    return {
        "genre": list(entry.genre_ids),
        "country": list(entry.countries),
        "access": [entry.access],
        "decade": [str(entry.year // 10 * 10)],
        "age": [str(entry.age)],
        # somebody is looked for in a role, or in whichever
        "credit": sorted({word for role, id in entry.credits for word in (id, f"{role}:{id}")}),
        **{number_of(name): number for name, number in numbers},
    }


@dataclass(frozen=True, slots=True)
class Known:
    """What the index knows of an entry."""

    id: UUID
    candidate: Candidate


def known_of(key: str, shown: str) -> Known:
    """Read back what a search needs."""
    rating, people, *names = shown.split("\n")
    # the same words stand in very many names
    own = [tuple(map(intern, name.split())) for name in names]
    candidate = Candidate(own, frozenset(map(intern, people.split())), float(rating))
    return Known(id_of(key)[1], candidate)
