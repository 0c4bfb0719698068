"""What a film's page shows: the film, what opens it for this viewer, and what is like it."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from theatre.kit.errors import Problem, Transient, Unauthenticated
from theatre.web import films, sessions, shop
from theatre.web.film_schemas import Film, Person, Role
from theatre.web.offers import Shelf, shelve
from theatre.web.resources import Resources
from theatre.web.schemas import Product
from theatre.web.upstream import Headers
from theatre.web.visits import Visit

T = TypeVar("T")
ROLES: tuple[Role, ...] = ("director", "writer", "actor")


@dataclass(frozen=True, slots=True)
class Showing:
    """A film for one viewer. `opens_at` is when its time begins, if that is still to come."""

    film: Film
    offers: Shelf
    similar: Sequence[Film]
    may_watch: bool
    opens_at: datetime | None


async def prepare(house: Resources, visit: Visit, film_id: UUID) -> Showing:
    """Gather a film's page; where only prices or similar films cannot be had the rest is shown.

    Raises:
        NotFound: there is no such film for the public.
    """
    who, is_known = await recognize(house, visit)
    film, similar, sold, has_right = await asyncio.gather(
        films.get(house.movies, who, film_id),
        _or_else(films.list_similar(house.movies, who, film_id), []),
        _or_else(shop.list_products(house.billing, who), []),
        _or_else(shop.may_watch(house.billing, who, film_id), False) if is_known else _refuse(),
    )
    now = house.clock.now()
    return Showing(
        film=film,
        offers=offers_of(film_id, sold),
        similar=similar,
        may_watch=has_right or film.access == "free",
        opens_at=film.available_from if film.begins_after(now) else None,
    )


async def recognize(house: Resources, visit: Visit) -> tuple[Headers, bool]:
    """Give the headers of whoever visits, and whether we know who it is."""
    if visit.has_session:
        try:
            return await sessions.identify(visit, house.auth, house.clock), True
        except (Unauthenticated, Transient):
            pass  # the page is for everybody: who cannot be known now is shown what everybody is
    return visit.headers, False


def offers_of(film_id: UUID, sold: Sequence[Product]) -> Shelf:
    """Leave of the price list what opens a film: itself, bought or rented, and every plan."""
    return shelve([product for product in sold if product.kind == "plan" or product.film_id == film_id])


def credits_of(person: Person, made: Sequence[Film]) -> dict[Role, list[Film]]:
    """Sort somebody's films by what they did for them; roles that they never had are left out."""
    by_role = {
        role: [film for film in made if any(one.id == person.id for one in getattr(film, f"{role}s"))]
        for role in ROLES
    }
    return {role: of_role for role, of_role in by_role.items() if of_role}


async def _or_else(answer: Awaitable[T], otherwise: T) -> T:
    try:
        return await answer
    except Problem:
        return otherwise


async def _refuse() -> bool:
    return False
