"""Films as the public sees them, ready to be sent: JSON by film and language, remembered until it changes.

A card is forgotten with the commit that changes what it shows, and never used past the end of its film's time. While
changes are not heard nothing is remembered, and every card is read from the tables.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import any_, literal_column, select
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from theatre.kit.clock import Clock
from theatre.kit.db import Engine, fetch_rows
from theatre.kit.i18n import LOCALES
from theatre.kit.memo import Memo
from theatre.movies.changes import Changes
from theatre.movies.errors import FilmNotFound
from theatre.movies.models import Film
from theatre.movies.schemas import film_fields

READERS = 2
MOST_AT_ONCE = 200
COLUMNS = (
    *(Film.id, Film.titles, Film.descriptions, Film.original_title, Film.year, Film.countries),
    *(
        Film.rating_tenths,
        Film.runtime_minutes,
        Film.age,
        Film.access,
        Film.available_from,
        Film.available_until,
    ),
    *(Film.genres.expression.label("genres"), Film.people.expression.label("people")),
    Film.images.expression.label("images"),
)

DIALECT = dialect()  # type: ignore[no-untyped-call]


@cache
def statement() -> str:
    """Write the statement that reads live films by their ids, for the driver."""
    films = select(*COLUMNS).where(Film.id == any_(literal_column("$1::uuid[]")), Film.is_published)
    return str(films.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))


Key = tuple[str, str]
"""Of a card: the film's id and the language."""


class Card(NamedTuple):
    """A film in a language; the public sees it `until`."""

    json: bytes
    until: datetime | None

    def fields(self) -> dict[str, Any]:
        """Read it back."""
        fields: dict[str, Any] = orjson.loads(self.json)
        return fields


def first_end(cards: Iterable[Card]) -> datetime | None:
    """Tell when the first of some films is over."""
    return min((card.until for card in cards if card.until is not None), default=None)


def draw(film: Film | SimpleNamespace, locale: str) -> Card:
    """Make a film's card."""
    return Card(orjson.dumps(film_fields(film, locale), option=orjson.OPT_UTC_Z), film.available_until)


@dataclass(eq=False)
class Batch:
    """Cards that are read in one statement; of those of `spoilt` films nothing is kept (None: of any)."""

    keys: set[Key] = field(default_factory=set)
    spoilt: set[str] | None = field(default_factory=set)
    task: "asyncio.Task[dict[Key, Card]] | None" = None

    def spoil(self, film_ids: Collection[str] | None) -> None:
        """Note that films changed while they are read."""
        if film_ids is None or self.spoilt is None:
            self.spoilt = None
        else:
            self.spoilt.update(film_ids)


class Cards:
    """The cards of a process, and those who read them: many who ask at once are answered by one statement."""

    def __init__(self, engine: Engine, changes: Changes, *, clock: Clock, max_bytes: int) -> None:
        self._engine = engine
        self._changes = changes
        self._clock = clock
        self._memo: Memo[Card] = Memo(max_bytes)
        self._batches: set[Batch] = set()
        self._gathering: Batch | None = None
        self._turns = asyncio.Semaphore(READERS)
        changes.tell(self.forget)

    def forget(self, film_ids: Collection[str] | None) -> None:
        """Forget films, also those that are just being read; None forgets all."""
        for batch in self._batches:
            batch.spoil(film_ids)
        if film_ids is None:
            self._memo.clear()
            return
        for film_id in film_ids:
            for locale in LOCALES:
                self._memo.drop(film_id + locale)

    def find(self, film_id: str, locale: str) -> Card | None:
        """Give a card that is remembered and still holds."""
        card = self._memo.get(film_id + locale)
        if card is None or not self._changes.is_heard:
            return None
        return card if card.until is None or card.until > self._clock.now() else None

    async def get(self, film_id: UUID, locale: str) -> Card:
        """Give the card of a film that the public sees.

        Raises:
            FilmNotFound
        """
        (*cards,) = await self.list_by_ids([film_id], locale)
        if not cards:
            raise FilmNotFound
        return cards[0]

    async def list_by_ids(self, ids: Iterable[UUID], locale: str) -> list[Card]:
        """Give cards in the order of ids; films that the public does not see are left out."""
        keys = [(str(id), locale) for id in ids]
        found = {key: card for key in keys if (card := self.find(*key))}
        missing = [key for key in keys if key not in found]
        for start in range(0, len(missing), MOST_AT_ONCE):
            found |= await self._ask(missing[start : start + MOST_AT_ONCE])
        return [found[key] for key in keys if key in found]

    async def _ask(self, keys: Sequence[Key]) -> dict[Key, Card]:
        """Have cards read, with those of whoever asks before the statement begins."""
        batch = self._gathering
        if batch is None or batch.task is None or len(batch.keys) + len(keys) > MOST_AT_ONCE:
            batch = self._gathering = Batch()
            batch.task = asyncio.create_task(self._read(batch))
        batch.keys.update(keys)
        # whoever goes away does not take it from the others
        found = await asyncio.shield(batch.task)
        return {key: found[key] for key in keys if key in found}

    async def _read(self, batch: Batch) -> dict[Key, Card]:
        async with self._turns:
            if self._gathering is batch:
                self._gathering = None
            self._batches.add(batch)
            try:
                films = await self._load({UUID(film_id) for film_id, _ in batch.keys})
            finally:
                self._batches.discard(batch)
        now = self._clock.now()
        found = {}
        for key in batch.keys:
            film = films.get(key[0])
            if film is not None and (film.available_until is None or film.available_until > now):
                found[key] = draw(film, key[1])
                self._keep(key, found[key], batch)
        return found

    def _keep(self, key: Key, card: Card, batch: Batch) -> None:
        if self._changes.is_heard and batch.spoilt is not None and key[0] not in batch.spoilt:
            self._memo.put(key[0] + key[1], card, len(card.json))

    async def _load(self, ids: Collection[UUID]) -> dict[str, SimpleNamespace]:
        rows = await fetch_rows(self._engine, statement(), list(ids))
        return {str(row["id"]): SimpleNamespace(**row) for row in rows}
