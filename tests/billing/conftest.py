"""A billing application on a real database, with auth at its door and a payment-service that a test can script."""

import csv
import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.billing.desk import PaymentDesk
from tests.databases import empty_tables
from tests.factories.auth_door import AuthDoor
from theatre.billing import app as wiring
from theatre.billing.settings import BillingSettings
from theatre.kit.clock import MovableClock
from theatre.kit.db import Session, Sessions, open_engine, sessions_of
from theatre.kit.migrations import migrate

PUBLIC_URL = "https://theatre.example"


@pytest.fixture(scope="session")
def auth() -> AuthDoor:
    return AuthDoor()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="session")
async def settings(postgres_url: str, redis_url: str) -> BillingSettings:
    await migrate("billing", postgres_url)
    settings = BillingSettings(
        database_url=postgres_url, redis_url=redis_url, public_url=PUBLIC_URL, database_pool_size=10
    )
    await wiring.init(settings)
    return settings


@pytest.fixture(scope="session")
async def broker_schema(settings: BillingSettings) -> None:
    """Tables of the embedded broker, where dead messages are asked about."""
    await migrate("broker", settings.database_url)


@pytest.fixture(scope="session")
async def engine(settings: BillingSettings) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(settings.database_url, role="billing", pool_size=10, kept=1)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
async def tables_owner(settings: BillingSettings) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(settings.database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def sessions(engine: AsyncEngine, tables_owner: asyncpg.Connection) -> Sessions:
    """Transactions on tables in which there is a price list and nothing else."""
    await empty_tables(tables_owner, "billing", kept=("product", "price"))
    return sessions_of(engine)


@pytest.fixture
async def session(sessions: Sessions) -> AsyncIterator[Session]:
    """A transaction that is rolled back after the test."""
    async with sessions() as session:
        yield session
        await session.rollback()


@pytest.fixture
async def owner(settings: BillingSettings) -> AsyncIterator[Session]:
    """A transaction of who owns the tables and may do what the service may not; rolled back after the test."""
    engine = create_async_engine(make_url(settings.database_url).set(drivername="postgresql+asyncpg"))
    async with sessions_of(engine)() as session:
        yield session
        await session.rollback()
    await engine.dispose()


@pytest.fixture
def desk(auth: AuthDoor) -> PaymentDesk:
    return PaymentDesk(auth.transport)


@pytest.fixture
async def app(
    settings: BillingSettings, sessions: Sessions, desk: PaymentDesk, clock: MovableClock
) -> AsyncIterator[FastAPI]:
    app = wiring.create_app(settings, transport=desk.transport, clock=clock)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def two_apps(
    settings: BillingSettings, sessions: Sessions, desk: PaymentDesk, clock: MovableClock
) -> AsyncIterator[list[FastAPI]]:
    """Two billing services, each with a pool and a memory of its own, on one database."""
    async with AsyncExitStack() as stack:
        apps = [wiring.create_app(settings, transport=desk.transport, clock=clock) for _ in range(2)]
        for app in apps:
            await stack.enter_async_context(app.router.lifespan_context(app))
        yield apps


@dataclass
class Caller:
    """Somebody who sends requests to billing."""

    http: httpx.AsyncClient
    user_id: UUID

    async def post(self, path: str, body: object = None, *, key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key or str(uuid4())}
        return await self.http.post(f"/billing/api/v1{path}", json=body, headers=headers)

    async def get(self, path: str, **params: object) -> httpx.Response:
        return await self.http.get(f"/billing/api/v1{path}", params=params)  # type: ignore[arg-type]

    async def get_csv(self, path: str, **params: object) -> list[dict[str, str]]:
        """Read a list as CSV."""
        asked = httpx.QueryParams(params)  # type: ignore[arg-type]
        answer = await self.http.get(f"/billing/api/v1{path}", params=asked, headers={"Accept": "text/csv"})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/csv")
        return list(csv.DictReader(io.StringIO(answer.text, newline="")))


@pytest.fixture
async def make_caller(app: FastAPI, auth: AuthDoor) -> AsyncIterator[object]:
    clients: list[httpx.AsyncClient] = []

    def make(*permissions: str) -> Caller:
        user_id = uuid4()
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url=PUBLIC_URL,
            headers={**auth.user(user_id, *permissions), "Accept-Language": "en"},
        )
        clients.append(client)
        return Caller(client, user_id)

    yield make
    for client in clients:
        await client.aclose()
