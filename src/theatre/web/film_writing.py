"""Writing a film: the editor's form is shown, its buttons are obeyed, and what it holds is saved."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from fastapi import Response

from theatre.web import film_desk
from theatre.web.desk import Desk, go_to
from theatre.web.errors import Declined
from theatre.web.film_desk_schemas import StaffPerson
from theatre.web.film_drafts import IMAGE_KINDS, Draft, Filled, Named, faults_of
from theatre.web.film_filters import ACCESSES, AGES
from theatre.web.showings import ROLES

CONFLICT = 409
UNACCEPTABLE = 422
CHANGED = "movies.film_changed"


@dataclass(frozen=True, slots=True)
class Search:
    """Somebody looked for by name, to be put into the film; `people` is None as long as nobody was."""

    name: str = ""
    people: Collection[StaffPerson] | None = None


def begun() -> Draft:
    """Give the draft of a film that nobody has written yet."""
    return Draft(texts={"age": "12", "access": "subscription"})


async def show(
    desk: Desk,
    film_id: UUID | None,
    draft: Draft,
    *,
    faults: Collection[str] = (),
    search: Search | None = None,
    said: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """Make the page with the form."""
    given = {
        "film_id": film_id,
        "draft": draft,
        "faults": faults,
        "search": search or Search(),
        "genres": await film_desk.list_genres(desk),
        "roles": ROLES,
        "ages": AGES,
        "accesses": ACCESSES,
        "image_kinds": IMAGE_KINDS,
    }
    return desk.show("film.html", {**given, **(said or {})}, status=status)


async def take(desk: Desk, film_id: UUID | None, form: Filled, *, key: str) -> Response:
    """Do what the pressed button of the form says; the one without a word saves."""
    draft = Draft.read(form)
    act, _, rest = str(form.get("act") or "").partition(" ")
    if act == "add" and (one := Named.read(rest)):
        return await show(desk, film_id, draft.having(one))
    if act == "drop":
        return await show(desk, film_id, draft.lacking(rest))
    if act == "find":
        return await show(desk, film_id, draft, search=await _find(desk, str(form.get("person_name") or "")))
    if act == "make":
        return await _make(desk, film_id, draft, form=form, key=key)
    return await _save(desk, film_id, draft, key=key)


async def _find(desk: Desk, name: str) -> Search:
    name = name.strip()[:200]
    if not name:
        return Search()
    found = await film_desk.list_persons(desk, {"name": name, "limit": film_desk.PEOPLE_FOUND})
    return Search(name, found.items)


async def _make(desk: Desk, film_id: UUID | None, draft: Draft, *, form: Filled, key: str) -> Response:
    names = {language: str(form.get(f"person_{language}") or "").strip() for language in ("ru", "en")}
    role = str(form.get("person_role") or "")
    try:
        person = await film_desk.create_person(desk, names, key=key)
    except Declined:
        search = Search(names["en"] or names["ru"], [])
        return await show(desk, film_id, draft, faults={"person"}, search=search, status=UNACCEPTABLE)
    one = Named.read(f"{role} {person.id} {person.names[desk.visit.locale]}")
    return await show(desk, film_id, draft.having(one) if one else draft)


async def _save(desk: Desk, film_id: UUID | None, draft: Draft, *, key: str) -> Response:
    try:
        film = await film_desk.save_film(desk, film_id, draft.body(desk.visit.zone), key=key)
    except Declined as declined:
        said = {"fault": declined.word}
        status = CONFLICT if declined.word == CHANGED else UNACCEPTABLE
        faults = faults_of(declined.fields, declined.word)
        return await show(desk, film_id, draft, faults=faults, said=said, status=status)
    return go_to(f"/admin/films/{film.id}", note="film_saved")
