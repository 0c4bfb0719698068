"""Films, genres and people, as movies shows them to everybody."""

from collections.abc import Mapping
from uuid import UUID

from theatre.web.film_schemas import Film, FilmList, Genre, GenreList, Person, Stream, Suggestions
from theatre.web.upstream import Call, Headers, Upstream

PREFIX = "/movies/api/v1"
Params = Mapping[str, str | list[str]]


async def list_films(movies: Upstream, who: Headers, params: Params, *, counts: bool = False) -> FilmList:
    """Give a page of films: those that were found by the `query`, if there is one, else those of an order.

    Each filter is counted beside if `counts`.

    Raises:
        Declined: a filter or the cursor is not acceptable.
    """
    path = f"{PREFIX}/films/search" if "query" in params else f"{PREFIX}/films"
    counted = {**params, "facets": str(counts).lower()}
    return await movies.ask(Call(method="GET", path=path, headers=who, params=counted), FilmList)


async def list_genres(movies: Upstream, who: Headers) -> list[Genre]:
    """Give all genres by name."""
    found = await movies.ask(Call(method="GET", path=f"{PREFIX}/genres", headers=who), GenreList)
    return sorted(found.items, key=lambda genre: genre.name.casefold())


async def suggest(movies: Upstream, who: Headers, letters: str) -> Suggestions:
    """Tell what a few letters may become."""
    call = Call(method="GET", path=f"{PREFIX}/suggest", headers=who, params={"q": letters})
    return await movies.ask(call, Suggestions)


async def get(movies: Upstream, who: Headers, film_id: UUID) -> Film:
    """Read a film as the public sees it.

    Raises:
        NotFound: there is none, or not (any more) for the public.
    """
    return await movies.ask(Call(method="GET", path=f"{PREFIX}/films/{film_id}", headers=who), Film)


async def list_similar(movies: Upstream, who: Headers, film_id: UUID) -> list[Film]:
    """Give films like another one, each with its reason.

    Raises:
        NotFound
    """
    call = Call(method="GET", path=f"{PREFIX}/films/{film_id}/similar", headers=who, params={"limit": "10"})
    return (await movies.ask(call, FilmList)).items


async def get_person(movies: Upstream, who: Headers, person_id: UUID) -> Person:
    """Read who somebody is.

    Raises:
        NotFound
    """
    return await movies.ask(Call(method="GET", path=f"{PREFIX}/persons/{person_id}", headers=who), Person)


async def list_of_person(movies: Upstream, who: Headers, person_id: UUID, cursor: str | None) -> FilmList:
    """Give a page of somebody's films, the newest first.

    Raises:
        NotFound
        Declined: the cursor is none of this list.
    """
    params = {"limit": "48", **({"cursor": cursor} if cursor else {})}
    path = f"{PREFIX}/persons/{person_id}/films"
    return await movies.ask(Call(method="GET", path=path, headers=who, params=params), FilmList)


async def start_playback(movies: Upstream, who: Headers, film_id: UUID) -> Stream:
    """Give the address of a film's stream for whoever is signed in.

    Raises:
        Declined: nothing that they have opens it (`movies.payment_required`).
        Forbidden: its time has not come yet.
        NotFound
    """
    path = f"{PREFIX}/films/{film_id}/playback"
    return await movies.ask(Call(method="GET", path=path, headers=who), Stream)
