"""Engines."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.kit.proxy import Proxy, Send
from theatre.kit.db import Engine, fetch_row, open_engine, sessions_of, transaction
from theatre.kit.errors import Transient
from theatre.kit.faults import is_unavailability

ADMIN_SHUTDOWN = b"57P01"


class LastWords:
    """Passes on that a server ends a session, and holds back that it hung up."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    async def hear(self, data: bytes, send: Send, *, is_answer: bool) -> None:
        await send(data)
        if is_answer and ADMIN_SHUTDOWN in data:
            self.heard.set()
            await asyncio.Event().wait()


@pytest.fixture
async def confused(postgres_url: str) -> AsyncIterator[Engine]:
    """An engine whose one pooled connection was told of its end by the server, and waits for more words."""
    words = LastWords()
    async with Proxy(f"{postgres_url}?ssl=disable", lambda: words) as way:
        engine = open_engine(way.url, role="postgres", pool_size=1)
        [backend] = await fetch_row(engine, "SELECT pg_backend_pid()")
        connection = await asyncpg.connect(postgres_url)
        await connection.execute("SELECT pg_terminate_backend($1)", backend)
        await connection.close()
        await words.heard.wait()
        # the driver reads it in its next turn
        await asyncio.sleep(0.05)
        yield engine
    await engine.dispose()


async def test_the_text_of_a_database_error_has_no_values(postgres_url: str) -> None:
    """What reaches a log may be read by many: no hash, no address."""
    engine = open_engine(postgres_url, role="postgres")
    with pytest.raises(DBAPIError) as caught:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1 / (length(:secret) - 6)"), {"secret": "sesame"})
    assert "sesame" not in str(caught.value)
    assert "sesame" not in repr(caught.value)
    await engine.dispose()


async def test_a_statement_on_a_connection_that_was_just_ended_may_come_again(confused: Engine) -> None:
    """F-D1: the driver has lost its way, which says nothing of the statement."""
    with pytest.raises(Transient):
        await fetch_row(confused, "SELECT 1")
    assert (await fetch_row(confused, "SELECT 1"))[0] == 1


async def test_a_transaction_on_a_connection_that_was_just_ended_may_come_again(confused: Engine) -> None:
    """F-D1."""
    sessions = sessions_of(confused)
    with pytest.raises(DBAPIError) as caught:
        async with transaction(sessions) as session:
            await session.execute(text("SELECT 1"))
    assert is_unavailability(caught.value)
    async with transaction(sessions) as session:
        assert await session.scalar(text("SELECT 1")) == 1
