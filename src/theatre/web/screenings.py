"""A film on the screen: who is let in and where the stream is, or what would open it."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from theatre.kit.errors import Forbidden
from theatre.web import films, shop
from theatre.web.errors import Declined
from theatre.web.film_schemas import Stream
from theatre.web.resources import Resources
from theatre.web.showings import Showing, offers_of
from theatre.web.upstream import Headers

NEEDS_PAYMENT = "movies.payment_required"


@dataclass(frozen=True, slots=True)
class Screening:
    """A film for one viewer; without a stream, `showing` says what opens it, or when."""

    showing: Showing
    stream: Stream | None


async def enter(house: Resources, who: Headers, film_id: UUID) -> Screening:
    """Ask for a film's stream; where it is refused gather what would open it.

    Raises:
        NotFound: there is no such film for the public.
    """
    film, stream = await asyncio.gather(
        films.get(house.movies, who, film_id), _find_stream(house, who, film_id)
    )
    now = house.clock.now()
    opens_at = film.available_from if film.begins_after(now) else None
    sold = [] if stream or opens_at else await shop.list_products(house.billing, who)
    showing = Showing(
        film=film,
        offers=offers_of(film_id, sold),
        similar=(),
        may_watch=stream is not None or film.access == "free",
        opens_at=opens_at,
    )
    return Screening(showing, stream)


async def _find_stream(house: Resources, who: Headers, film_id: UUID) -> Stream | None:
    try:
        return await films.start_playback(house.movies, who, film_id)
    except Forbidden:  # its time has not come yet
        return None
    except Declined as declined:
        if declined.word != NEEDS_PAYMENT:
            raise
        return None
