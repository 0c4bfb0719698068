"""What the front page shows: what is sold, the best films and the new ones."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from theatre.kit.errors import Problem
from theatre.web import films, shop
from theatre.web.film_schemas import Film
from theatre.web.offers import Shelf, shelve
from theatre.web.resources import Resources
from theatre.web.upstream import Headers

FILMS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Front:
    """What somebody sees who comes in from the street."""

    shelf: Shelf
    best: Sequence[Film]
    new: Sequence[Film]


async def gather(house: Resources, who: Headers) -> Front:
    """Gather the front page; without movies it is there all the same."""
    sold, best, new = await asyncio.gather(
        shop.list_products(house.billing, who),
        _list_first(house, who, "-rating"),
        _list_first(house, who, "-published"),
    )
    return Front(shelve(sold), best, new)


async def _list_first(house: Resources, who: Headers, sort: str) -> Sequence[Film]:
    try:
        found = await films.list_films(house.movies, who, {"sort": sort, "limit": str(FILMS_SHOWN)})
    except Problem:
        return ()
    return found.items
