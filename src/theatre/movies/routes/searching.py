"""Movies' doors for who looks for something: films, people, and what a few letters may become."""

from dataclasses import asdict
from typing import Annotated, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, StringConstraints

from theatre.kit.db import transaction
from theatre.kit.etags import IN_OPENAPI
from theatre.kit.fields import Storable
from theatre.kit.pagination import BadCursor, PageRequest, encode_cursor
from theatre.movies import finding, similar
from theatre.movies.cards import first_end
from theatre.movies.schemas import PUBLIC
from theatre.movies.search import MAX_FOUND, MAX_QUERY_CHARACTERS, Found, Kind, Question
from theatre.movies.search_schemas import (
    FilmsAlikeAnswer,
    FilmsFoundAnswer,
    PersonsFoundAnswer,
    SuggestionsAnswer,
    write_found,
)
from theatre.movies.wanted import Held, Locale, PageWanted, RememberingRoute, Wanted

router = APIRouter(prefix=PUBLIC, tags=["movies: search"], route_class=RememberingRoute)

Text: TypeAlias = Annotated[
    str, StringConstraints(max_length=MAX_QUERY_CHARACTERS), Storable, AfterValidator(str.strip)
]


async def question_of(
    query: Annotated[Text, Query(description="words of titles and names, of any spelling")],
    page: PageWanted,
    wanted: Wanted,
    facets: Annotated[bool, Query(description="whether to count by each filter")] = True,
) -> Question:
    """Read what films are looked for."""
    return Question(
        kind=Kind.FILM,
        text=query,
        limit=page.limit,
        offset=offset_of(page),
        with_facets=facets,
        **asdict(wanted),
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


@router.get(
    "/films/search",
    response_model=FilmsFoundAnswer,
    responses=IN_OPENAPI,
    summary="Films by words of their titles and people, however spelt",
)
async def search_films(
    request: Request, held: Held, locale: Locale, question: Annotated[Question, Depends(question_of)]
) -> Response:
    stamp = held.answers.stamp(by_index=True)
    found = await held.index.find(question)
    cards = await held.cards.list_by_ids(found.ids, locale)
    content = write_found(cards, found, cursor_after(question, found))
    return held.answers.give(request, content, stamp, until=first_end(cards))


@router.get(
    "/films/{film_id}/similar",
    response_model=FilmsAlikeAnswer,
    responses=IN_OPENAPI,
    summary="Films like another one, each with its reason",
)
async def list_similar(
    film_id: UUID,
    request: Request,
    held: Held,
    locale: Locale,
    limit: Annotated[int, Query(ge=1, le=20)] = 10,
) -> Response:
    stamp = held.answers.stamp(by_index=False)
    async with transaction(held.sessions) as session:
        found = await similar.find(session, film_id, limit=limit, now=held.clock.now())
    answer = FilmsAlikeAnswer.of(found, locale=locale)
    ends = [one.film.available_until for one in found if one.film.available_until is not None]
    return held.answers.give(request, answer.model_dump_json().encode(), stamp, until=min(ends, default=None))


@router.get(
    "/persons/search",
    response_model=PersonsFoundAnswer,
    responses=IN_OPENAPI,
    summary="People by name, however spelt",
)
async def search_persons(
    request: Request, held: Held, locale: Locale, query: Text, page: PageWanted
) -> Response:
    stamp = held.answers.stamp(by_index=True)
    question = Question(Kind.PERSON, query, limit=page.limit, offset=offset_of(page))
    found = await held.index.find(question)
    async with transaction(held.sessions) as session:
        persons = await finding.persons_of(session, found.ids)
    answer = PersonsFoundAnswer.of(persons, found, cursor_after(question, found), locale=locale)
    return held.answers.give(request, answer.model_dump_json().encode(), stamp)


@router.get(
    "/suggest",
    response_model=SuggestionsAnswer,
    responses=IN_OPENAPI,
    summary="What a few letters may become, by kind",
)
async def suggest(request: Request, held: Held, locale: Locale, q: Text) -> Response:
    stamp = held.answers.stamp(by_index=True)
    found = await finding.suggest(held.sessions, q, index=held.index, cards=held.cards, locale=locale)
    answer = SuggestionsAnswer.of(found, locale=locale)
    return held.answers.give(request, answer.model_dump_json().encode(), stamp, until=first_end(found.films))
