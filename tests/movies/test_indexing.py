"""The index and the tables say the same: whatever changes is learnt, a rebuild loses nothing, the check sees faults."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.movies.desk import Desk, film_body
from tests.movies.members import MEMBERS, choosing
from theatre.kit.clock import SystemClock
from theatre.kit.db import transaction
from theatre.movies import indexing
from theatre.movies.indexing import Comparison
from theatre.movies.resources import Resources
from theatre.movies.search import Entry, Kind, Question, SearchAway
from theatre.movies.search.embedded import EmbeddedBuild, EmbeddedIndex
from theatre.movies.search.opensearch import ClusterBuild
from theatre.movies.settings import MoviesSettings

NOW = SystemClock().now


@pytest.fixture(params=MEMBERS)
async def settings(
    request: pytest.FixtureRequest, settings: MoviesSettings, tmp_path: Path
) -> AsyncIterator[MoviesSettings]:
    """An empty catalogue, whichever member searches it."""
    async with choosing(request.param, tmp_path / "index", settings) as chosen:
        yield chosen


@pytest.fixture
async def held(app: FastAPI) -> Resources:
    """A catalogue with an index, which is empty at first."""
    resources: Resources = app.state.resources
    await indexing.rebuild(resources.sessions, resources.index, now=NOW)
    return resources


async def follow(held: Resources) -> None:
    while await indexing.follow(held.sessions, held.index, now=NOW):
        pass


async def check(held: Resources) -> Comparison:
    return await indexing.compare(held.sessions, held.index, now=NOW)


async def found(client: httpx.AsyncClient, query: str) -> list[str]:
    answer = await client.get("/movies/api/v1/films/search", params={"query": query})
    assert answer.status_code == 200, answer.text
    return [film["id"] for film in answer.json()["items"]]


async def test_every_change_is_learnt(client: httpx.AsyncClient, desk: Desk, held: Resources) -> None:
    actor = await desk.person("Anna Magnani")
    film_id = await desk.film("Bellissima", credits=[{"person_id": actor, "role": "actor"}])
    await follow(held)
    assert await found(client, "belissima") == await found(client, "magnani") == [film_id]

    await desk.ask("PUT", f"/persons/{actor}", json={"names": {"ru": "Моника", "en": "Monica"}})
    await follow(held)
    assert await found(client, "magnani") == []
    assert await found(client, "monica") == [film_id]

    hidden = film_body("Bellissima", genre_ids=[await desk.genre("drama")], is_published=False)
    await desk.ask("PUT", f"/films/{film_id}", json=hidden)
    await follow(held)
    assert await found(client, "bellissima") == []
    await desk.ask("PUT", f"/films/{film_id}", json={**hidden, "is_published": True})
    await follow(held)
    assert await found(client, "bellissima") == [film_id]

    await desk.ask("DELETE", f"/films/{film_id}")
    await follow(held)
    assert (await held.index.find(Question(Kind.FILM, "bellissima", 5))).total == 0
    assert (await check(held)).is_sound


async def test_a_film_whose_time_is_over_is_not_shown_though_it_is_found(
    client: httpx.AsyncClient, desk: Desk, held: Resources
) -> None:
    await desk.film("Bellissima", available_until="2020-01-01T00:00:00Z")
    await follow(held)
    assert (await held.index.find(Question(Kind.FILM, "bellissima", 5))).total == 1
    assert await found(client, "bellissima") == []


async def test_what_was_learnt_but_not_marked_is_learnt_again(
    client: httpx.AsyncClient, desk: Desk, held: Resources
) -> None:
    """A process that dies between the index's commit and the table's leaves the change pending."""
    film_id = await desk.film("Bellissima")
    await follow(held)
    async with transaction(held.sessions) as session:
        await session.execute(text("UPDATE movies.index_change SET indexed_at = NULL"))
    await follow(held)
    assert await found(client, "bellissima") == [film_id]
    assert (await held.index.find(Question(Kind.FILM, "bellissima", 5))).total == 1
    assert (await check(held)) == Comparison(same=1)


def then(add: Callable[..., Awaitable[None]], meanwhile: Callable[[], Awaitable[None]]) -> Callable[..., Any]:
    """Let things happen when the first entries are in a build."""
    happened: list[bool] = []

    async def add_then_live(self: Any, entries: Any) -> None:
        await add(self, entries)
        if not happened:
            happened.append(True)
            await meanwhile()

    return add_then_live


async def test_a_rebuild_learns_what_happens_meanwhile(
    client: httpx.AsyncClient, desk: Desk, held: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes after the tables were read, and what the followers taught the old index since, is in the new one."""
    old = await desk.film("Accattone")
    gone = await desk.film("Umberto D")
    await follow(held)
    new: list[str] = []

    async def meanwhile() -> None:
        new.append(await desk.film("Bellissima"))
        await desk.ask("DELETE", f"/films/{gone}")
        await follow(held)
        new.append(await desk.film("Mamma Roma"))

    for build in (EmbeddedBuild, ClusterBuild):
        monkeypatch.setattr(build, "add", then(build.add, meanwhile))
    await indexing.rebuild(held.sessions, held.index, now=NOW)
    assert await found(client, "accattone") == [old]
    assert await found(client, "bellissima") == new[:1]
    assert await found(client, "mamma roma") == new[1:]
    assert await found(client, "umberto") == []
    assert (await check(held)) == Comparison(same=3)


async def test_the_check_sees_what_the_index_lacks_has_too_much_and_has_wrong(
    desk: Desk, held: Resources
) -> None:
    films = [await desk.film(title) for title in ("Accattone", "Bellissima", "Umberto D")]
    await follow(held)
    assert await check(held) == Comparison(same=3)
    surplus = uuid4()
    found = {entry.id: entry async for entries in _entries(held) for entry in entries}
    wrong = next(entry for entry in found.values() if "Bellissima" in entry.names)
    lacking = next(entry for entry in found.values() if "Umberto D" in entry.names)
    changed = Entry(kind=Kind.FILM, id=wrong.id, names=("Other",))
    await held.index.put([changed, Entry(Kind.FILM, surplus, ("Surplus",))], [(Kind.FILM, lacking.id)])
    compared = await check(held)
    assert not compared.is_sound
    assert compared == Comparison(
        same=1, missing=[f"film {lacking.id}"], outdated=[f"film {wrong.id}"], surplus=[f"film {surplus}"]
    )
    await desk.ask("DELETE", f"/films/{films[0]}")
    assert (await check(held)).pending == 1


async def _entries(held: Resources) -> AsyncIterator[list[Entry]]:
    async for entries in indexing._read_all(partial(transaction, held.sessions)):
        yield entries


async def test_others_see_what_one_process_writes_and_it_alone_may_write(tmp_path: Path) -> None:
    writer, reader = EmbeddedIndex(tmp_path), EmbeddedIndex(tmp_path)
    with pytest.raises(SearchAway):
        await reader.find(Question(Kind.FILM, "a", 1))
    async with writer.building() as build:
        await build.switch()
    entry = Entry(Kind.FILM, uuid4(), ("Сталкер", "Stalker"), rating=8.1)
    await writer.put([entry], [])
    assert list((await reader.find(Question(Kind.FILM, "сталкир", 5))).ids) == [entry.id]
    with pytest.raises(SearchAway, match="Another process"):
        await reader.put([entry], [])


async def test_a_build_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    index = EmbeddedIndex(tmp_path)

    async def break_off() -> None:
        async with index.building() as build:
            await build.add([Entry(Kind.FILM, uuid4(), ("Stalker",))])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await break_off()
    assert list(tmp_path.iterdir()) == []
    assert not await index.is_built()
