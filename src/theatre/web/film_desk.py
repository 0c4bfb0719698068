"""The editors' desk: movies' doors for staff, as its pages need them."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypeVar
from uuid import UUID

from theatre.web.admin_schemas import ReadPage
from theatre.web.desk import Desk
from theatre.web.film_desk_schemas import SheetReport, StaffFilm, StaffGenre, StaffPerson
from theatre.web.schemas import Nothing, Read
from theatre.web.upstream import Call

R = TypeVar("R", bound=Read)
MakerKind: TypeAlias = Literal["genres", "persons"]

DOORS = "/movies/api/v1/admin"
FILMS_SHOWN = "50"
PEOPLE_FOUND = "10"
SHEET_KINDS = {"csv": "text/csv", "jsonl": "application/x-ndjson", "ndjson": "application/x-ndjson"}


async def list_films(desk: Desk, params: Mapping[str, str]) -> ReadPage[StaffFilm]:
    """Give a page of all films, the newest first.

    Raises:
        Forbidden
        Declined: a filter or the cursor is not acceptable.
    """
    return await _read(desk, "/films", ReadPage[StaffFilm], params={"limit": FILMS_SHOWN, **params})


async def get_film(desk: Desk, film_id: UUID) -> StaffFilm:
    """Read a film, live or not.

    Raises:
        Forbidden, NotFound
    """
    return await _read(desk, f"/films/{film_id}", StaffFilm)


async def save_film(desk: Desk, film_id: UUID | None, body: Mapping[str, Any], *, key: str) -> StaffFilm:
    """Make a film, once for each key, or make the film of this id say this.

    Raises:
        Declined: fields are not acceptable, or somebody was faster (`movies.film_changed`).
        Forbidden, NotFound
    """
    if film_id is None:
        return await _send(desk, "POST /films", StaffFilm, json=body, key=f"{key}-film")
    return await _send(desk, f"PUT /films/{film_id}", StaffFilm, json=body)


async def remove_film(desk: Desk, film_id: UUID) -> None:
    """Delete a film.

    Raises:
        Forbidden, NotFound
    """
    await _send(desk, f"DELETE /films/{film_id}", Nothing)


def kind_of(name: str | None) -> str | None:
    """Tell by its name how a table is written, if it is one."""
    return SHEET_KINDS.get((name or "").rpartition(".")[2].lower())


async def import_films(desk: Desk, content: bytes, kind: str) -> SheetReport:
    """Make films of a table; rows at fault are reported, the others count.

    Raises:
        Declined: it is no table of films at all.
        Forbidden
    """
    headers = {**desk.who, "Content-Type": kind}
    call = Call(method="POST", path=f"{DOORS}/films/import", headers=headers, content=content)
    return await desk.house.movies.ask(call, SheetReport)


async def list_genres(desk: Desk) -> list[StaffGenre]:
    """Give all genres.

    Raises:
        Forbidden
    """
    return (await _read(desk, "/genres", ReadPage[StaffGenre])).items


async def create_genre(desk: Desk, slug: str, names: Mapping[str, str], *, key: str) -> None:
    """Make a genre, once for each key.

    Raises:
        Forbidden, Declined
    """
    body = {"slug": slug, "names": names}
    await _send(desk, "POST /genres", Nothing, json=body, key=f"{key}-genre")


async def list_persons(desk: Desk, params: Mapping[str, str]) -> ReadPage[StaffPerson]:
    """Give a page of people by name.

    Raises:
        Forbidden, Declined
    """
    return await _read(desk, "/persons", ReadPage[StaffPerson], params=params)


async def create_person(desk: Desk, names: Mapping[str, str], *, key: str) -> StaffPerson:
    """Make a person, once for each key.

    Raises:
        Forbidden, Declined
    """
    return await _send(desk, "POST /persons", StaffPerson, json={"names": names}, key=f"{key}-person")


async def rename(desk: Desk, path: str, names: Mapping[str, str]) -> None:
    """Name a genre or a person otherwise.

    Raises:
        Forbidden, NotFound, Declined
    """
    await _send(desk, f"PUT {path}", Nothing, json={"names": names})


async def remove(desk: Desk, path: str) -> None:
    """Delete a genre or a person that no film names.

    Raises:
        Forbidden, NotFound
        Declined: films still name it.
    """
    await _send(desk, f"DELETE {path}", Nothing)


async def _read(desk: Desk, path: str, answer: type[R], *, params: Mapping[str, str] | None = None) -> R:
    call = Call(method="GET", path=DOORS + path, headers=desk.who, params=dict(params or {}))
    return await desk.house.movies.ask(call, answer)


async def _send(desk: Desk, door: str, answer: type[R], *, json: Any = None, key: str | None = None) -> R:
    method, _, path = door.partition(" ")
    call = Call(method=method, path=DOORS + path, headers=desk.who, json=json, key=key)
    return await desk.house.movies.ask(call, answer)
