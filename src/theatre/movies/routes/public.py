"""Movies' doors for everybody: films by list and by id, genres, people, posters."""

from typing import Annotated, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from theatre.kit.db import InTransaction
from theatre.kit.etags import IN_OPENAPI, tagged
from theatre.kit.i18n import negotiate
from theatre.kit.listing import read_page
from theatre.kit.pagination import PageAnswer, PageRequest, page_request
from theatre.kit.routing import StrictRoute
from theatre.movies import film_lists, films, genres, persons, posters
from theatre.movies.film_lists import FilmFilter, FilmSort
from theatre.movies.models import FilmAccess, Role
from theatre.movies.resources import Resources
from theatre.movies.schemas import PUBLIC, FilmAnswer, GenreAnswer, PersonAnswer

router = APIRouter(prefix=PUBLIC, tags=["movies"], route_class=StrictRoute)

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
    return negotiate(request.headers.get("accept-language", ""))


Held: TypeAlias = Annotated[Resources, Depends(resources_of)]
Locale: TypeAlias = Annotated[str, Depends(locale_of)]
PageWanted: TypeAlias = Annotated[PageRequest, Depends(page_request)]


async def film_filter(
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


@router.get(
    "/films",
    response_model=PageAnswer[FilmAnswer],
    responses=IN_OPENAPI,
    summary="Films by filter, in an order",
)
async def list_films(
    request: Request,
    session: InTransaction,
    held: Held,
    locale: Locale,
    page: PageWanted,
    wanted: Wanted,
    sort: FilmSort = FilmSort.RATING_FALLING,
) -> Response:
    listing = film_lists.find_public(wanted, sort, locale=locale, now=held.clock.now())
    found = await read_page(session, listing, page)
    items = [FilmAnswer.of(film, locale) for film in found.items]
    return tagged(request, PageAnswer(items=items, next_cursor=found.next_cursor), language=locale)


@router.get("/films/{film_id}", response_model=FilmAnswer, responses=IN_OPENAPI, summary="One film")
async def get_film(
    film_id: UUID, request: Request, session: InTransaction, held: Held, locale: Locale
) -> Response:
    film = await films.get_public(session, film_id, now=held.clock.now())
    return tagged(request, FilmAnswer.of(film, locale), language=locale)


@router.get(
    "/films/{film_id}/poster.svg", response_class=Response, summary="The poster that we draw for a film"
)
async def get_poster(
    film_id: UUID, request: Request, session: InTransaction, held: Held, locale: Locale
) -> Response:
    film = await films.get_public(session, film_id, now=held.clock.now())
    shown = FilmAnswer.of(film, locale)
    byline = ", ".join(person.name for person in shown.directors[:2])
    genre = shown.genres[0].slug if shown.genres else ""
    poster = posters.draw(posters.Poster(shown.title, shown.year, genre, byline))
    return tagged(request, poster.encode(), media_type="image/svg+xml", language=locale)


@router.get("/genres", response_model=PageAnswer[GenreAnswer], responses=IN_OPENAPI, summary="All genres")
async def list_genres(request: Request, session: InTransaction, locale: Locale) -> Response:
    items = [GenreAnswer.of(genre, locale) for genre in await genres.list_all(session)]
    return tagged(request, PageAnswer(items=items, next_cursor=None), language=locale)


@router.get("/genres/{genre_id}", response_model=GenreAnswer, responses=IN_OPENAPI, summary="One genre")
async def get_genre(genre_id: UUID, request: Request, session: InTransaction, locale: Locale) -> Response:
    return tagged(request, GenreAnswer.of(await genres.get(session, genre_id), locale), language=locale)


@router.get(
    "/persons", response_model=PageAnswer[PersonAnswer], responses=IN_OPENAPI, summary="People, by name"
)
async def list_persons(
    request: Request, session: InTransaction, locale: Locale, page: PageWanted
) -> Response:
    found = await read_page(session, persons.find_all(locale=locale), page)
    items = [PersonAnswer.of(person, locale) for person in found.items]
    return tagged(request, PageAnswer(items=items, next_cursor=found.next_cursor), language=locale)


@router.get("/persons/{person_id}", response_model=PersonAnswer, responses=IN_OPENAPI, summary="One person")
async def get_person(person_id: UUID, request: Request, session: InTransaction, locale: Locale) -> Response:
    return tagged(request, PersonAnswer.of(await persons.get(session, person_id), locale), language=locale)


@router.get(
    "/persons/{person_id}/films",
    response_model=PageAnswer[FilmAnswer],
    responses=IN_OPENAPI,
    summary="Films of a person, the newest first",
)
async def list_films_of_person(
    person_id: UUID,
    request: Request,
    session: InTransaction,
    held: Held,
    locale: Locale,
    page: PageWanted,
    role: Role | None = None,
) -> Response:
    person = await persons.get(session, person_id)
    wanted = FilmFilter(person_ids=(person.id,), role=role)
    listing = film_lists.find_public(wanted, FilmSort.YEAR_FALLING, locale=locale, now=held.clock.now())
    found = await read_page(session, listing, page)
    items = [FilmAnswer.of(film, locale) for film in found.items]
    return tagged(request, PageAnswer(items=items, next_cursor=found.next_cursor), language=locale)
