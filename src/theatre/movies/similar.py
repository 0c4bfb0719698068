"""Films like another one: by the same people, of the same genres, the better ones first; each with its reason."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import aliased

from theatre.kit.db import Session
from theatre.kit.pagination import PageRequest
from theatre.movies import film_lists, films
from theatre.movies.film_lists import FilmFilter, FilmSort
from theatre.movies.finding import films_of
from theatre.movies.models import Credit, Film, Role

WEIGHTS = {Role.DIRECTOR: 5.0, Role.WRITER: 3.0, Role.ACTOR: 2.0}
BY_GENRE = 1.0
# of those who share people so many are looked at, and so many of the best of the same genres
MOST_SHARED = 5_000
MOST_LIKE = 60


@dataclass(frozen=True)
class Similar:
    """A film like another; `role` and `people` say what both share, or without people it is the genres."""

    film: Film
    role: Role | None
    people: Sequence[dict[str, Any]]
    genres: Sequence[dict[str, Any]]


async def find(session: Session, film_id: UUID, *, limit: int, now: datetime) -> list[Similar]:
    """Find films like one that the public sees, the likest first.

    Raises:
        FilmNotFound
    """
    film = await films.get_public(session, film_id, now=now)
    scores = await _by_people(session, film.id)
    nearest = sorted(scores, key=lambda id: (-scores[id], id))[:MOST_LIKE]
    alike = await _by_genres(session, film, now=now)
    candidates = await films_of(session, list(dict.fromkeys([*nearest, *alike])), now=now)
    ranked = sorted(candidates, key=lambda other: (-_likeness(film, other, scores[other.id]), other.id))
    return [_explained(film, other) for other in ranked[:limit]]


async def _by_people(session: Session, film_id: UUID) -> defaultdict[UUID, float]:
    own, other = aliased(Credit), aliased(Credit)
    statement = (
        select(other.film_id, other.role)
        .join(own, (own.person_id == other.person_id) & (own.role == other.role))
        .where(own.film_id == film_id, other.film_id != film_id)
        .order_by(other.film_id)
        .limit(MOST_SHARED)
    )
    scores: defaultdict[UUID, float] = defaultdict(float)
    for row in await session.execute(statement):
        scores[row.film_id] += WEIGHTS[Role(row.role)]
    return scores


async def _by_genres(session: Session, film: Film, *, now: datetime) -> list[UUID]:
    wanted = FilmFilter(genre_ids=tuple(UUID(genre["id"]) for genre in film.genres or []))
    listing = film_lists.find_public(wanted, FilmSort.RATING_FALLING, locale="en", now=now)
    best = listing.page(PageRequest(MOST_LIKE, None)).with_only_columns(Film.id)
    return [id for id in await session.scalars(best) if id != film.id]


def _likeness(film: Film, other: Film, by_people: float) -> float:
    shared = len(_shared(film.genres, other.genres))
    return by_people + BY_GENRE * shared / max(len(film.genres or []), 1) + other.rating_tenths / 100


def _shared(own: list[dict[str, Any]] | None, others: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    ids = {thing["id"] for thing in others or []}
    return [thing for thing in own or [] if thing["id"] in ids]


def _explained(film: Film, other: Film) -> Similar:
    """Say what both share: of people those whose work weighs most."""
    for role in WEIGHTS:
        own, others = (
            [person for person in one.people or [] if person["role"] == role] for one in (film, other)
        )
        if people := _shared(own, others):
            return Similar(other, role, people, [])
    return Similar(other, None, [], _shared(film.genres, other.genres))
