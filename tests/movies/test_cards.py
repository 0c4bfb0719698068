"""What is remembered of films is shown only as long as it is so: however and by whomever the tables are changed."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.movies.desk import Desk, film_body
from tests.movies.hearing import change, until
from theatre.kit.clock import MovableClock
from theatre.movies.cards import Cards, draw
from theatre.movies.models import Film
from theatre.movies.resources import Resources
from theatre.movies.schemas import FilmAnswer, FilmsAnswer, film_fields, join

FILMS = "/movies/api/v1/films"


async def title_of(client: httpx.AsyncClient, film_id: str) -> str | None:
    answer = await client.get(f"{FILMS}/{film_id}")
    return str(answer.json()["title"]) if answer.status_code == 200 else None


def is_remembered(hearing: Resources, film_id: str) -> bool:
    return hearing.cards.find(film_id, "en") is not None


async def test_a_film_is_read_once_and_given_from_memory(
    client: httpx.AsyncClient, desk: Desk, hearing: Resources
) -> None:
    film_id = await desk.film("Stalker")
    first = await client.get(f"{FILMS}/{film_id}")
    assert is_remembered(hearing, film_id)
    again = await client.get(f"{FILMS}/{film_id}")
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    assert again.headers["content-language"] == "en"
    tag = {"If-None-Match": first.headers["etag"]}
    assert (await client.get(f"{FILMS}/{film_id}", headers=tag)).status_code == 304
    assert (await client.get(f"{FILMS}/{film_id.upper()}")).content == first.content
    assert (await client.get(f"{FILMS}/nonsense")).status_code == 422


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("UPDATE movies.film SET titles = jsonb_set(titles, '{en}', '\"Changed\"')", "Changed"),
        ("UPDATE movies.film SET is_published = false", None),
        ("UPDATE movies.film SET available_until = '2020-01-01'", None),
        ("DELETE FROM movies.film", None),
        ("TRUNCATE movies.film CASCADE", None),
    ],
)
async def test_whoever_changes_a_film_it_is_shown_as_it_is(
    client: httpx.AsyncClient,
    desk: Desk,
    hearing: Resources,
    console: AsyncConnection,
    statement: str,
    shown: str | None,
) -> None:
    film_id = await desk.film("Stalker")
    assert await title_of(client, film_id) == "Stalker"
    assert len((await client.get(FILMS)).json()["items"]) == 1
    await change(hearing, console, statement)
    assert await title_of(client, film_id) == shown
    listed = [film["title"] for film in (await client.get(FILMS)).json()["items"]]
    assert listed == ([] if shown is None else [shown])


async def test_a_film_names_its_genres_people_and_pictures_as_they_are_called_now(
    client: httpx.AsyncClient, desk: Desk, hearing: Resources, console: AsyncConnection
) -> None:
    anna = await desk.person("Anna")
    picture = {"kind": "poster", "url": "https://pictures.example/1.jpg"}
    film_id = await desk.film(credits=[{"person_id": anna, "role": "actor"}], images=[picture])
    other = await desk.film("Other")

    async def shown() -> list[str]:
        film = (await client.get(f"{FILMS}/{film_id}")).json()
        return [film["genres"][0]["name"], film["actors"][0]["name"], film["poster_url"]]

    assert await shown() == ["Drama", "Anna", "https://pictures.example/1.jpg"]
    await title_of(client, other)
    await change(hearing, console, """UPDATE movies.person SET names = '{"ru": "Мария", "en": "Maria"}'""")
    assert (await shown())[1] == "Maria"
    assert is_remembered(hearing, other)
    await change(hearing, console, "UPDATE movies.image SET url = 'https://pictures.example/2.jpg'")
    assert (await shown())[2] == "https://pictures.example/2.jpg"
    assert is_remembered(hearing, other)
    await change(hearing, console, """UPDATE movies.genre SET names = '{"ru": "другой", "en": "Other"}'""")
    assert (await shown())[0] == "Other"


async def test_many_changes_at_once_are_heard_as_one(
    client: httpx.AsyncClient, desk: Desk, hearing: Resources, console: AsyncConnection
) -> None:
    """A notice has room for a hundred films; what is loaded in bulk names none."""
    films = [await desk.film(f"Film {number}") for number in range(101)]
    assert await title_of(client, films[0]) == "Film 0"
    await change(hearing, console, "UPDATE movies.film SET titles = jsonb_set(titles, '{en}', '\"Changed\"')")
    assert await title_of(client, films[0]) == "Changed"
    bulk = "DO $$ BEGIN SET LOCAL movies.is_bulk = 'on'; UPDATE movies.film SET year = 2000; END $$"
    await change(hearing, console, bulk)
    assert (await client.get(f"{FILMS}/{films[0]}")).json()["year"] == 2000


async def test_staff_see_at_once_what_they_changed(
    client: httpx.AsyncClient, desk: Desk, hearing: Resources
) -> None:
    body = film_body("Stalker", genre_ids=[await desk.genre("drama")])
    film_id = await desk.film("Stalker")
    for number in range(20):
        title = f"Stalker {number}"
        await desk.ask("PUT", f"/films/{film_id}", json={**body, "titles": {"ru": title, "en": title}})
        assert await title_of(client, film_id) == title
        assert [film["title"] for film in (await client.get(FILMS)).json()["items"]] == [title]


async def test_what_was_read_before_a_change_is_not_kept_after_it(
    client: httpx.AsyncClient,
    desk: Desk,
    hearing: Resources,
    console: AsyncConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A read whose answer is still under way when the change is heard: neither film nor list is remembered."""
    film_id, other = await desk.film("Stalker"), await desk.film("Other")
    load, changes = (
        Cards._load,
        ['UPDATE movies.film SET titles = titles || \'{"en": "Changed"}\' WHERE id = :id'],
    )

    async def load_and_dawdle(self: Cards, ids: Any) -> Any:
        rows = await load(self, ids)
        if changes:
            await change(hearing, console, changes.pop(), id=UUID(film_id))
        return rows

    monkeypatch.setattr(Cards, "_load", load_and_dawdle)
    stale = [film["title"] for film in (await client.get(FILMS)).json()["items"]]
    assert "Stalker" in stale
    assert not is_remembered(hearing, film_id)
    assert is_remembered(hearing, other)
    assert await title_of(client, film_id) == "Changed"
    assert "Changed" in [film["title"] for film in (await client.get(FILMS)).json()["items"]]


async def test_while_nothing_is_heard_nothing_is_remembered(
    client: httpx.AsyncClient, desk: Desk, hearing: Resources, console: AsyncConnection
) -> None:
    film_id = await desk.film("Stalker")
    assert await title_of(client, film_id) == "Stalker"
    listening = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%movies_changes%'"
    )
    await console.execute(text(listening))
    await until(lambda: not hearing.changes.is_heard)
    assert not is_remembered(hearing, film_id)
    await console.execute(text('UPDATE movies.film SET titles = titles || \'{"en": "Changed"}\''))
    assert await title_of(client, film_id) == "Changed"
    await until(lambda: hearing.changes.is_heard)
    assert await title_of(client, film_id) == "Changed"
    assert is_remembered(hearing, film_id)


async def test_a_film_is_not_shown_past_its_time_though_it_is_remembered(
    client: httpx.AsyncClient, desk: Desk, hearing: Resources, clock: MovableClock
) -> None:
    end = clock.now() + timedelta(minutes=30)
    film_id = await desk.film("Stalker", available_until=end.isoformat())
    assert await title_of(client, film_id) == "Stalker"
    assert len((await client.get(FILMS)).json()["items"]) == 1
    clock.advance(timedelta(minutes=29))
    assert is_remembered(hearing, film_id)
    clock.advance(timedelta(minutes=1))
    assert await title_of(client, film_id) is None
    assert (await client.get(FILMS)).json()["items"] == []


async def test_many_who_ask_at_once_are_answered_by_one_statement(
    client: httpx.AsyncClient, desk: Desk, hearing: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = [UUID(await desk.film(f"Film {number}")) for number in range(5)]
    asked: list[int] = []
    load = Cards._load

    async def count(self: Cards, ids: Any) -> Any:
        asked.append(len(ids))
        return await load(self, ids)

    monkeypatch.setattr(Cards, "_load", count)
    missing = uuid4()
    found = await asyncio.gather(*(hearing.cards.list_by_ids([id, missing], "ru") for id in films * 3))
    assert [len(cards) for cards in found] == [1] * 15
    assert asked == [6]


async def test_whoever_goes_away_takes_nothing_from_the_others(desk: Desk, hearing: Resources) -> None:
    film_id = UUID(await desk.film("Stalker"))
    leaving = asyncio.create_task(hearing.cards.get(film_id, "en"))
    staying = asyncio.create_task(hearing.cards.get(film_id, "en"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).fields()["title"] == "Stalker"


TEXT = st.text(max_size=20)
MOMENTS = st.datetimes(timezones=st.just(UTC)) | st.none()


@given(TEXT, MOMENTS, MOMENTS, st.integers(0, 100))
def test_a_card_says_byte_for_byte_what_the_model_of_its_answer_would(
    words: str, start: datetime | None, end: datetime | None, tenths: int
) -> None:
    id = str(uuid4())
    film = Film(
        id=UUID(id),
        titles={"en": words},
        descriptions={"en": words},
        original_title=words,
        year=1979,
        countries=["SU"],
        rating_tenths=tenths,
        runtime_minutes=161,
        age=12,
        access="free",
        available_from=start,
        available_until=end,
    )
    film.genres = [{"id": id, "slug": "drama", "names": {"en": words}}]
    film.people = [{"id": id, "names": {"en": words}, "role": role} for role in ("writer", "actor", "actor")]
    film.images = [{"kind": "backdrop", "url": f"https://pictures.example/{words}"}]
    answer = FilmAnswer(**film_fields(film, "en"))
    card = draw(film, "en")
    assert card.json == answer.model_dump_json().encode()
    listed = FilmsAnswer(items=[answer, answer], next_cursor=None, total=2, facets={"genre": {id: 2}})
    joined = join([card.json] * 2, next_cursor=None, total=2, facets={"genre": {id: 2}})
    assert joined == listed.model_dump_json().encode()
