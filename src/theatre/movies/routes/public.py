"""Movies' doors for everybody: films by list and by id, genres, people, posters."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from theatre.kit.db import InTransaction, transaction
from theatre.kit.etags import IN_OPENAPI, tagged
from theatre.kit.listing import Listing, read_page
from theatre.kit.pagination import PageAnswer, PageRequest
from theatre.movies import film_lists, genres, persons, posters
from theatre.movies.answers import Stamp
from theatre.movies.cards import Card, first_end
from theatre.movies.film_lists import FilmFilter, FilmSort
from theatre.movies.models import Film, Role
from theatre.movies.resources import Resources
from theatre.movies.schemas import PUBLIC, FilmAnswer, FilmsAnswer, GenreAnswer, PersonAnswer, join
from theatre.movies.search import Kind, Question, SearchAway
from theatre.movies.wanted import CardRoute, Held, Locale, PageWanted, RememberingRoute, Wanted

router = APIRouter(prefix=PUBLIC, tags=["movies"], route_class=RememberingRoute)
films = APIRouter(prefix=PUBLIC, tags=["movies"], route_class=CardRoute)


@router.get(
    "/films", response_model=FilmsAnswer, responses=IN_OPENAPI, summary="Films by filter, in an order"
)
async def list_films(
    request: Request,
    held: Held,
    locale: Locale,
    page: PageWanted,
    wanted: Wanted,
    sort: FilmSort = FilmSort.RATING_FALLING,
    facets: Annotated[bool, Query(description="whether to count, in all and by each filter")] = False,
) -> Response:
    stamp = held.answers.stamp(by_index=facets)
    listing = film_lists.find_public(wanted, sort, locale=locale, now=held.clock.now())
    cards, next_cursor = await read_cards(held, listing, page, locale=locale)
    counts = await count(held, wanted) if facets else NOT_COUNTED
    return give(request, held, stamp, cards=cards, next_cursor=next_cursor, **counts)


NOT_COUNTED: dict[str, object] = {"total": None, "facets": None}


async def count(held: Resources, wanted: FilmFilter) -> dict[str, object]:
    """Count what a list is of; without an index the list is all there is."""
    question = Question(Kind.FILM, "", limit=0, with_facets=True, **asdict(wanted))
    try:
        found = await held.index.find(question)
    except SearchAway:
        return NOT_COUNTED
    return {"total": found.total, "facets": found.facets}


async def read_cards(
    held: Resources, listing: Listing[Film], page: PageRequest, *, locale: str
) -> tuple[list[Card], str | None]:
    """Read a page of films, and the cursor of the next."""
    async with transaction(held.sessions) as session:
        found = await film_lists.read_ids(session, listing, page)
    return await held.cards.list_by_ids([row.id for row in found.items], locale), found.next_cursor


def give(request: Request, held: Resources, stamp: Stamp, *, cards: list[Card], **rest: object) -> Response:
    """Answer with films."""
    content = join([card.json for card in cards], **rest)
    return held.answers.give(request, content, stamp, until=first_end(cards))


@films.get("/films/{film_id}", response_model=FilmAnswer, responses=IN_OPENAPI, summary="One film")
async def get_film(film_id: UUID, request: Request, held: Held, locale: Locale) -> Response:
    return tagged(request, (await held.cards.get(film_id, locale)).json, language=locale)


@router.get(
    "/films/{film_id}/poster.svg", response_class=Response, summary="The poster that we draw for a film"
)
async def get_poster(film_id: UUID, request: Request, held: Held, locale: Locale) -> Response:
    shown = (await held.cards.get(film_id, locale)).fields()
    byline = ", ".join(person["name"] for person in shown["directors"][:2])
    genre = shown["genres"][0]["slug"] if shown["genres"] else ""
    poster = posters.draw(posters.Poster(shown["title"], shown["year"], genre, byline))
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
    held: Held,
    locale: Locale,
    page: PageWanted,
    role: Role | None = None,
) -> Response:
    stamp = held.answers.stamp(by_index=False)
    async with transaction(held.sessions) as session:
        person = await persons.get(session, person_id)
    wanted = FilmFilter(person_ids=(person.id,), role=role)
    listing = film_lists.find_public(wanted, FilmSort.YEAR_FALLING, locale=locale, now=held.clock.now())
    cards, next_cursor = await read_cards(held, listing, page, locale=locale)
    return give(request, held, stamp, cards=cards, next_cursor=next_cursor)
