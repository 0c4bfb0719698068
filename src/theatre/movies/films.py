"""Films: kept by staff, shown to the public."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, undefer

from theatre.contracts.movies import FilmPublished
from theatre.kit.db import Session, sqlstate
from theatre.kit.ids import new_id
from theatre.kit.outbox import emit
from theatre.movies.errors import FilmChanged, FilmNotFound, GenreUnknown, InUse, PersonUnknown
from theatre.movies.models import Credit, Film, FilmAccess, FilmGenre, Genre, Image, OutboxMessage, Person
from theatre.movies.spelling import sort_key

FOREIGN_KEY_VIOLATION = "23503"
WHOLE = tuple(undefer(part) for part in (Film.genres, Film.people, Film.images))
"""What a film's answer needs of it."""


@dataclass(frozen=True, slots=True)
class FilmDraft:
    """All that staff say of a film. `credits` are person and role, in the order in which they are named; `images` kind
    and address."""

    titles: dict[str, str]
    descriptions: dict[str, str]
    original_title: str
    year: int
    countries: list[str]
    runtime_minutes: int
    age: int
    access: FilmAccess
    rating_tenths: int = 0
    is_published: bool = False
    available_from: datetime | None = None
    available_until: datetime | None = None
    genre_ids: list[UUID] = field(default_factory=list)
    credits: list[tuple[UUID, str]] = field(default_factory=list)
    images: list[tuple[str, str]] = field(default_factory=list)

    def columns(self) -> dict[str, Any]:
        """Give what the film's own row holds."""
        columns = asdict(self)
        for linked in ("genre_ids", "credits", "images"):
            del columns[linked]
        keys = {f"title_key_{locale}": sort_key(self.titles[locale]) for locale in ("ru", "en")}
        return {**columns, **keys}


def is_public(now: datetime) -> ColumnElement[bool]:
    """Tell films that the public sees: live, and not past their time."""
    return and_(Film.is_published, or_(Film.available_until.is_(None), Film.available_until > now))


async def get_public(session: Session, film_id: UUID, *, now: datetime) -> Film:
    """Read a film as the public sees it.

    Raises:
        FilmNotFound
    """
    statement = select(Film).where(Film.id == film_id, is_public(now)).options(*WHOLE)
    return _found(await session.scalar(statement))


async def get(session: Session, film_id: UUID) -> Film:
    """Read any film, with what is pending in this transaction.

    Raises:
        FilmNotFound
    """
    statement = select(Film).where(Film.id == film_id).options(*WHOLE)
    return _found(await session.scalar(statement.execution_options(populate_existing=True)))


def _found(film: Film | None) -> Film:
    if film is None:
        raise FilmNotFound
    return film


async def create(session: Session, draft: FilmDraft, *, now: datetime) -> Film:
    """Make a film.

    Raises:
        GenreUnknown, PersonUnknown
    """
    await _check_links(session, draft)
    film = add(session, new_id(), draft, now=now)
    await session.flush()
    session.add_all(links_of(film.id, draft))
    await session.flush()
    return film


def add(session: Session, film_id: UUID, draft: FilmDraft, *, now: datetime) -> Film:
    """Add a film's own row to a session, without its links: those need the film to be there."""
    film = Film(id=film_id, created_at=now, changed_at=now, **draft.columns())
    session.add(film)
    _publish(session, film, now=now)
    return film


def links_of(film_id: UUID, draft: FilmDraft) -> Iterator[FilmGenre | Credit | Image]:
    """Give the rows that tie a film to its genres, people and pictures."""
    for genre_id in draft.genre_ids:
        yield FilmGenre(film_id=film_id, genre_id=genre_id)
    # somebody may be named twice in one role: once is meant
    for position, (person_id, role) in enumerate(dict.fromkeys(draft.credits)):
        yield Credit(film_id=film_id, person_id=person_id, role=role, position=position)
    for position, (kind, url) in enumerate(draft.images):
        yield Image(id=new_id(), film_id=film_id, kind=kind, url=url, position=position)


async def replace(
    session: Session, film_id: UUID, draft: FilmDraft, *, now: datetime, seen_at: datetime | None = None
) -> Film:
    """Make a film say what the draft says; the same again changes nothing. Locks the film.

    `seen_at`: when the film that the draft was made from was changed last.

    Raises:
        FilmNotFound, GenreUnknown, PersonUnknown
        FilmChanged: somebody changed it since it was seen.
    """
    film = _found(await session.scalar(select(Film).where(Film.id == film_id).with_for_update()))
    if seen_at is not None and seen_at != film.changed_at:
        raise FilmChanged
    await _check_links(session, draft)
    for name, value in draft.columns().items():
        setattr(film, name, value)
    film.changed_at = now
    _publish(session, film, now=now)
    for table in (FilmGenre, Credit, Image):
        await session.execute(delete(table).where(table.film_id == film_id))
    session.add_all(links_of(film_id, draft))
    await session.flush()
    return film


async def remove(session: Session, film_id: UUID) -> None:
    """Delete a film with its links and pictures.

    Raises:
        FilmNotFound
    """
    gone = await session.scalar(delete(Film).where(Film.id == film_id).returning(Film.id))
    if gone is None:
        raise FilmNotFound


def _publish(session: Session, film: Film, *, now: datetime) -> None:
    """Tell the world of a film that goes live for the first time."""
    if not film.is_published or film.published_at is not None:
        return
    film.published_at = now
    fact = FilmPublished(film_id=film.id, titles=film.titles, year=film.year)
    emit(session, OutboxMessage, fact, aggregate_id=film.id, now=now)


async def _check_links(session: Session, draft: FilmDraft) -> None:
    await _check_known(session, Genre.id, draft.genre_ids, refusal=GenreUnknown)
    await _check_known(
        session, Person.id, [person_id for person_id, _ in draft.credits], refusal=PersonUnknown
    )


async def _check_known(
    session: Session,
    id_column: InstrumentedAttribute[UUID],
    ids: Sequence[UUID],
    *,
    refusal: type[GenreUnknown | PersonUnknown],
) -> None:
    known = set(
        await session.scalars(
            select(id_column).where(id_column.in_(ids)).with_for_update(read=True, key_share=True)
        )
    )
    if unknown := [str(id) for id in ids if id not in known]:
        raise refusal(f"Unknown: {', '.join(unknown[:10])}.")


async def remove_unused(session: Session, row: Genre | Person) -> None:
    """Delete a genre or a person that no film names.

    Raises:
        InUse
    """
    try:
        async with session.begin_nested():
            await session.delete(row)
    except IntegrityError as error:
        if sqlstate(error) != FOREIGN_KEY_VIOLATION:
            raise
        raise InUse from error
