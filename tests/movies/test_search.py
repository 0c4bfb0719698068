"""The search over the demo catalogue: what is meant comes first, however it is spelt."""

import csv
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from tests.databases import fresh_database
from tests.factories.auth_door import AuthDoor
from tests.movies.members import MEMBERS, choosing
from tests.services import Services
from theatre.kit.migrations import migrate
from theatre.movies import indexing
from theatre.movies.app import create_app, init
from theatre.movies.settings import MoviesSettings

API = "/movies/api/v1"
RELEVANCE = list(csv.DictReader(Path(__file__).with_name("relevance.csv").read_text("utf-8").splitlines()))
GOOD_ENOUGH = 0.95


@pytest.fixture(scope="module", params=MEMBERS)
async def house(
    request: pytest.FixtureRequest, services: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[FastAPI]:
    """Movies with the demo catalogue, indexed by each member; nobody changes it here."""
    folder = tmp_path_factory.mktemp("index")
    async with (
        fresh_database(services.postgres_url) as url,
        choosing(request.param, folder, MoviesSettings(database_url=url, demo_films=True)) as settings,
    ):
        await migrate("movies", url)
        await init(settings)
        app = create_app(settings, transport=AuthDoor().transport)
        async with app.router.lifespan_context(app):
            held = app.state.resources
            await indexing.rebuild(held.sessions, held.index, now=held.clock.now)
            yield app


@pytest.fixture
async def cinema(house: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A visitor."""
    transport = httpx.ASGITransport(app=house)
    async with httpx.AsyncClient(transport=transport, base_url="https://theatre.example") as client:
        yield client


async def ask(client: httpx.AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    answer = await client.get(f"{API}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_what_is_meant_comes_first(cinema: httpx.AsyncClient) -> None:
    assert len(RELEVANCE) >= 150
    missed = {}
    for row in RELEVANCE:
        items = (await ask(cinema, "films/search", query=row["query"], limit=3))["items"]
        if not items or items[0]["title"] != row["first"]:
            missed[row["query"]] = [item["title"] for item in items]
    assert 1 - len(missed) / len(RELEVANCE) >= GOOD_ENOUGH, missed


@pytest.mark.parametrize(
    ("query", "corrected"),
    [("Матрица", None), ("brat", None), ("матрца", "матрица"), ("vfnhbwf", "матрица"), ("ьфекшч", "matrix")],
)
async def test_it_is_said_what_was_looked_for_if_not_what_was_written(
    cinema: httpx.AsyncClient, query: str, corrected: str | None
) -> None:
    assert (await ask(cinema, "films/search", query=query))["corrected_query"] == corrected


async def test_what_matches_is_marked_in_the_language_of_the_viewer(cinema: httpx.AsyncClient) -> None:
    cinema.headers["Accept-Language"] = "ru"
    (found, *_) = (await ask(cinema, "films/search", query="кресный отец брандо"))["items"]
    assert found["title"] == "Крёстный отец"
    assert found["highlights"] == {"title": [[0, 8], [9, 13]], "Марлон Брандо": [[7, 13]]}


async def test_facets_count_as_if_their_own_filter_were_not_set(cinema: httpx.AsyncClient) -> None:
    genres = {genre["slug"]: genre["id"] for genre in (await ask(cinema, "genres"))["items"]}
    everything = await ask(cinema, "films/search", query="", limit=1)
    assert everything["total"] == sum(everything["facets"]["decade"].values())
    horrors = await ask(cinema, "films/search", query="", genre=genres["horror"], year_to=1959)
    assert horrors["total"] == len(horrors["items"]) == horrors["facets"]["genre"][genres["horror"]]
    assert horrors["total"] < everything["facets"]["genre"][genres["horror"]]
    assert horrors["facets"]["genre"][genres["drama"]] > 10
    assert all(int(decade) for decade in horrors["facets"]["decade"])
    assert sum(horrors["facets"]["decade"].values()) == everything["facets"]["genre"][genres["horror"]]
    assert all(item["year"] <= 1959 for item in horrors["items"])


async def test_pages_of_what_was_found_follow_each_other(cinema: httpx.AsyncClient) -> None:
    whole = await ask(cinema, "films/search", query="the", limit=100)
    seen: list[str] = []
    query = {"query": "the", "limit": 15}
    while query.get("cursor", "") is not None and len(seen) < 100:
        page = await ask(cinema, "films/search", **query)
        seen += [item["id"] for item in page["items"]]
        query["cursor"] = page["next_cursor"]
    assert seen[:100] == [item["id"] for item in whole["items"]]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("cursor", ["WyIxMDAwMCJd", "WyItMSJd", "WyLCsiJd", "x"])
async def test_a_cursor_from_elsewhere_is_refused(cinema: httpx.AsyncClient, cursor: str) -> None:
    answer = await cinema.get(f"{API}/films/search", params={"query": "a", "cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "kit.bad_cursor")


@pytest.mark.parametrize("query", ["*", "'\"()[]{}", "AND OR NOT", "a" * 200, "🎬", "\u0301", "name:x", "  "])
async def test_any_text_is_a_question(cinema: httpx.AsyncClient, query: str) -> None:
    assert (await ask(cinema, "films/search", query=query))["total"] >= 0
    assert await ask(cinema, "suggest", q=query)


async def test_people_are_found_by_any_spelling(cinema: httpx.AsyncClient) -> None:
    for query in ("Tarkovsky", "тарковский", "tarkovskiy", "nfhrjdcrbq", "андрей тарк", "таркосвский"):
        (found, *_) = (await ask(cinema, "persons/search", query=query))["items"]
        assert found["name"] == "Andrei Tarkovsky", query


async def test_a_few_letters_are_guessed_by_kind(cinema: httpx.AsyncClient) -> None:
    guessed = await ask(cinema, "suggest", q="др")
    assert [genre["name"] for genre in guessed["genres"]] == ["Drama"]
    cinema.headers["Accept-Language"] = "ru"
    guessed = await ask(cinema, "suggest", q="стал")
    assert guessed["films"][0]["title"] == "Сталкер"
    assert guessed["films"][0]["highlights"] == [[0, 4]]
    assert guessed["persons"][0]["name"] == "Сильвестр Сталлоне"
    assert len(guessed["films"]) + len(guessed["persons"]) + len(guessed["genres"]) <= 10


async def test_films_alike_share_people_or_genres_and_say_which(cinema: httpx.AsyncClient) -> None:
    (stalker, *_) = (await ask(cinema, "films/search", query="stalker"))["items"]
    alike = (await ask(cinema, f"films/{stalker['id']}/similar", limit=20))["items"]
    assert alike == (await ask(cinema, f"films/{stalker['id']}/similar", limit=20))["items"]
    reasons = {film["title"]: film["reason"] for film in alike}
    assert "Stalker" not in reasons
    directed = {title for title, reason in reasons.items() if reason == "Director: Andrei Tarkovsky"}
    assert directed == {
        *("Solaris", "Andrei Rublev", "Mirror", "Ivan's Childhood", "Nostalghia", "The Sacrifice"),
    }
    assert {film["title"] for film in alike[:6]} == directed
    assert reasons["The Ascent"] == "With: Anatoly Solonitsyn"
    assert any(reason.startswith("Genre: Drama, Science fiction") for reason in reasons.values())
    cinema.headers["Accept-Language"] = "ru"
    (first, *_) = (await ask(cinema, f"films/{stalker['id']}/similar"))["items"]
    assert first["reason"] == "Режиссёр: Андрей Тарковский"
    missing = await cinema.get(f"{API}/films/{uuid4()}/similar")
    assert (missing.status_code, missing.json()["code"]) == (404, "movies.film_not_found")


async def test_without_an_index_the_search_is_away_and_the_house_not_ready(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{API}/films/search", params={"query": "a"})
    assert (answer.status_code, answer.json()["code"]) == (503, "movies.search_away")
    ready = await client.get("/movies/api/_ready")
    assert (ready.status_code, ready.json()["missing"]) == (503, ["search"])
