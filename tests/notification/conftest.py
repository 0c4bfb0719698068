"""Notification on a real database, with auth at its door and a real mail server behind it."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text, update
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from tests.databases import fresh_database
from tests.factories.auth_door import AuthDoor
from tests.notification.sink import Sink, open_sink
from tests.services import Services
from theatre.kit.clock import MovableClock
from theatre.kit.db import Sessions, transaction
from theatre.kit.migrations import migrate
from theatre.notification import notifications
from theatre.notification.app import create_app, create_worker
from theatre.notification.kinds import Category, Kind, PaymentOutcome, PaymentStatusData
from theatre.notification.models import Base, Notification
from theatre.notification.resources import WorkerResources
from theatre.notification.settings import NotificationSettings

PUBLIC_URL = "https://theatre.example"


@pytest.fixture
def auth() -> AuthDoor:
    return AuthDoor()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="session")
async def migrated_url(postgres_url: str, services: Services) -> AsyncIterator[str]:
    """A database of this suite's own: what auth's suite tells the embedded broker would be heard here."""
    async with fresh_database(services.postgres_url) as url:
        await migrate("notification", url)
        await migrate("broker", url)
        yield url


@pytest.fixture
async def database_url(migrated_url: str) -> str:
    """A database in which nothing is due."""
    engine = create_async_engine(make_url(migrated_url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as connection:
        tables = ", ".join(str(table) for table in Base.metadata.tables.values())
        await connection.execute(text(f"TRUNCATE {tables}"))
    await engine.dispose()
    return migrated_url


def settings_for(database_url: str, **changes: Any) -> NotificationSettings:
    changes = {"public_url": PUBLIC_URL, "mail_from": "Театр <no-reply@theatre.example>", **changes}
    return NotificationSettings(
        database_url=database_url, broker_exchange=f"test-{uuid4().hex[:8]}", **changes
    )


@pytest.fixture
async def app(database_url: str, auth: AuthDoor, clock: MovableClock) -> AsyncIterator[FastAPI]:
    app = create_app(settings_for(database_url), transport=auth.transport, clock=clock)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
        yield client


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with open_sink() as sink:
        yield sink


@pytest.fixture
async def held(
    database_url: str, auth: AuthDoor, clock: MovableClock, sink: Sink
) -> AsyncIterator[WorkerResources]:
    """A worker's resources, with the sink as mail server."""
    settings = settings_for(database_url, smtp_url=sink.url)
    async with create_worker(settings, transport=auth.transport, clock=clock) as worker:
        yield worker.resources


async def tell_of_offer(sessions: Sessions, user_id: UUID, clock: MovableClock, **changes: Any) -> UUID:
    """Let a user be told something that is not critical; give the notification."""
    told = await tell(sessions, user_id, clock, **changes)
    async with transaction(sessions) as session:
        await session.execute(update(Notification).filter_by(id=told).values(category=Category.OFFERS))
    return told


async def tell(sessions: Sessions, user_id: UUID, clock: MovableClock, **changes: Any) -> UUID:
    """Let a user be told that a payment went through."""
    payment = {
        "status": PaymentOutcome.SUCCEEDED,
        "payment_id": uuid4(),
        "title": "Month",
        "amount": "399.00",
        "currency": "RUB",
        **changes,
    }
    data = PaymentStatusData.model_validate(payment)
    news = notifications.News(kind=Kind.PAYMENT_STATUS, user_id=user_id, data=data, dedupe_key=str(uuid4()))
    async with transaction(sessions) as session:
        return await notifications.accept(session, news, now=clock.now())
