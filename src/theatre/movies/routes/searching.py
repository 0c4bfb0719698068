"""Movies' doors for who looks for something: films, people, and what a few letters may become."""

from typing import Annotated, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AfterValidator, StringConstraints

from theatre.kit.db import InTransaction
from theatre.kit.fields import Storable
from theatre.kit.i18n import negotiate
from theatre.kit.pagination import BadCursor, PageRequest, encode_cursor, page_request
from theatre.kit.routing import StrictRoute
from theatre.movies import finding, similar
from theatre.movies.models import FilmAccess
from theatre.movies.resources import Resources
from theatre.movies.schemas import PUBLIC
from theatre.movies.search import MAX_FOUND, MAX_QUERY_CHARACTERS, Found, Kind, Question
from theatre.movies.search_schemas import (
    FilmsAlikeAnswer,
    FilmsFoundAnswer,
    PersonsFoundAnswer,
    SuggestionsAnswer,
)

router = APIRouter(prefix=PUBLIC, tags=["movies: search"], route_class=StrictRoute)

Text: TypeAlias = Annotated[
    str, StringConstraints(max_length=MAX_QUERY_CHARACTERS), Storable, AfterValidator(str.strip)
]
Year: TypeAlias = Annotated[int | None, Query(ge=1888, le=2100)]


async def question_of(
    query: Annotated[Text, Query(description="words of titles and names, of any spelling")],
    page: Annotated[PageRequest, Depends(page_request)],
    genre: Annotated[list[UUID], Query(max_length=10)] = [],  # noqa: B006 - FastAPI copies it
    access: FilmAccess | None = None,
    year_from: Year = None,
    year_to: Year = None,
    age_to: Annotated[int | None, Query(ge=0, le=18)] = None,
) -> Question:
    """Read what films are looked for."""
    return Question(
        kind=Kind.FILM,
        text=query,
        limit=page.limit,
        offset=offset_of(page),
        genre_ids=tuple(genre),
        access=access,
        year_from=year_from,
        year_to=year_to,
        age_to=age_to,
        with_facets=True,
    )


def offset_of(page: PageRequest) -> int:
    """Read the cursor of what was found: how many are seen already.

    Raises:
        BadCursor
    """
    if page.after is None:
        return 0
    word = page.after[0]
    if len(page.after) != 1 or not (word.isascii() and word.isdecimal()) or int(word) >= MAX_FOUND:
        raise BadCursor
    return int(word)


def cursor_after(question: Question, found: Found) -> str | None:
    """Give the cursor of the next page of what was found, as deep as one may page."""
    seen = question.offset + len(found.ids)
    return encode_cursor((seen,)) if found.ids and seen < min(found.total, MAX_FOUND) else None


def held_of(request: Request) -> Resources:
    """Give what the application holds."""
    resources: Resources = request.app.state.resources
    return resources


def locale_of(request: Request) -> str:
    """Choose the language of the answer by `Accept-Language`."""
    return negotiate(request.headers.get("accept-language", ""))


@router.get("/films/search", summary="Films by words of their titles and people, however spelt")
async def search_films(
    request: Request, session: InTransaction, question: Annotated[Question, Depends(question_of)]
) -> FilmsFoundAnswer:
    held = held_of(request)
    found = await held.index.find(question)
    films = await finding.films_of(session, found.ids, now=held.clock.now())
    return FilmsFoundAnswer.of(films, found, cursor_after(question, found), locale=locale_of(request))


@router.get("/films/{film_id}/similar", summary="Films like another one, each with its reason")
async def list_similar(
    film_id: UUID,
    request: Request,
    session: InTransaction,
    limit: Annotated[int, Query(ge=1, le=20)] = 10,
) -> FilmsAlikeAnswer:
    found = await similar.find(session, film_id, limit=limit, now=held_of(request).clock.now())
    return FilmsAlikeAnswer.of(found, locale=locale_of(request))


@router.get("/persons/search", summary="People by name, however spelt")
async def search_persons(
    request: Request,
    session: InTransaction,
    query: Text,
    page: Annotated[PageRequest, Depends(page_request)],
) -> PersonsFoundAnswer:
    question = Question(Kind.PERSON, query, limit=page.limit, offset=offset_of(page))
    found = await held_of(request).index.find(question)
    persons = await finding.persons_of(session, found.ids)
    return PersonsFoundAnswer.of(persons, found, cursor_after(question, found), locale=locale_of(request))


@router.get("/suggest", summary="What a few letters may become, by kind")
async def suggest(request: Request, session: InTransaction, q: Text) -> SuggestionsAnswer:
    held = held_of(request)
    suggestions = await finding.suggest(session, held.index, q, now=held.clock.now())
    return SuggestionsAnswer.of(suggestions, locale=locale_of(request))
