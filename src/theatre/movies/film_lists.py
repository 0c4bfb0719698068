"""Lists of films: which, and in which order. Every order follows an index, so that any page costs the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import eq, ge, le
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, any_, exists, select
from sqlalchemy.orm import InstrumentedAttribute

from theatre.kit.db import Session
from theatre.kit.listing import Listing
from theatre.kit.pagination import Page, PageRequest, page_of
from theatre.movies.films import WHOLE, is_public
from theatre.movies.models import Credit, Film, FilmAccess, FilmGenre, Role


class FilmSort(StrEnum):
    """By what films are listed; with a minus the highest, newest or last first."""

    RATING = "rating"
    RATING_FALLING = "-rating"
    TITLE = "title"
    TITLE_FALLING = "-title"
    YEAR = "year"
    YEAR_FALLING = "-year"
    RUNTIME = "runtime"
    RUNTIME_FALLING = "-runtime"
    PUBLISHED = "published"
    PUBLISHED_FALLING = "-published"


@dataclass(frozen=True, slots=True)
class FilmFilter:
    """Which films: all that is named must hold. `genre_ids` all, of `any_genre_ids` one, of `no_genre_ids` none."""

    genre_ids: tuple[UUID, ...] = ()
    any_genre_ids: tuple[UUID, ...] = ()
    no_genre_ids: tuple[UUID, ...] = ()
    person_ids: tuple[UUID, ...] = ()
    role: Role | None = None
    country: str | None = None
    access: FilmAccess | None = None
    year_from: int | None = None
    year_to: int | None = None
    runtime_from: int | None = None
    runtime_to: int | None = None
    rating_from: float | None = None
    age_to: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Give what must hold of a film."""
        return [*self._links(), *self._bounds()]

    def _links(self) -> list[ColumnElement[bool]]:
        found = [_of_genre(genre_id) for genre_id in self.genre_ids]
        if self.any_genre_ids:
            found.append(_of_genre(*self.any_genre_ids))
        if self.no_genre_ids:
            found.append(~_of_genre(*self.no_genre_ids))
        return [*found, *(self._with_person(person_id) for person_id in self.person_ids)]

    def _with_person(self, person_id: UUID) -> ColumnElement[bool]:
        credited = exists().where(Credit.film_id == Film.id, Credit.person_id == person_id)
        return credited if self.role is None else credited.where(Credit.role == self.role)

    def _bounds(self) -> list[ColumnElement[bool]]:
        least = None if self.rating_from is None else round(self.rating_from * 10)
        bounds: list[tuple[Callable[[Any, Any], ColumnElement[bool]], Any, Any]] = [
            (eq, any_(Film.countries), self.country),
            (eq, Film.access, self.access),
            (ge, Film.year, self.year_from),
            (le, Film.year, self.year_to),
            (ge, Film.runtime_minutes, self.runtime_from),
            (le, Film.runtime_minutes, self.runtime_to),
            (ge, Film.rating_tenths, least),
            (le, Film.age, self.age_to),
        ]
        return [holds(column, bound) for holds, column, bound in bounds if bound is not None]


def _of_genre(*genre_ids: UUID) -> ColumnElement[bool]:
    return exists().where(FilmGenre.film_id == Film.id, FilmGenre.genre_id.in_(genre_ids))


def find_public(wanted: FilmFilter, sort: FilmSort, *, locale: str, now: datetime) -> Listing[Film]:
    """List films that the public sees; titles are sorted as they are written in the language."""
    return _listed(select(Film).where(is_public(now), *wanted.conditions()), sort, locale=locale)


async def read_ids(session: Session, listing: Listing[Film], request: PageRequest) -> Page[Any]:
    """Read of one page of films which they are.

    Raises:
        BadCursor
    """
    rows: Sequence[Any] = (
        await session.execute(listing.page(request).with_only_columns(*listing.keys))
    ).all()
    return page_of(rows, request, key=listing.cursor)


def find_all() -> Listing[Film]:
    """List all films for staff, the newest first."""
    return Listing(select(Film), keys=(Film.id,), options=WHOLE)


def _listed(rows: Any, sort: FilmSort, *, locale: str) -> Listing[Film]:
    word = sort.removeprefix("-")
    keys: dict[str, InstrumentedAttribute[Any]] = {
        "rating": Film.rating_tenths,
        "title": Film.title_key_ru if locale == "ru" else Film.title_key_en,
        "year": Film.year,
        "runtime": Film.runtime_minutes,
        "published": Film.published_at,
    }
    order = f"{sort} {locale}" if word == "title" else str(sort)
    return Listing(
        rows, keys=(keys[word], Film.id), options=WHOLE, is_rising=not sort.startswith("-"), order=order
    )
