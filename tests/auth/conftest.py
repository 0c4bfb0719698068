"""Auth on a real database and Redis, and people who use it."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from tests.auth.people import BASE_URL, NOTIFICATION_SECRET, House
from theatre.auth.app import create_app, init
from theatre.auth.settings import AuthSettings
from theatre.kit.clock import MovableClock
from theatre.kit.migrations import migrate

SERVICE_SECRET = "billing-" + "s" * 40

OpenHouse = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture(scope="session")
async def database_url(postgres_url: str) -> str:
    await migrate("auth", postgres_url)
    await migrate("broker", postgres_url)
    return postgres_url


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def make_settings(database_url: str, redis_url: str) -> Callable[..., AuthSettings]:
    """Settings of a test; limits per address are wide, so that only their own test meets them."""

    def make(**changes: Any) -> AuthSettings:
        given = {
            "database_url": database_url,
            "redis_url": redis_url,
            "refresh_secret": secrets.token_hex(32),
            "service_clients": {
                "billing": SERVICE_SECRET,
                "notification": NOTIFICATION_SECRET,
                "empty": "",
            },
            "login_rate": "10000/minute",
            "register_rate": "10000/minute",
            "link_rate": "10000/minute",
            "link_use_rate": "10000/minute",
        }
        return AuthSettings.model_validate(given | changes)

    return make


@pytest.fixture
def open_house(make_settings: Callable[..., AuthSettings], clock: MovableClock, redis_url: str) -> OpenHouse:
    """Open auth with settings of one's own."""

    @asynccontextmanager
    async def open_it(**changes: Any) -> AsyncIterator[House]:
        settings = make_settings(**changes)
        app = create_app(settings, clock=clock)
        transport = httpx.ASGITransport(app=app, client=("192.0.2.1", 50000))
        async with (
            Redis.from_url(redis_url) as redis,
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client,
        ):
            await redis.flushdb()
            yield House(app, client, settings, clock)

    return open_it


@pytest.fixture
async def house(open_house: OpenHouse) -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


@pytest.fixture
async def seeded(house: House) -> House:
    """A house whose staff roles exist."""
    await init(house.settings)
    return house
