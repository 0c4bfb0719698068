"""Editors at their desk: films found, written, published, brought in by the table; genres and people named."""

from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest

from tests.factories.films import make_film, open_desk
from tests.factories.house import OpenHouse
from tests.web.panel import MakeStaff, forged, rooms_of, sign_in
from tests.web.visitor import Page, Visitor

ROOMS = {"/admin/films", "/admin/genres", "/admin/persons"}
PAGES = (*sorted(ROOMS), "/admin/films/new", "/admin/films/import")
HEAD = (
    "title_ru,title_en,original_title,year,runtime_minutes,age,countries,genres,description_ru,description_en"
)


@pytest.fixture
async def editor(make_visitor: Callable[[], Visitor]) -> Visitor:
    """Somebody who keeps the catalogue: the demo's superuser, who need not be hired first."""
    return await sign_in(make_visitor(), "admin", "admin")


def film_fields(page: Page, path: str, title: str, **changes: object) -> dict[str, object]:
    """Fill in the form of a film."""
    kept = page.form(path).fields
    genre = next(given["value"] for given in page.all("input") if given.get("name") == "genre")
    return {
        **{name: kept[name] for name in ("form_token", "key", "changed_at", "is_published")},
        **{f"title_{language}": title for language in ("ru", "en")},
        **{f"description_{language}": f"About {title}." for language in ("ru", "en")},
        "original_title": title,
        "year": "1979",
        "countries": "su, fr",
        "runtime_minutes": "161",
        "age": "12",
        "access": "free",
        "rating": "8,1",
        "genre": [genre],
        **changes,
    }


async def write(editor: Visitor, title: str, **changes: object) -> httpx.Response:
    """Send the form of a new film."""
    page = await editor.open("/admin/films/new")
    fields = film_fields(page, "/admin/films/new", title, **changes)
    return await editor.http.post("/admin/films/new", data=fields)


async def written(editor: Visitor, title: str, **changes: object) -> str:
    """Write a film; gives the path of its page."""
    answer = await write(editor, title, **changes)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0]


def named_title() -> str:
    return f"Film {uuid4().hex[:12]}"


async def test_only_who_keeps_the_catalogue_comes_in(
    visitor: Visitor, member: Visitor, make_staff: MakeStaff
) -> None:
    support = await make_staff("support")
    for path in PAGES:
        assert (await visitor.http.get(path)).headers["location"] == f"/signin?next={path}"
        for stranger in (member, support):
            assert (await stranger.open(path)).status == 403
    assert not ROOMS & rooms_of(await support.open("/admin/payments"))


async def test_an_editor_sees_the_rooms_of_the_catalogue(make_staff: MakeStaff) -> None:
    editor = await make_staff("content")
    for path in PAGES:
        page = await editor.open(path)
        assert (page.status, rooms_of(page) >= ROOMS) == (200, True), path
    assert "/admin/films" in str((await editor.http.get("/admin")).headers["location"])


@pytest.mark.parametrize(
    "path",
    [
        *("films/new", "films/{}", "films/{}/publish", "films/{}/remove", "films/import"),
        *("genres", "persons", "genres/{}/name", "persons/{}/remove"),
    ],
)
async def test_forms_that_we_did_not_give_are_refused(editor: Visitor, path: str) -> None:
    form = forged(f"/admin/{path.format(uuid4())}")
    answer = await editor.send(form, is_published="true", ru="a", en="b", slug="c")
    assert (answer.status_code, "out of date" in answer.text) == (403, True)


async def test_a_film_is_written_as_its_form_says(editor: Visitor, house: OpenHouse) -> None:
    title = named_title()
    path = await written(editor, title, available_from="2100-01-02T10:30", image_kind=["poster", "backdrop"],
                         image_url=["https://images.example/a.jpg", ""])  # fmt: skip
    async with open_desk(house) as desk:
        film = (await desk.ask("GET", path.removeprefix("/admin"))).json()
    assert (film["titles"], film["year"], film["rating"]) == ({"ru": title, "en": title}, 1979, 8.1)
    assert (film["countries"], film["is_published"]) == (["SU", "FR"], False)
    assert film["available_from"] == "2100-01-02T10:30:00Z"
    assert film["images"] == [{"kind": "poster", "url": "https://images.example/a.jpg"}]
    page = await editor.open(path)
    values = {given.get("name"): given.get("value") for given in page.all("input")}
    assert (values["countries"], values["available_from"]) == ("SU, FR", "2100-01-02T10:30")


async def test_a_form_sent_twice_makes_one_film(editor: Visitor) -> None:
    title = named_title()
    page = await editor.open("/admin/films/new")
    fields = film_fields(page, "/admin/films/new", title)
    for _ in range(2):
        assert (await editor.http.post("/admin/films/new", data=fields)).status_code == 303
    listed = await editor.open(f"/admin/films?title={title}")
    assert len([given for given in listed.all("tr") if "data-film" in given]) == 1


async def test_films_are_found_by_a_part_of_a_title_and_by_whether_they_are_live(
    editor: Visitor, house: OpenHouse
) -> None:
    word = uuid4().hex[:10]
    live = await make_film(house, f"The {word} live")
    hidden = await make_film(house, f"A {word} draft", is_published=False)

    async def listed(query: str) -> set[str]:
        page = await editor.open(f"/admin/films?{query}")
        return {str(given["data-film"]) for given in page.all("tr") if "data-film" in given}

    assert await listed(f"title={word}&live=") == {live, hidden}
    assert await listed(f"title={word}&live=true") == {live}
    assert await listed(f"title={word.upper()}%20DRAFT&live=false") == {hidden}
    assert await listed("title=nobody%25wrote_this") == set()


async def test_somebody_is_found_by_name_put_in_and_taken_out_and_nothing_typed_is_lost(
    editor: Visitor,
) -> None:
    page = await editor.open("/admin/films/new")
    fields = film_fields(page, "/admin/films/new", "Half written", year="")
    found = await editor.http.post(
        "/admin/films/new", data={**fields, "act": "find", "person_name": "tarkovs"}
    )
    add = next(
        str(given["value"])
        for given in Page(found).all("button")
        if str(given.get("value")).startswith("add director") and "Andrei Tarkovsky" in str(given["value"])
    )
    assert 'value="Half written"' in found.text
    added = Page(await editor.http.post("/admin/films/new", data={**fields, "act": add}))
    (credit,) = [str(given["value"]) for given in added.all("input") if given.get("name") == "credit"]
    assert credit == add.removeprefix("add ")
    twice = Page(await editor.http.post("/admin/films/new", data={**fields, "act": add, "credit": credit}))
    assert len([given for given in twice.all("input") if given.get("name") == "credit"]) == 1
    dropped = Page(
        await editor.http.post("/admin/films/new", data={**fields, "act": f"drop {credit}", "credit": credit})
    )
    assert [given for given in dropped.all("input") if given.get("name") == "credit"] == []
    path = await written(editor, named_title(), credit=[credit])
    assert "Andrei Tarkovsky" in (await editor.open(path)).text


async def test_somebody_new_is_made_while_a_film_is_written(editor: Visitor) -> None:
    page = await editor.open("/admin/films/new")
    name = f"Anna {uuid4().hex[:8]}"
    fields = film_fields(page, "/admin/films/new", "Half written")
    person = {"act": "make", "person_ru": f"{name} ру", "person_en": name, "person_role": "actor"}
    made = Page(await editor.http.post("/admin/films/new", data={**fields, **person}))
    (credit,) = [str(given["value"]) for given in made.all("input") if given.get("name") == "credit"]
    assert credit.startswith("actor ")
    assert credit.endswith(name)
    nameless = await editor.http.post("/admin/films/new", data={**fields, **person, "person_ru": ""})
    assert nameless.status_code == 422


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"year": "1800"}, "year"),
        ({"year": "soon"}, "year"),
        ({"runtime_minutes": "0"}, "runtime_minutes"),
        ({"rating": "11"}, "rating"),
        ({"countries": "France"}, "countries"),
        ({"countries": ""}, "countries"),
        ({"genre": []}, "genre_ids"),
        ({"title_ru": ""}, "title_ru"),
        ({"description_en": "x" * 4001}, "description_en"),
        ({"available_from": "2026-02-01T00:00", "available_until": "2026-01-01T00:00"}, "available_until"),
        ({"available_until": "soon"}, "available_until"),
    ],
    ids=str,
)
async def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(
    editor: Visitor, changes: dict[str, object], field: str
) -> None:
    answer = await write(editor, "Kept as typed", **changes)
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in answer.text
    assert 'value="Kept as typed"' in answer.text


async def test_a_picture_that_is_no_address_is_refused(editor: Visitor) -> None:
    answer = await write(editor, "Pictured", image_kind=["poster"], image_url=["javascript:alert(1)"])
    assert (answer.status_code, "Whole addresses" in answer.text) == (422, True)


async def test_nobodys_changes_are_lost_when_two_write_at_once(editor: Visitor) -> None:
    path = await written(editor, named_title())
    first = film_fields(await editor.open(path), path, "First", year="1980")
    second = film_fields(await editor.open(path), path, "Second", year="1981")
    assert (await editor.http.post(path, data=first)).status_code == 303
    late = await editor.http.post(path, data=second)
    assert (late.status_code, "Somebody has changed this film" in late.text) == (409, True)
    assert 'value="Second"' in late.text
    assert 'value="First"' in (await editor.http.get(path)).text


async def test_a_film_is_published_and_taken_back(editor: Visitor, visitor: Visitor) -> None:
    path = await written(editor, named_title())
    public = path.removeprefix("/admin")
    assert (await visitor.open(public)).status == 404
    for is_published, status in (("true", 200), ("true", 200), ("false", 404)):
        answer = await editor.submit(path, f"{path}/publish", is_published=is_published)
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, path)
        assert (await visitor.open(public)).status == status
    gone = await editor.submit(path, f"{path}/remove")
    assert gone.headers["location"] == "/admin/films?note=film_removed"
    assert (await editor.open(path)).status == 404


async def bring_in(editor: Visitor, name: str, content: bytes) -> httpx.Response:
    """Send a table."""
    form = (await editor.open("/admin/films/import")).form("/admin/films/import")
    token = {"form_token": form.fields["form_token"]}
    return await editor.http.post("/admin/films/import", data=token, files={"sheet": (name, content)})


async def test_a_table_brings_films_in_and_tells_of_rows_at_fault(editor: Visitor) -> None:
    title = named_title()
    rows = [
        f"{title},{title},{title},1979,161,12,SU,drama,о,about",
        f"{title} 2,{title} 2,{title},1800,161,12,SU,drama,о,about",
        f"{title} 3,{title} 3,{title},1979,161,12,SU,nothing,о,about",
    ]
    answer = await bring_in(editor, "films.CSV", "\n".join([HEAD, *rows]).encode())
    page = Page(answer)
    assert (answer.status_code, "Made: 1, replaced: 0, faults: 2." in page.text) == (200, True)
    for shown in ("3", "year", "4", "genres", "There is no genre nothing"):
        assert shown in page.text
    assert title in (await editor.open(f"/admin/films?title={title}")).text


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("films.xlsx", b"PK", "must be a table"),
        ("films.csv", b"\xff\xfe", "cannot be read"),
        ("films.csv", b"title\nx", "cannot be read"),
        ("films.jsonl", b"{", "cannot be read"),
    ],
)
async def test_what_is_no_table_is_refused(editor: Visitor, name: str, content: bytes, says: str) -> None:
    answer = await bring_in(editor, name, content)
    assert answer.status_code == 303
    assert says in (await editor.open(answer.headers["location"])).text


async def test_a_genre_is_made_named_otherwise_and_taken_away_when_no_film_names_it(
    editor: Visitor, house: OpenHouse
) -> None:
    slug = f"g{uuid4().hex[:8]}"
    form = (await editor.open("/admin/genres")).form("/admin/genres")
    assert (await editor.send(form, slug=slug, ru="нуар", en="Noir")).status_code == 303
    again = await editor.submit("/admin/genres", "/admin/genres", slug=slug, ru="нуар", en="Noir")
    assert "movies.genre_taken" in again.headers["location"]
    async with open_desk(house) as desk:
        genre = await desk.genre(slug)
        film = await desk.film(named_title(), genres=(slug,))
        path = f"/admin/genres/{genre}"
        assert (await editor.submit("/admin/genres", f"{path}/name", ru="нуар", en="Dark")).status_code == 303
        assert "Dark" in (await editor.open("/admin/genres")).text
        used = await editor.submit("/admin/genres", f"{path}/remove")
        assert "movies.in_use" in used.headers["location"]
        await desk.ask("DELETE", f"/films/{film}")
    assert "note=unnamed" in (await editor.submit("/admin/genres", f"{path}/remove")).headers["location"]


async def test_people_are_found_by_a_part_of_a_name_made_and_named_otherwise(editor: Visitor) -> None:
    name = f"Zoe {uuid4().hex[:8]}"
    form = (await editor.open("/admin/persons")).form("/admin/persons")
    for _ in range(2):  # the same form twice makes one
        assert (await editor.send(form, ru=f"{name} ру", en=name)).status_code == 303
    page = await editor.open(f"/admin/persons?name={name[2:]}")
    (person,) = [str(given["data-maker"]) for given in page.all("tr") if "data-maker" in given]
    path = f"/admin/persons/{person}"
    await editor.submit(f"/admin/persons?name={name}", f"{path}/name", ru=name, en=f"{name} II")
    assert f"{name} II" in (await editor.open(f"/admin/persons?name={name}")).text
    await editor.submit(f"/admin/persons?name={name}", f"{path}/remove")
    assert "Nobody has such a name" in (await editor.open(f"/admin/persons?name={name}")).text
