"""Whole answers are given again while nothing that they say has changed: neither the tables nor the index."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.movies.desk import Desk
from tests.movies.hearing import change, until
from theatre.kit.clock import SystemClock
from theatre.kit.pagination import PageAnswer
from theatre.movies import indexing
from theatre.movies.resources import Resources
from theatre.movies.schemas import FilmAnswer, FilmsAnswer
from theatre.movies.search import SearchAway
from theatre.movies.search.embedded import EmbeddedIndex
from theatre.movies.search_schemas import FilmsFoundAnswer

API = "/movies/api/v1"
NOW = SystemClock().now
RENAME = """UPDATE movies.film SET titles = '{"ru": "Другой", "en": "Other"}', original_title = 'Other'"""


@pytest.fixture
async def asked(hearing: Resources, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the index, which is empty at first, is asked for."""
    texts: list[str] = []
    find = EmbeddedIndex.find

    async def note(self: EmbeddedIndex, question: Any) -> Any:
        texts.append(question.text)
        return await find(self, question)

    await indexing.rebuild(hearing.sessions, hearing.index, now=NOW)
    monkeypatch.setattr(EmbeddedIndex, "find", note)
    return texts


async def learn(held: Resources) -> None:
    """Let the index learn what is pending, and be seen to have learnt it."""
    before = held.index.version()
    while await indexing.follow(held.sessions, held.index, now=NOW):
        pass
    await until(lambda: held.index.version() != before)


async def titles(client: httpx.AsyncClient, query: str) -> list[str]:
    answer = await client.get(f"{API}/films/search", params={"query": query})
    assert answer.status_code == 200, answer.text
    return [film["title"] for film in answer.json()["items"]]


async def test_many_who_ask_the_same_at_once_are_answered_by_one_look(
    client: httpx.AsyncClient, desk: Desk, hearing: Resources, asked: list[str]
) -> None:
    await desk.film("Stalker")
    await learn(hearing)
    found = await asyncio.gather(*(titles(client, "stalker") for _ in range(20)))
    assert found == [["Stalker"]] * 20
    assert asked == ["stalker"]


async def test_those_who_waited_for_an_answer_that_failed_are_answered_all_the_same(
    client: httpx.AsyncClient, hearing: Resources, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = EmbeddedIndex.find

    async def fail_first(self: EmbeddedIndex, question: Any) -> Any:
        found = await find(self, question)
        if len(asked) == 1:
            raise SearchAway
        return found

    monkeypatch.setattr(EmbeddedIndex, "find", fail_first)
    query = {"query": "stalker"}
    answers = await asyncio.gather(*(client.get(f"{API}/films/search", params=query) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 503]


async def test_the_same_question_is_asked_of_the_index_once(
    client: httpx.AsyncClient, desk: Desk, hearing: Resources, asked: list[str]
) -> None:
    await desk.film("Stalker")
    await learn(hearing)
    first = await client.get(f"{API}/films/search", params={"query": "stalker"})
    assert await titles(client, "stalker") == ["Stalker"]
    tag = {"If-None-Match": first.headers["etag"]}
    again = await client.get(f"{API}/films/search", params={"query": "stalker"}, headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    assert asked == ["stalker"]
    russian = {"Accept-Language": "ru", **tag}
    other = await client.get(f"{API}/films/search", params={"query": "stalker"}, headers=russian)
    assert (other.status_code, other.headers["content-language"]) == (200, "ru")
    assert asked == ["stalker"] * 2


async def test_it_is_asked_again_once_the_index_has_learnt_something(
    client: httpx.AsyncClient, desk: Desk, hearing: Resources, asked: list[str]
) -> None:
    assert await titles(client, "stalker") == []
    await desk.film("Stalker")
    await learn(hearing)
    assert await titles(client, "stalker") == ["Stalker"]
    before = hearing.index.version()
    await indexing.rebuild(hearing.sessions, hearing.index, now=NOW)
    await until(lambda: hearing.index.version() != before)
    assert await titles(client, "stalker") == ["Stalker"]
    assert asked == ["stalker"] * 3


@pytest.mark.parametrize(
    "address", ["films/search?query=stalker", "suggest?q=stalker", "films", "films?facets=true", "similar"]
)
async def test_whatever_shows_a_film_shows_it_as_it_is(
    client: httpx.AsyncClient,
    desk: Desk,
    hearing: Resources,
    asked: list[str],
    console: AsyncConnection,
    address: str,
) -> None:
    film_id = await desk.film("Stalker")
    if address == "similar":
        film_id = await desk.film("Mirror")
        address = f"films/{film_id}/similar"
    await learn(hearing)
    old, new = '"title":"Stalker"', '"title":"Other"'
    assert old in (first := await client.get(f"{API}/{address}")).text
    assert (await client.get(f"{API}/{address}")).content == first.content
    await change(hearing, console, RENAME)
    changed = (await client.get(f"{API}/{address}")).text
    assert (old in changed, new in changed) == (False, True)
    await change(hearing, console, "UPDATE movies.film SET is_published = false")
    gone = await client.get(f"{API}/{address}")
    assert new not in gone.text


async def test_while_changes_are_not_heard_every_answer_is_made_anew(
    client: httpx.AsyncClient, desk: Desk, hearing: Resources, asked: list[str], console: AsyncConnection
) -> None:
    await desk.film("Stalker")
    await learn(hearing)
    hearing.changes.lose()
    for _ in range(2):
        assert await titles(client, "stalker") == ["Stalker"]
    assert len(asked) == 2
    await console.execute(text(RENAME))
    assert await titles(client, "stalker") == ["Other"]


async def test_an_answer_that_was_begun_before_a_change_is_not_kept(
    client: httpx.AsyncClient,
    desk: Desk,
    hearing: Resources,
    console: AsyncConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await indexing.rebuild(hearing.sessions, hearing.index, now=NOW)
    film_id = await desk.film("Stalker")
    await learn(hearing)
    await client.get(f"{API}/films/{film_id}")
    find, changes = EmbeddedIndex.find, [RENAME]

    async def find_and_dawdle(self: EmbeddedIndex, question: Any) -> Any:
        found = await find(self, question)
        if changes:
            await change(hearing, console, changes.pop())
        return found

    monkeypatch.setattr(EmbeddedIndex, "find", find_and_dawdle)
    before = hearing.answers.stamp(by_index=True)
    assert await titles(client, "stalker") == ["Other"]
    assert hearing.answers.stamp(by_index=True) != before
    assert await titles(client, "stalker") == ["Other"]


async def test_lists_are_counted_if_it_is_wished(
    client: httpx.AsyncClient, desk: Desk, hearing: Resources, asked: list[str]
) -> None:
    drama, comedy = await desk.genre("drama"), await desk.genre("comedy")
    for number in range(3):
        await desk.film(f"Film {number}", year=1995 + number * 5, genres=("drama", "comedy")[: number + 1])
    await learn(hearing)
    plain = (await client.get(f"{API}/films", params={"limit": 1})).json()
    assert (plain["total"], plain["facets"]) == (None, None)
    assert asked == []
    wanted: dict[str, Any] = {"limit": 1, "facets": True, "any_genre": [drama], "year_from": 2000}
    counted = (await client.get(f"{API}/films", params=wanted)).json()
    assert (len(counted["items"]), counted["total"]) == (1, 2)
    assert counted["facets"] == {
        "genre": {drama: 2, comedy: 2},
        "access": {"subscription": 2},
        "decade": {"1990": 1, "2000": 2},
        "country": {"SU": 2},
        "age": {"12": 2},
    }


async def test_a_list_does_without_its_counts_while_there_is_no_index(
    client: httpx.AsyncClient, desk: Desk, hearing: Resources
) -> None:
    film_id = await desk.film()
    for _ in range(2):
        answer = (await client.get(f"{API}/films", params={"facets": True})).json()
        assert [film["id"] for film in answer["items"]] == [film_id]
        assert (answer["total"], answer["facets"]) == (None, None)
    await indexing.rebuild(hearing.sessions, hearing.index, now=NOW)
    assert (await client.get(f"{API}/films", params={"facets": True})).json()["total"] == 1


async def test_answers_are_byte_for_byte_what_their_models_would_say(
    client: httpx.AsyncClient, desk: Desk, hearing: Resources, asked: list[str]
) -> None:
    anna = await desk.person("Anna «Q» Ahmatova", "Анна Ахматова")
    for number in range(3):
        await desk.film(f'Stalker "{number}"', credits=[{"person_id": anna, "role": "actor"}])
    await learn(hearing)
    for address, model in (
        ("films/search?query=stalker", FilmsFoundAnswer),
        ("films/search?query=stalkre+ahmatova&limit=2", FilmsFoundAnswer),
        ("films/search?query=nothing+like+it", FilmsFoundAnswer),
        ("films?limit=2", FilmsAnswer),
        ("films?facets=true", FilmsAnswer),
        (f"persons/{anna}/films", PageAnswer[FilmAnswer]),
    ):
        content = (await client.get(f"{API}/{address}")).content
        assert content == model.model_validate_json(content).model_dump_json().encode(), address


async def test_what_an_index_without_versions_found_is_not_kept(
    client: httpx.AsyncClient,
    desk: Desk,
    hearing: Resources,
    asked: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await desk.film("Stalker")
    await learn(hearing)
    monkeypatch.setattr(EmbeddedIndex, "version", lambda _: None)
    for _ in range(2):
        assert await titles(client, "stalker") == ["Stalker"]
    assert asked == ["stalker"] * 2
