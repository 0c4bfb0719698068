"""Made-up films: plausible, the same for the same seed, whole, and found once the index is built."""

import hashlib
from collections import Counter

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text

from theatre.kit.clock import SystemClock
from theatre.kit.db import Session, transaction
from theatre.movies import faker, indexing
from theatre.movies.faker import AlreadyMade, Faker, GenresMissing, id_of
from theatre.movies.models import Credit, Film, IndexChange, Person
from theatre.movies.resources import Resources

FILMS = 300


def fingerprint(seed: int) -> str:
    made = Faker(seed, films=FILMS, genre_ids=[id_of(9, 0, number) for number in range(20)])
    content = repr([list(made.make_persons()), list(made.make_films())])
    return hashlib.sha256(content.encode()).hexdigest()


def test_the_same_seed_makes_the_same_films() -> None:
    assert fingerprint(7) == fingerprint(7)
    assert fingerprint(7) != fingerprint(8)


def test_ids_of_two_seeds_never_meet() -> None:
    ids = [id_of(kind, seed, number) for kind in (1, 2) for seed in (0, 1, 65_535) for number in range(50)]
    assert len(set(ids)) == len(ids)
    assert {id.version for id in ids} == {7}


async def test_a_house_is_filled_and_everything_is_found(
    client: httpx.AsyncClient, app: FastAPI, session: Session
) -> None:
    held: Resources = app.state.resources
    heard: list[int] = []
    made = await faker.fill(held.engine, FILMS, seed=3, say=heard.append)
    assert (made.films, heard[-1]) == (FILMS, FILMS)
    assert await session.scalar(select(func.count()).select_from(Film)) == FILMS
    assert await session.scalar(select(func.count()).select_from(Person)) == made.persons
    assert await session.scalar(select(func.count()).select_from(Credit)) == made.credits
    assert await session.scalar(select(func.count()).select_from(IndexChange)) == 0
    films_of = Counter(await session.scalars(select(Credit.person_id)))
    assert max(films_of.values()) > 2 * min(films_of.values())
    await indexing.rebuild(held.sessions, held.index, now=SystemClock().now)
    assert (
        await indexing.compare(held.sessions, held.index, now=held.clock.now)
    ).same == FILMS + made.persons
    film = (await client.get("/movies/api/v1/films", params={"limit": 1})).json()["items"][0]
    found = (await client.get("/movies/api/v1/films/search", params={"query": film["title"]})).json()["items"]
    assert found[0]["title"] == film["title"]


async def test_a_seed_that_was_used_is_refused_and_leaves_nothing_more(app: FastAPI) -> None:
    held: Resources = app.state.resources
    await faker.fill(held.engine, 10, seed=3)
    with pytest.raises(AlreadyMade):
        await faker.fill(held.engine, 20, seed=3)
    await faker.fill(held.engine, 10, seed=4)
    async with transaction(held.sessions) as session:
        assert await session.scalar(text("SELECT count(*) FROM movies.film")) == 20


async def test_tables_without_genres_take_no_films(app: FastAPI) -> None:
    held: Resources = app.state.resources
    async with transaction(held.sessions) as session:
        await session.execute(text("DELETE FROM movies.genre"))
    with pytest.raises(GenresMissing):
        await faker.fill(held.engine, 10, seed=5)
    async with transaction(held.sessions) as session:
        assert await session.scalar(text("SELECT count(*) FROM movies.person")) == 0
