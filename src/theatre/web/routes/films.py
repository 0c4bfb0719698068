"""Films to look for: the catalogue, and what a few letters in the search box may become."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from theatre.kit.errors import Problem
from theatre.kit.routing import StrictRoute
from theatre.web import films
from theatre.web.film_filters import CHOICES, MAX_QUERY_CHARACTERS, Choices, Wanted
from theatre.web.film_schemas import Suggestions
from theatre.web.resources import CurrentVisit, House, see_other

router = APIRouter(route_class=StrictRoute, include_in_schema=False)


@router.get("/films")
async def show_films(
    request: Request, house: House, visit: CurrentVisit, wanted: Annotated[Wanted, Query()]
) -> Response:
    """Show films by words, filter and order; the address of what a form left empty is made short."""
    if "" in request.query_params.values():
        return see_other(wanted.address())
    found, genres = await asyncio.gather(
        films.list_films(house.movies, visit.headers, wanted.params()),
        films.list_genres(house.movies, visit.headers),
    )
    given = {"wanted": wanted, "found": found, "genres": genres, "choices": Choices(found.facets or {})}
    return house.pages.render(visit, "films.html", {**CHOICES, **given, "search_text": wanted.query})


@router.get("/suggest")
async def suggest(
    house: House, visit: CurrentVisit, *, query: Annotated[str, Query(max_length=MAX_QUERY_CHARACTERS)] = ""
) -> Response:
    """Give a part of a page: what these letters may become. It is a comfort, so nothing is said when it fails."""
    suggestions = Suggestions()
    try:
        if query.strip():
            suggestions = await films.suggest(house.movies, visit.headers, query)
    except Problem:
        pass
    return house.pages.render(visit, "_suggestions.html", {"suggestions": suggestions, "query": query})
