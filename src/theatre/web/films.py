"""Films, genres and people, as movies shows them to everybody."""

from collections.abc import Mapping

from theatre.web.film_schemas import FilmList, Genre, GenreList, Suggestions
from theatre.web.upstream import Call, Headers, Upstream

PREFIX = "/movies/api/v1"
Params = Mapping[str, str | list[str]]


async def list_films(movies: Upstream, who: Headers, params: Params) -> FilmList:
    """Give a page of films: those that were found by the `query`, if there is one, else those of an order.

    Raises:
        Declined: a filter or the cursor is not acceptable.
    """
    path = f"{PREFIX}/films/search" if "query" in params else f"{PREFIX}/films"
    counted = {**params, "facets": "true"}
    return await movies.ask(Call(method="GET", path=path, headers=who, params=counted), FilmList)


async def list_genres(movies: Upstream, who: Headers) -> list[Genre]:
    """Give all genres by name."""
    found = await movies.ask(Call(method="GET", path=f"{PREFIX}/genres", headers=who), GenreList)
    return sorted(found.items, key=lambda genre: genre.name.casefold())


async def suggest(movies: Upstream, who: Headers, letters: str) -> Suggestions:
    """Tell what a few letters may become."""
    call = Call(method="GET", path=f"{PREFIX}/suggest", headers=who, params={"q": letters})
    return await movies.ask(call, Suggestions)
