"""Films for editors: found, written, published, taken away, and brought in by the table."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from starlette.datastructures import UploadFile

from theatre.kit.fields import Line, Word
from theatre.kit.routing import StrictRoute
from theatre.web import film_desk, film_writing
from theatre.web.desk import CurrentDesk, Said, go_to
from theatre.web.errors import Declined
from theatre.web.film_drafts import Draft
from theatre.web.resources import own_form

FILMS = "/admin/films"
MAX_WORD = 200

router = APIRouter(prefix=FILMS, route_class=StrictRoute, include_in_schema=False)


@router.get("")
async def show_films(
    desk: CurrentDesk,
    said: Said,
    *,
    title: Annotated[str, Query(max_length=MAX_WORD)] = "",
    live: Literal["", "true", "false"] = "",
    cursor: Annotated[Line | None, Query()] = None,
) -> Response:
    """Show films, live or not, the newest first."""
    asked = {name: value for name, value in (("title", title.strip()), ("is_published", live)) if value}
    films = await film_desk.list_films(desk, {**asked, **({"cursor": cursor} if cursor else {})})
    given = {"films": films, "title": title, "live": live, "cursor": cursor}
    return desk.show("films.html", {**given, **said})


@router.get("/import")
async def show_import(desk: CurrentDesk, said: Said) -> Response:
    """Show the form that brings films in by the table."""
    genres = await film_desk.list_genres(desk)
    return desk.show("film_import.html", {"report": None, "genres": genres, **said})


@router.post("/import", dependencies=[Depends(own_form)])
async def bring_in(desk: CurrentDesk, request: Request) -> Response:
    """Bring films in by the table, and show which rows were at fault."""
    sheet = (await request.form()).get("sheet")
    kind = film_desk.kind_of(sheet.filename) if isinstance(sheet, UploadFile) else None
    if not isinstance(sheet, UploadFile) or kind is None:
        return go_to(f"{FILMS}/import", fault="movies.sheet_kind")
    try:
        report = await film_desk.import_films(desk, await sheet.read(), kind)
    except Declined as declined:
        return go_to(f"{FILMS}/import", fault=declined.word)
    return desk.show("film_import.html", {"report": report, "genres": []})


@router.get("/new")
async def show_new(desk: CurrentDesk) -> Response:
    """Show an empty form."""
    return await film_writing.show(desk, None, film_writing.begun())


@router.post("/new", dependencies=[Depends(own_form)])
async def create(desk: CurrentDesk, request: Request, *, key: Annotated[Word, Form()]) -> Response:
    """Make a film, or do what a button of its form says."""
    return await film_writing.take(desk, None, await request.form(), key=key)


@router.get("/{film_id}")
async def show_film(desk: CurrentDesk, said: Said, film_id: UUID) -> Response:
    """Show a film in the form that changes it."""
    film = await film_desk.get_film(desk, film_id)
    draft = Draft.of(film, locale=desk.visit.locale, zone=desk.visit.zone)
    return await film_writing.show(desk, film_id, draft, said=said)


@router.post("/{film_id}", dependencies=[Depends(own_form)])
async def change(
    desk: CurrentDesk, request: Request, film_id: UUID, *, key: Annotated[Word, Form()]
) -> Response:
    """Change a film, or do what a button of its form says."""
    return await film_writing.take(desk, film_id, await request.form(), key=key)


@router.post("/{film_id}/publish", dependencies=[Depends(own_form)])
async def publish(
    desk: CurrentDesk,
    film_id: UUID,
    *,
    is_published: Annotated[bool, Form()],
    key: Annotated[Word, Form()],
    back: Annotated[Line, Form(alias="next")] = FILMS,
) -> Response:
    """Put a film before the public, or take it back."""
    film = await film_desk.get_film(desk, film_id)
    try:
        await film_desk.save_film(desk, film_id, film.body(is_published=is_published), key=key)
    except Declined as declined:
        return go_to(back, fault=declined.word)
    return go_to(back, note="film_published" if is_published else "film_hidden")


@router.post("/{film_id}/remove", dependencies=[Depends(own_form)])
async def remove(desk: CurrentDesk, film_id: UUID) -> Response:
    """Delete a film."""
    await film_desk.remove_film(desk, film_id)
    return go_to(FILMS, note="film_removed")
