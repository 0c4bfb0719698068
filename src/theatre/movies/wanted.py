"""What every door for viewers reads of a request: which films are wanted, and in which language."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from theatre.kit.etags import tagged
from theatre.kit.pagination import PageRequest, page_request
from theatre.kit.routing import StrictRoute
from theatre.movies.answers import locale_of as locale_of_request
from theatre.movies.film_lists import FilmFilter
from theatre.movies.models import FilmAccess, Role
from theatre.movies.resources import Resources

MAX_NAMED = 10
Ids: TypeAlias = Annotated[list[UUID], Query(max_length=MAX_NAMED)]
Year: TypeAlias = Annotated[int | None, Query(ge=1888, le=2100)]
Minutes: TypeAlias = Annotated[int | None, Query(ge=1, le=1000)]


async def resources_of(request: Request) -> Resources:
    """Give what the application holds."""
    resources: Resources = request.app.state.resources
    return resources


async def locale_of(request: Request) -> str:
    """Choose the language of the answer by `Accept-Language`."""
    return locale_of_request(request)


Held: TypeAlias = Annotated[Resources, Depends(resources_of)]
Locale: TypeAlias = Annotated[str, Depends(locale_of)]
PageWanted: TypeAlias = Annotated[PageRequest, Depends(page_request)]


class RememberingRoute(StrictRoute):
    """A route that gives an answer again which still holds, before anything of the request is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See `APIRoute`."""
        answer = super().get_route_handler()

        async def remembering(request: Request) -> Response:
            held: Resources = request.app.state.resources
            return await held.answers.once(request, answer)

        return remembering


class CardRoute(StrictRoute):
    """A route to a film's card, which is given at once if it is remembered."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See `APIRoute`."""
        answer = super().get_route_handler()

        async def remembering(request: Request) -> Response:
            held: Resources = request.app.state.resources
            locale = locale_of_request(request)
            card = held.cards.find(request.path_params["film_id"], locale)
            return await answer(request) if card is None else tagged(request, card.json, language=locale)

        return remembering


async def film_filter(
    *,
    genre: Annotated[Ids, Query(description="all of these genres")] = [],  # noqa: B006 - FastAPI copies it
    any_genre: Annotated[Ids, Query(description="at least one of these genres")] = [],  # noqa: B006
    no_genre: Annotated[Ids, Query(description="none of these genres")] = [],  # noqa: B006
    person: Annotated[Ids, Query(description="all of these people")] = [],  # noqa: B006
    role: Annotated[Role | None, Query(description="in which these people were")] = None,
    country: Annotated[str | None, Query(pattern="^[A-Z]{2}$")] = None,
    access: FilmAccess | None = None,
    year_from: Year = None,
    year_to: Year = None,
    runtime_from: Minutes = None,
    runtime_to: Minutes = None,
    rating_from: Annotated[float | None, Query(ge=1, le=10)] = None,
    age_to: Annotated[int | None, Query(ge=0, le=18, description="age of the youngest who looks on")] = None,
) -> FilmFilter:
    """Read which films are wanted."""
    return FilmFilter(
        genre_ids=tuple(genre),
        any_genre_ids=tuple(any_genre),
        no_genre_ids=tuple(no_genre),
        person_ids=tuple(person),
        role=role,
        country=country,
        access=access,
        year_from=year_from,
        year_to=year_to,
        runtime_from=runtime_from,
        runtime_to=runtime_to,
        rating_from=rating_from,
        age_to=age_to,
    )


Wanted: TypeAlias = Annotated[FilmFilter, Depends(film_filter)]
