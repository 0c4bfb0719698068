"""Movies' doors for staff: films, genres and people are kept here, and who did it is written down."""

from collections.abc import AsyncIterator
from typing import Annotated, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from theatre.kit.audit import Audit
from theatre.kit.db import InTransaction, Session
from theatre.kit.editors import Editor, Tables, editor_having
from theatre.kit.fields import Storable
from theatre.kit.listing import read_page
from theatre.kit.pagination import PageAnswer, PageRequest, page_request
from theatre.kit.routing import StrictRoute, UnsupportedMediaType
from theatre.movies import film_lists, films, genres, imports, persons
from theatre.movies.imports import MAX_FAULTS, Report, SheetKind
from theatre.movies.models import AuditRecord, IdempotencyKey
from theatre.movies.resources import Resources
from theatre.movies.schemas import (
    PUBLIC,
    AuditAnswer,
    FilmBody,
    GenreBody,
    NamesBody,
    StaffFilmAnswer,
    StaffGenreAnswer,
    StaffPersonAnswer,
)


async def caught_up(request: Request) -> AsyncIterator[None]:
    """Answer staff only when this process shows what they have changed."""
    yield
    if request.method != "GET":
        held: Resources = request.app.state.resources
        await held.changes.catch_up()


router = APIRouter(
    prefix=f"{PUBLIC}/admin",
    tags=["movies: staff"],
    route_class=StrictRoute,
    # before the transaction of a route, and so after it
    dependencies=[Depends(caught_up, scope="function")],
)

AUDIT = Audit(AuditRecord)
PageWanted: TypeAlias = Annotated[PageRequest, Depends(page_request)]
Part: TypeAlias = Annotated[
    str, Query(max_length=200, description="a part of it, in either language"), Storable
]


Staff: TypeAlias = Annotated[
    Editor[Resources], Depends(editor_having("movies.manage", Tables(AUDIT, IdempotencyKey)))
]


@router.get("/films", summary="All films, live or not, the newest first")
async def list_films(
    _: Staff, session: InTransaction, page: PageWanted, is_published: bool | None = None, title: Part = ""
) -> PageAnswer[StaffFilmAnswer]:
    found = await read_page(session, film_lists.find_all(is_published=is_published, title=title), page)
    items = [StaffFilmAnswer.of(film) for film in found.items]
    return PageAnswer(items=items, next_cursor=found.next_cursor)


@router.post(
    "/films",
    status_code=201,
    response_model=StaffFilmAnswer,
    summary="Make a film; if it is published it goes live",
)
async def create_film(body: FilmBody, staff: Staff) -> Response:
    async def make(session: Session) -> StaffFilmAnswer:
        film = await films.create(session, body.draft(), now=staff.now)
        answer = StaffFilmAnswer.of(await films.get(session, film.id))
        await staff.record(session, "film.create", film.id, after=answer.model_dump(mode="json"))
        return answer

    return await staff.make(make)


@router.post(
    "/films/import",
    summary="Films by the table; rows at fault are reported, the others count",
    openapi_extra={"requestBody": {"required": True, "content": {kind: {} for kind in SheetKind}}},
)
async def import_films(request: Request, staff: Staff, session: InTransaction) -> Report:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in set(SheetKind):
        raise UnsupportedMediaType(f"Send the table as {' or '.join(SheetKind)}.")
    sheet = imports.read_sheet(await request.body(), SheetKind(kind))
    report = await imports.apply(session, sheet.lines, now=staff.now)
    faults = sorted([*sheet.faults, *report.faults], key=lambda fault: fault.line)
    done = {"created": report.created, "replaced": report.replaced, "faults": len(faults)}
    await staff.record(session, "film.import", None, after=done)
    return report.model_copy(update={"faults": faults[:MAX_FAULTS]})


@router.get("/films/{film_id}", summary="One film, live or not")
async def get_film(film_id: UUID, _: Staff, session: InTransaction) -> StaffFilmAnswer:
    return StaffFilmAnswer.of(await films.get(session, film_id))


@router.put("/films/{film_id}", summary="Make a film say this")
async def replace_film(
    film_id: UUID, body: FilmBody, staff: Staff, session: InTransaction
) -> StaffFilmAnswer:
    before = StaffFilmAnswer.of(await films.get(session, film_id)).model_dump(mode="json")
    await films.replace(session, film_id, body.draft(), now=staff.now, seen_at=body.changed_at)
    answer = StaffFilmAnswer.of(await films.get(session, film_id))
    after = answer.model_dump(mode="json")
    await staff.record(session, "film.replace", film_id, before=before, after=after)
    return answer


@router.delete("/films/{film_id}", status_code=204, summary="Delete a film")
async def remove_film(film_id: UUID, staff: Staff, session: InTransaction) -> None:
    before = StaffFilmAnswer.of(await films.get(session, film_id)).model_dump(mode="json")
    await films.remove(session, film_id)
    await staff.record(session, "film.remove", film_id, before=before)


@router.get("/genres", summary="All genres, with every language")
async def list_genres(_: Staff, session: InTransaction) -> PageAnswer[StaffGenreAnswer]:
    found = await genres.list_all(session)
    return PageAnswer(items=[StaffGenreAnswer.model_validate(genre) for genre in found], next_cursor=None)


@router.post("/genres", status_code=201, response_model=StaffGenreAnswer, summary="Make a genre")
async def create_genre(body: GenreBody, staff: Staff) -> Response:
    async def make(session: Session) -> StaffGenreAnswer:
        genre = await genres.create(session, body.slug, body.names.model_dump())
        await staff.record(session, "genre.create", genre.id, after=body.model_dump())
        return StaffGenreAnswer.model_validate(genre)

    return await staff.make(make)


@router.put("/genres/{genre_id}", summary="Name a genre otherwise")
async def rename_genre(
    genre_id: UUID, body: NamesBody, staff: Staff, session: InTransaction
) -> StaffGenreAnswer:
    genre = await genres.get(session, genre_id)
    before, genre.names = {"names": genre.names}, body.names.model_dump()
    await staff.record(session, "genre.rename", genre_id, before=before, after=body.model_dump())
    return StaffGenreAnswer.model_validate(genre)


@router.delete("/genres/{genre_id}", status_code=204, summary="Delete a genre that no film names")
async def remove_genre(genre_id: UUID, staff: Staff, session: InTransaction) -> None:
    genre = await genres.get(session, genre_id)
    await films.remove_unused(session, genre)
    await staff.record(session, "genre.remove", genre_id, before={"slug": genre.slug, "names": genre.names})


@router.get("/persons", summary="People, with every language, by name")
async def list_persons(
    _: Staff, session: InTransaction, page: PageWanted, name: Part = ""
) -> PageAnswer[StaffPersonAnswer]:
    found = await read_page(session, persons.find_all(locale="en", name=name), page)
    items = [StaffPersonAnswer.model_validate(person) for person in found.items]
    return PageAnswer(items=items, next_cursor=found.next_cursor)


@router.post("/persons", status_code=201, response_model=StaffPersonAnswer, summary="Make a person")
async def create_person(body: NamesBody, staff: Staff) -> Response:
    async def make(session: Session) -> StaffPersonAnswer:
        person = persons.make(body.names.model_dump())
        session.add(person)
        await session.flush()
        await staff.record(session, "person.create", person.id, after=body.model_dump())
        return StaffPersonAnswer.model_validate(person)

    return await staff.make(make)


@router.put("/persons/{person_id}", summary="Name a person otherwise")
async def rename_person(
    person_id: UUID, body: NamesBody, staff: Staff, session: InTransaction
) -> StaffPersonAnswer:
    person = await persons.get(session, person_id)
    before = {"names": person.names}
    persons.rename(person, body.names.model_dump())
    await staff.record(session, "person.rename", person_id, before=before, after=body.model_dump())
    return StaffPersonAnswer.model_validate(person)


@router.delete("/persons/{person_id}", status_code=204, summary="Delete a person whom no film names")
async def remove_person(person_id: UUID, staff: Staff, session: InTransaction) -> None:
    person = await persons.get(session, person_id)
    await films.remove_unused(session, person)
    await staff.record(session, "person.remove", person_id, before={"names": person.names})


@router.get("/audit", summary="What staff did, the newest first")
async def list_acts(
    _: Staff, session: InTransaction, page: PageWanted, subject_id: UUID | None = None
) -> PageAnswer[AuditAnswer]:
    listing = AUDIT.find(subject_id=None if subject_id is None else str(subject_id))
    found = await read_page(session, listing, page)
    return PageAnswer(items=[AuditAnswer.of(act) for act in found.items], next_cursor=found.next_cursor)
