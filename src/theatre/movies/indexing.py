"""What keeps the search index and the tables the same: changes followed, a rebuild beside them, a check."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, delete, func, or_, select, text, tuple_, update

from theatre.kit.db import Session, Sessions, transaction, turn
from theatre.movies.models import Credit, Film, IndexChange, Person
from theatre.movies.search import Build, Entry, Kind, SearchAway, SearchIndex

BATCH = 500
CHUNK = 2_000
LOCK = "movies.index"
WAIT_SECONDS = 120.0

Key = tuple[Kind, UUID]


def _films() -> Select[Any]:
    """Select what is live; the end of a film's time is looked at when it is shown."""
    columns = (
        *(Film.id, Film.titles, Film.original_title, Film.rating_tenths, Film.year, Film.age, Film.access),
        *(Film.countries, Film.runtime_minutes),
        *(Film.genres.expression.label("genres"), Film.people.expression.label("people")),
    )
    return select(*columns).where(Film.is_published)


def _film(row: Row[Any]) -> Entry:
    people = [name for person in row.people or [] for name in person["names"].values()]
    return Entry(
        kind=Kind.FILM,
        id=row.id,
        names=tuple(dict.fromkeys([*row.titles.values(), row.original_title])),
        people=tuple(sorted(set(people))),
        rating=row.rating_tenths / 10,
        genre_ids=tuple(genre["id"] for genre in row.genres or []),
        access=row.access,
        year=row.year,
        age=row.age,
        credits=tuple((person["role"], person["id"]) for person in row.people or []),
        countries=tuple(row.countries),
        runtime_minutes=row.runtime_minutes,
    )


def _persons() -> Select[Any]:
    films = (
        select(func.count(Credit.film_id.distinct()))
        .where(Credit.person_id == Person.id)
        .correlate(Person)
        .scalar_subquery()
    )
    return select(Person.id, Person.names, films.label("films"))


def _person(row: Row[Any]) -> Entry:
    # who made more is likelier meant; ten films are as good as any number
    return Entry(
        kind=Kind.PERSON, id=row.id, names=tuple(dict.fromkeys(row.names.values())), rating=min(row.films, 10)
    )


@dataclass(frozen=True)
class Source:
    """Where entries of a kind come from."""

    select: Callable[[], Select[Any]]
    id: Any
    entry: Callable[[Row[Any]], Entry]


SOURCES = {Kind.FILM: Source(_films, Film.id, _film), Kind.PERSON: Source(_persons, Person.id, _person)}


async def _load(session: Session, keys: Iterable[Key]) -> tuple[list[Entry], set[Key]]:
    """Read entries as they are now; gives also the keys of which there is nothing to find."""
    entries: list[Entry] = []
    wanted = set(keys)
    for kind, source in SOURCES.items():
        ids = [id for of_kind, id in wanted if of_kind == kind]
        if ids:
            rows = await session.execute(source.select().where(source.id.in_(ids)))
            entries += [source.entry(row) for row in rows]
    return entries, wanted - {(entry.kind, entry.id) for entry in entries}


async def _read_all(opened: Callable[[], AbstractAsyncContextManager[Session]]) -> AsyncIterator[list[Entry]]:
    """Read everything there is to find, in chunks, by id; each in a session that is opened for it."""
    for source in SOURCES.values():
        after: UUID | None = None
        while True:
            statement = source.select().order_by(source.id).limit(CHUNK)
            async with opened() as session:
                rows = (
                    await session.execute(statement if after is None else statement.where(source.id > after))
                ).all()
            if not rows:
                break
            after = rows[-1].id
            yield [source.entry(row) for row in rows]


@asynccontextmanager
async def _patient(sessions: Sessions) -> AsyncIterator[Session]:
    """Open a transaction that may read for long."""
    async with transaction(sessions) as session:
        await session.execute(text("SET LOCAL statement_timeout = '60s'"))
        yield session


async def follow(sessions: Sessions, index: SearchIndex, *, now: Callable[[], datetime]) -> int:
    """Let the index learn a batch of changes; gives their number. What it learnt is marked afterwards, so that after a
    crash it learns it again. Of several who follow one does; a rebuild that is about to switch holds them up."""
    async with turn(sessions, LOCK) as is_ours:
        if not is_ours:
            return 0
        async with transaction(sessions) as session:
            changes = (await session.scalars(_pending().order_by(IndexChange.number).limit(BATCH))).all()
            entries, gone = await _load(session, map(_key, changes))
        if changes:
            await index.put(entries, gone)
            await _mark(sessions, changes, now=now())
        return len(changes)


def _pending() -> Select[IndexChange]:
    return select(IndexChange).where(IndexChange.indexed_at.is_(None))


def _key(change: IndexChange) -> Key:
    return Kind(change.kind), change.subject_id


async def _mark(sessions: Sessions, changes: Sequence[IndexChange], *, now: datetime) -> None:
    """Mark what was learnt; what changed again meanwhile has another number, and stays pending."""
    row = tuple_(IndexChange.kind, IndexChange.subject_id, IndexChange.number)
    async with transaction(sessions) as session:
        for start in range(0, len(changes), BATCH):
            batch = changes[start : start + BATCH]
            learnt = [(change.kind, change.subject_id, change.number) for change in batch]
            statement = update(IndexChange).where(row.in_(learnt)).values(indexed_at=now)
            await session.execute(statement.execution_options(synchronize_session=False))


async def rebuild(
    sessions: Sessions,
    index: SearchIndex,
    *,
    now: Callable[[], datetime],
    say: Callable[[int], object] = lambda _: None,
) -> int:
    """Build the index anew beside the one in use, then switch; gives the number of entries. `say` hears how many are
    read so far.

    What changed meanwhile is put in under the followers' lock before the switch: what no one has learnt yet, and what
    they taught the old index since this began.

    Raises:
        SearchAway: those who follow are at work for so long that it cannot switch.
    """
    began, count = now(), 0
    async with index.building() as build:
        async for entries in _read_all(partial(_patient, sessions)):
            await build.add(entries)
            count += len(entries)
            say(count)
        async with turn(sessions, LOCK, wait_seconds=WAIT_SECONDS) as is_ours:
            if not is_ours:
                raise SearchAway
            changes = await _catch_up(sessions, build, since=began)
            await build.switch()
            await _mark(sessions, changes, now=now())
    return count


async def _catch_up(sessions: Sessions, build: Build, *, since: datetime) -> Sequence[IndexChange]:
    """Let a build learn what changed; gives the changes, which are learnt only once it is in use."""
    async with transaction(sessions) as session:
        statement = select(IndexChange).where(_changed(since)).order_by(IndexChange.number)
        changes = (await session.scalars(statement)).all()
    for start in range(0, len(changes), BATCH):
        async with transaction(sessions) as session:
            entries, gone = await _load(session, map(_key, changes[start : start + BATCH]))
        await build.put(entries, gone)
    return changes


def _changed(since: datetime) -> ColumnElement[bool]:
    """Select what is pending, and what was learnt since a moment."""
    return or_(IndexChange.indexed_at.is_(None), IndexChange.indexed_at >= since)


async def forget_learnt(session: Session, *, before: datetime) -> None:
    """Delete what the index learnt long ago."""
    await session.execute(delete(IndexChange).where(IndexChange.indexed_at < before))


@dataclass
class Comparison:
    """How tables and index compare; `pending` are changes that are still to be learnt, which are no fault."""

    same: int = 0
    pending: int = 0
    missing: list[str] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)
    surplus: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Tell whether both say the same, but for what is pending."""
        return not (self.missing or self.outdated or self.surplus)


async def compare(sessions: Sessions, index: SearchIndex, *, now: Callable[[], datetime]) -> Comparison:
    """Compare every entry of the tables, as they are at one moment, with what the index knows of it. What it learns
    meanwhile counts as pending."""
    began, found = now(), Comparison()
    known = {(kind, id): digest async for kind, id, digest in index.digests()}
    async with transaction(sessions) as session:
        await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        pending = set(map(_key, await session.scalars(select(IndexChange).where(_changed(began)))))
        found.pending = len(pending)
        async for entries in _read_all(lambda: nullcontext(session)):
            _compare(found, entries, known=known, pending=pending)
    found.surplus = [_named(key) for key in known if key not in pending]
    return found


def _compare(
    found: Comparison, entries: Collection[Entry], *, known: dict[Key, str], pending: Collection[Key]
) -> None:
    """Compare entries; what is known of them is taken out of `known`."""
    for entry in entries:
        key = (entry.kind, entry.id)
        digest = known.pop(key, None)
        if key in pending:
            continue
        if digest is None:
            found.missing.append(_named(key))
        elif digest != entry.digest():
            found.outdated.append(_named(key))
        else:
            found.same += 1


def _named(key: Key) -> str:
    return f"{key[0]} {key[1]}"
