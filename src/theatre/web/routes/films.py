"""Films for everybody: the catalogue, what letters in the search box may become, a film, a person."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from theatre.kit.errors import Problem
from theatre.kit.fields import Line
from theatre.kit.routing import StrictRoute
from theatre.web import films, showings
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
        films.list_films(house.movies, visit.headers, wanted.params(), counts=True),
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


@router.get("/films/{film_id}")
async def show_film(house: House, visit: CurrentVisit, film_id: UUID) -> Response:
    """Show a film, and what opens it for whoever looks."""
    showing = await showings.prepare(house, visit, film_id)
    return house.pages.render(visit, "film.html", {"showing": showing, "film": showing.film})


@router.get("/persons/{person_id}")
async def show_person(
    house: House, visit: CurrentVisit, person_id: UUID, *, cursor: Annotated[Line | None, Query()] = None
) -> Response:
    """Show somebody who made films, with the films by what they did."""
    person, made = await asyncio.gather(
        films.get_person(house.movies, visit.headers, person_id),
        films.list_of_person(house.movies, visit.headers, person_id, cursor),
    )
    given = {"person": person, "made": made, "roles": showings.credits_of(person, made.items)}
    return house.pages.render(visit, "person.html", {**given, "cursor": cursor})
