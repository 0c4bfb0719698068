"""Payment on a real database and Redis, with short links and the sandbox beside it and auth at its door."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.factories.auth_door import AuthDoor
from tests.payment.network import Network
from tests.payment.stage import Stage
from theatre.kit.clock import MovableClock
from theatre.kit.migrations import migrate
from theatre.payment.app import create_app
from theatre.payment.settings import PaymentSettings
from theatre.sandbox.app import create_app as create_sandbox
from theatre.sandbox.app import init as init_sandbox
from theatre.sandbox.settings import SandboxSettings
from theatre.short_link.app import create_app as create_short_link
from theatre.short_link.settings import ShortLinkSettings

TABLES = ("outbox_message", "provider_event", "refund", "attempt")


@pytest.fixture(scope="session")
async def database_url(postgres_url: str) -> str:
    for schema in ("payment", "short_link", "sandbox", "broker"):
        await migrate(schema, postgres_url)
    return postgres_url


class PatientAuthDoor(AuthDoor):
    """Its tokens outlive every clock that a test moves."""

    def _token(self, subject: str, audience: str, **claims: object) -> str:
        return super()._token(subject, audience, exp=2**33, **claims)


@pytest.fixture(scope="session")
def auth() -> AuthDoor:
    return PatientAuthDoor()


@pytest.fixture(scope="session")
async def neighbours(database_url: str, auth: AuthDoor) -> AsyncIterator[dict[str, FastAPI]]:
    network = Network({"auth": auth.transport.app})
    short_link = create_short_link(ShortLinkSettings(database_url=database_url), transport=network)
    sandbox_settings = SandboxSettings(database_url=database_url)
    await init_sandbox(sandbox_settings)
    sandbox = create_sandbox(sandbox_settings, transport=Network())
    async with short_link.router.lifespan_context(short_link), sandbox.router.lifespan_context(sandbox):
        yield {"auth": auth.transport.app, "short_link": short_link, "s": short_link, "sandbox": sandbox}


@pytest.fixture
def network(neighbours: dict[str, FastAPI]) -> Network:
    return Network(dict(neighbours))


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def settings(database_url: str, redis_url: str) -> PaymentSettings:
    return PaymentSettings(database_url=database_url, redis_url=redis_url, janitor_seconds=3600)


@pytest.fixture
async def empty(database_url: str) -> None:
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        for table in TABLES:
            await connection.execute(text(f"DELETE FROM payment.{table}"))
    await engine.dispose()


@pytest.fixture
async def stage(
    empty: None, settings: PaymentSettings, network: Network, clock: MovableClock, auth: AuthDoor
) -> AsyncIterator[Stage]:
    app = create_app(settings, transport=network, clock=clock)
    async with app.router.lifespan_context(app):
        stage = Stage(app, network, clock, auth, settings)
        yield stage
        await asyncio.gather(*(caller.aclose() for caller in stage.callers))
