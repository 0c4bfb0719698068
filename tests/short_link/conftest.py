"""A short_link application on a real database, with auth at its door."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.factories.auth_door import AuthDoor
from theatre.kit.clock import MovableClock
from theatre.kit.migrations import migrate
from theatre.short_link.app import create_app
from theatre.short_link.settings import ShortLinkSettings

PUBLIC_URL = "https://theatre.example"


@pytest.fixture(scope="session")
def auth() -> AuthDoor:
    return AuthDoor()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="session")
async def database_url(postgres_url: str) -> str:
    await migrate("short_link", postgres_url)
    return postgres_url


@pytest.fixture
async def app(database_url: str, auth: AuthDoor, clock: MovableClock) -> AsyncIterator[FastAPI]:
    settings = ShortLinkSettings(
        database_url=database_url,
        public_url=PUBLIC_URL,
        allowed_hosts="pay.example, http://127.0.0.1:9000",
        default_ttl_seconds=600,
    )
    app = create_app(settings, transport=auth.transport, clock=clock)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
        yield client
