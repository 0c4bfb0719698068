"""The worker as a whole: what goes live is told to the world and found within two seconds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from tests.factories.auth_door import AuthDoor
from tests.movies.desk import Desk
from theatre.kit.broker import Broker, Done, Message, Subscription, Verdict, open_broker
from theatre.movies.app import create_worker
from theatre.movies.settings import MoviesSettings

PROMISED_SECONDS = 2.0


@pytest.fixture
async def broker(settings: MoviesSettings) -> AsyncIterator[Broker]:
    async with open_broker(settings) as broker:
        yield broker


@pytest.fixture
async def worker(settings: MoviesSettings, broker: Broker, auth: AuthDoor) -> AsyncIterator[None]:
    """The worker, at work."""
    async with create_worker(settings, broker=broker, transport=auth.transport) as worker:
        task = asyncio.create_task(worker.run())
        yield
        task.cancel()
        await asyncio.wait([task])


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition; the test's own time limit ends a hopeless wait."""
    while not await condition():
        await asyncio.sleep(0.02)


async def is_ready(client: httpx.AsyncClient) -> bool:
    return (await client.get("/movies/api/_ready")).status_code == 200


async def test_what_goes_live_is_found_within_two_seconds(
    client: httpx.AsyncClient, desk: Desk, worker: None
) -> None:
    await until(lambda: is_ready(client))
    film_id = await desk.film("Bellissima")

    async def is_found(wanted: list[str]) -> bool:
        answer = await client.get("/movies/api/v1/films/search", params={"query": "bellissima"})
        return [film["id"] for film in answer.json()["items"]] == wanted

    async with asyncio.timeout(PROMISED_SECONDS):
        await until(lambda: is_found([film_id]))
    await desk.ask("DELETE", f"/films/{film_id}")
    async with asyncio.timeout(PROMISED_SECONDS):
        await until(lambda: is_found([]))


async def test_what_goes_live_is_told_to_the_world(desk: Desk, broker: Broker, worker: None) -> None:
    heard: list[Message] = []

    async def hear(message: Message, redelivered: bool) -> Verdict:
        heard.append(message)
        return Done()

    await broker.declare([Subscription("hearer", ("movies.#",))])
    hearing = asyncio.create_task(broker.consume("hearer", hear, concurrency=1))
    film_id = await desk.film("Bellissima")

    async def is_heard() -> bool:
        return bool(heard)

    await until(is_heard)
    hearing.cancel()
    await asyncio.wait([hearing])
    assert heard[0].key == "movies.film.published"
    assert film_id.encode() in heard[0].body
