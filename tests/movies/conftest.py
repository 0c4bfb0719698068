"""Movies on a real database, with auth at its door."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from tests.databases import fresh_database
from tests.factories.auth_door import AuthDoor
from tests.movies.desk import Desk
from tests.movies.hearing import until
from tests.services import Services
from theatre.kit.clock import MovableClock
from theatre.kit.db import Session, transaction
from theatre.kit.migrations import migrate
from theatre.movies.app import create_app, init
from theatre.movies.models import Base
from theatre.movies.resources import Resources
from theatre.movies.settings import MoviesSettings


@pytest.fixture
def auth() -> AuthDoor:
    return AuthDoor()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="session")
async def migrated_url(postgres_url: str, services: Services) -> AsyncIterator[str]:
    """A database of this suite's own."""
    async with fresh_database(services.postgres_url) as url:
        await migrate("movies", url)
        await migrate("broker", url)
        yield url


@pytest.fixture
async def settings(migrated_url: str, tmp_path: Path) -> MoviesSettings:
    """Settings of an empty catalogue that has the first genres."""
    engine = create_async_engine(make_url(migrated_url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as connection:
        tables = ", ".join(str(table) for table in Base.metadata.tables.values())
        await connection.execute(text(f"TRUNCATE {tables}"))
    await engine.dispose()
    settings = MoviesSettings(
        database_url=migrated_url,
        broker_exchange=f"test-{uuid4().hex[:8]}",
        index_folder=tmp_path / "index",
        demo_films=False,
        stream_secret=SecretStr("test" * 8),
    )
    await init(settings)
    return settings


@pytest.fixture
async def app(settings: MoviesSettings, auth: AuthDoor, clock: MovableClock) -> AsyncIterator[FastAPI]:
    app = create_app(settings, transport=auth.transport, clock=clock)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def session(app: FastAPI) -> AsyncIterator[Session]:
    async with transaction(app.state.resources.sessions) as session:
        yield session


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://theatre.example") as client:
        yield client


@pytest.fixture
async def desk(client: httpx.AsyncClient, auth: AuthDoor) -> Desk:
    """An editor at work."""
    return Desk(client, auth.user(uuid4(), "movies.manage"))


@pytest.fixture
def owner_url(migrated_url: str) -> Any:
    """Whoever owns the tables."""
    return make_url(migrated_url).set(drivername="postgresql+asyncpg")


@pytest.fixture
async def hearing(app: FastAPI) -> Resources:
    """A process that hears of changes."""
    resources: Resources = app.state.resources
    await until(lambda: resources.changes.is_heard)
    return resources


@pytest.fixture
async def console(owner_url: Any) -> AsyncIterator[AsyncConnection]:
    """Somebody who changes the tables past all doors."""
    engine = create_async_engine(owner_url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()
