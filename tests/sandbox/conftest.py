"""A sandbox on a real database, a shop to be told, and the official SDK pointed at a real server."""

import threading
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import uvicorn
import yookassa
from fastapi import FastAPI
from sqlalchemy import text

from tests.databases import fresh_database
from tests.sandbox.stage import HOOK_URL, PUBLIC_URL, SECRET_KEY, SHOP_ID, Merchant, Shop, until
from tests.services import Services
from theatre.kit.db import open_engine
from theatre.kit.migrations import migrate
from theatre.sandbox.app import create_app, init
from theatre.sandbox.models import Base
from theatre.sandbox.settings import SandboxSettings

TABLES = ", ".join(table.fullname for table in Base.metadata.sorted_tables)


@pytest.fixture(scope="session")
async def database_url(postgres_url: str) -> str:
    await migrate("sandbox", postgres_url)
    return postgres_url


@pytest.fixture
async def settings(database_url: str) -> SandboxSettings:
    """Settings of a sandbox that is empty but for the demo shop."""
    engine = open_engine(database_url, role="postgres", pool_size=1)
    async with engine.begin() as connection:
        await connection.execute(text(f"TRUNCATE {TABLES}"))
    await engine.dispose()
    settings = SandboxSettings(
        database_url=database_url, public_url=PUBLIC_URL, shop_notification_url=HOOK_URL, database_pool_size=3
    )
    await init(settings)
    return settings


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
async def app(settings: SandboxSettings, shop: Shop) -> AsyncIterator[FastAPI]:
    app = create_app(settings, transport=shop.transport)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PUBLIC_URL) as client:
        yield client


@pytest.fixture
def merchant(http: httpx.AsyncClient) -> Merchant:
    return Merchant(http)


@pytest.fixture(scope="session")
async def server_url(services: Services, postgres_url: str) -> AsyncIterator[str]:
    """A real server on a free port with a database of its own, on a thread: the SDK blocks."""
    async with fresh_database(services.postgres_url) as url:
        await migrate("sandbox", url)
        settings = SandboxSettings(
            database_url=url, public_url=PUBLIC_URL, shop_notification_url="http://127.0.0.1:1/nobody"
        )
        await init(settings)
        server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_config=None))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        await until(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        server.should_exit = True
        await until(lambda: not thread.is_alive())


@pytest.fixture
def sdk(server_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The official SDK, pointed at the sandbox; gives the server's address."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("NETRC", "/dev/null")
    configure_sdk(server_url)
    yield server_url
    configure_sdk(server_url)


def configure_sdk(server_url: str, secret_key: str = SECRET_KEY) -> None:
    """Point the SDK's process-wide settings at the sandbox."""
    yookassa.Configuration.configure(SHOP_ID, secret_key, api_url=f"{server_url}/sandbox/v3", timeout=1)
