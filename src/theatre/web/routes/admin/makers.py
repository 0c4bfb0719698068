"""Genres and people for editors: named, renamed, taken away."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Response

from theatre.kit.fields import Line, Word
from theatre.kit.routing import StrictRoute
from theatre.web import film_desk
from theatre.web.desk import CurrentDesk, Said, go_to
from theatre.web.errors import Declined
from theatre.web.resources import own_form

MAX_WORD = 200
PEOPLE_SHOWN = "50"
GENRES = "/admin/genres"
PERSONS = "/admin/persons"

router = APIRouter(prefix="/admin", route_class=StrictRoute, include_in_schema=False)


@router.get("/genres")
async def show_genres(desk: CurrentDesk, said: Said) -> Response:
    """Show all genres."""
    return desk.show("genres.html", {"genres": await film_desk.list_genres(desk), **said})


@router.post("/genres", dependencies=[Depends(own_form)])
async def create_genre(
    desk: CurrentDesk,
    *,
    slug: Annotated[Line, Form()],
    ru: Annotated[Line, Form()],
    en: Annotated[Line, Form()],
    key: Annotated[Word, Form()],
) -> Response:
    """Make a genre."""
    try:
        await film_desk.create_genre(desk, slug.strip(), {"ru": ru, "en": en}, key=key)
    except Declined as declined:
        return go_to(GENRES, fault=declined.word)
    return go_to(GENRES, note="named")


@router.get("/persons")
async def show_persons(
    desk: CurrentDesk,
    said: Said,
    *,
    name: Annotated[str, Query(max_length=MAX_WORD)] = "",
    cursor: Annotated[Line | None, Query()] = None,
) -> Response:
    """Show people by name."""
    asked = {"name": name.strip(), "cursor": cursor or ""}
    params = {word: value for word, value in asked.items() if value}
    persons = await film_desk.list_persons(desk, {"limit": PEOPLE_SHOWN, **params})
    return desk.show("persons.html", {"persons": persons, "name": name, "cursor": cursor, **said})


@router.post("/persons", dependencies=[Depends(own_form)])
async def create_person(
    desk: CurrentDesk,
    *,
    ru: Annotated[Line, Form()],
    en: Annotated[Line, Form()],
    key: Annotated[Word, Form()],
) -> Response:
    """Make a person."""
    await film_desk.create_person(desk, {"ru": ru, "en": en}, key=key)
    return go_to(PERSONS, note="named")


@router.post("/{kind}/{maker_id}/name", dependencies=[Depends(own_form)])
async def rename(
    desk: CurrentDesk,
    kind: film_desk.MakerKind,
    maker_id: UUID,
    *,
    ru: Annotated[Line, Form()],
    en: Annotated[Line, Form()],
) -> Response:
    """Name a genre or a person otherwise."""
    await film_desk.rename(desk, f"/{kind}/{maker_id}", {"ru": ru, "en": en})
    return go_to(f"/admin/{kind}", note="named")


@router.post("/{kind}/{maker_id}/remove", dependencies=[Depends(own_form)])
async def remove(desk: CurrentDesk, kind: film_desk.MakerKind, maker_id: UUID) -> Response:
    """Delete a genre or a person that no film names."""
    try:
        await film_desk.remove(desk, f"/{kind}/{maker_id}")
    except Declined as declined:
        return go_to(f"/admin/{kind}", fault=declined.word)
    return go_to(f"/admin/{kind}", note="unnamed")
