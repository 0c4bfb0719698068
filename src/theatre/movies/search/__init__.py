"""The search port: what can be found, how it is asked for, and what an index must be able to do."""

import hashlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import orjson

from theatre.kit.errors import Transient

MAX_QUERY_CHARACTERS = 200
MAX_FOUND = 1_000
"""So deep one may page in what was found; whoever looks further asks otherwise."""


class SearchAway(Transient):
    """The index is not built yet, or not reachable."""

    code = "movies.search_away"
    title = "The search is not ready; try again in a moment"


class Kind(StrEnum):
    """What can be found."""

    FILM = "film"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Entry:
    """A film or a person as the index knows it.

    `names` are the titles or names in all languages, `people` the names of those who made a film. `rating` is from 0
    to 10: of two that match alike the better one comes first. `credits` are who did what, by role and id.
    """

    kind: Kind
    id: UUID
    names: tuple[str, ...]
    people: tuple[str, ...] = ()
    rating: float = 0.0
    genre_ids: tuple[str, ...] = ()
    access: str = ""
    year: int = 0
    age: int = 0
    credits: tuple[tuple[str, str], ...] = ()
    countries: tuple[str, ...] = ()
    runtime_minutes: int = 0

    def digest(self) -> str:
        """Give what tells whether the index knows this entry as it is."""
        return hashlib.blake2b(orjson.dumps(self, default=str), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for: `text` of any spelling, or all there is if it is empty; `limit` 0 only counts.

    All that is named must hold: `genre_ids` all, of `any_genre_ids` one, of `no_genre_ids` none; `person_ids` all, each
    in that `role` if it is named; years, minutes, rating and age are bounds that are still in.
    """

    kind: Kind
    text: str
    limit: int
    offset: int = 0
    genre_ids: tuple[UUID, ...] = ()
    any_genre_ids: tuple[UUID, ...] = ()
    no_genre_ids: tuple[UUID, ...] = ()
    person_ids: tuple[UUID, ...] = ()
    role: str | None = None
    country: str | None = None
    access: str | None = None
    year_from: int | None = None
    year_to: int | None = None
    runtime_from: int | None = None
    runtime_to: int | None = None
    rating_from: float | None = None
    age_to: int | None = None
    with_facets: bool = False


FACETS = ("genre", "access", "decade", "country", "age")
"""What is counted beside what was found: by genre id, access, first year of a decade, country, and age.

Each as if its own filter were not set: `genre` without all three of genres, `decade` without the years."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, the best first. `words` are those that the text was read as, `corrected` the text if it had to
    be read otherwise than it was written. `facets` count by each of `FACETS`; what nothing is of is left out."""

    ids: Sequence[UUID]
    total: int
    words: Sequence[str]
    corrected: str | None = None
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


class Build(Protocol):
    """An index that is being built beside the one in use."""

    async def add(self, entries: Collection[Entry]) -> None:
        """Learn entries that it does not know yet."""

    async def put(self, entries: Collection[Entry], gone: Collection[tuple[Kind, UUID]]) -> None:
        """Learn entries, in place of what it knows of them, and forget others."""

    async def switch(self) -> None:
        """Put it in the place of the one in use, at once and for all."""


class SearchIndex(Protocol):
    """Finds films and people. One process writes, any number search."""

    async def is_built(self) -> bool:
        """Tell whether there is an index of what this program writes; one of another program's counts as none.

        Raises:
            SearchAway: nobody can tell.
        """

    def version(self) -> str | None:
        """Tell by another word each time that what is known may have changed; None if that cannot be told cheaply, and
        then no answer is remembered."""

    async def find(self, question: Question) -> Found:
        """Find what is meant.

        Raises:
            SearchAway
        """

    async def put(self, entries: Collection[Entry], gone: Collection[tuple[Kind, UUID]]) -> None:
        """Learn entries, in place of what was known of them, and forget others; when it returns, both are durable."""

    def building(self) -> AbstractAsyncContextManager[Build]:
        """Begin to build anew; without a `switch` in the block nothing of it remains."""

    def digests(self) -> AsyncIterator[tuple[Kind, UUID, str]]:
        """Give what is known, for comparison with the tables."""

    async def close(self) -> None: ...
