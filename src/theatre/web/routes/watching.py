"""Watching a film: the player, or what would open it."""

from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from theatre.kit.routing import StrictRoute
from theatre.web import films, screenings
from theatre.web.resources import CurrentVisit, House, User

PAYMENT_REQUIRED = 402

router = APIRouter(prefix="/films/{film_id}", route_class=StrictRoute, include_in_schema=False)


@router.get("/watch")
async def watch(house: House, visit: CurrentVisit, user: User, film_id: UUID) -> Response:
    """Show the film; or the prices that open it, or when its time comes."""
    screening = await screenings.enter(house, user, film_id)
    needs_payment = screening.stream is None and screening.showing.opens_at is None
    given = {"showing": screening.showing, "film": screening.showing.film, "stream": screening.stream}
    status = PAYMENT_REQUIRED if needs_payment else 200
    return house.pages.render(visit, "watch.html", given, status=status)


@router.get("/stream")
async def give_stream(house: House, user: User, film_id: UUID) -> Response:
    """Give the player another address of the stream, when the last one has had its time."""
    stream = await films.start_playback(house.movies, user, film_id)
    return JSONResponse(stream.model_dump(mode="json"))
