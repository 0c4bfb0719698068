"""Whoever listens knows when it does not hear."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from tests.kit.proxy import Proxy
from theatre.kit import wakeup
from theatre.kit.db import Engine, open_engine

CHANNEL = "wakeup_test"
TERMINATE = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%{CHANNEL}%'"
HEARD, LOST = "heard", "lost"


class Ear:
    """Notes what a listener is told."""

    def __init__(self) -> None:
        self.notes: asyncio.Queue[str] = asyncio.Queue()

    async def listen(self, engine: Engine) -> None:
        """Listen until cancelled."""
        await wakeup.listen(
            engine,
            CHANNEL,
            lambda payload: self.notes.put_nowait(f"{HEARD} {payload}".strip()),
            lose=lambda: self.notes.put_nowait(LOST),
        )


@pytest.fixture
async def ear(monkeypatch: pytest.MonkeyPatch) -> Ear:
    monkeypatch.setattr(wakeup, "RECONNECT_SECONDS", 0.01)
    return Ear()


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[Engine]:
    engine = open_engine(postgres_url, role="postgres")
    yield engine
    await engine.dispose()


async def say(engine: Engine, statement: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement))


async def test_a_lost_connection_is_told_and_made_anew(engine: Engine, ear: Ear) -> None:
    task = asyncio.create_task(ear.listen(engine))
    assert await ear.notes.get() == HEARD
    await say(engine, f"NOTIFY {CHANNEL}, 'a'")
    assert await ear.notes.get() == "heard a"
    await say(engine, TERMINATE)
    assert [await ear.notes.get(), await ear.notes.get()] == [LOST, HEARD]
    await say(engine, f"NOTIFY {CHANNEL}, 'b'")
    assert await ear.notes.get() == "heard b"
    task.cancel()
    await asyncio.wait([task])
    assert ear.notes.get_nowait() == LOST


async def test_a_silent_connection_is_found_out(
    postgres_url: str, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that swallows everything says nothing about it: only asking tells."""
    monkeypatch.setattr(wakeup, "CHECK_SECONDS", 0.2)
    async with Proxy(postgres_url) as proxy:
        engine = open_engine(proxy.url, role="postgres")
        task = asyncio.create_task(ear.listen(engine))
        assert await ear.notes.get() == HEARD
        proxy.freeze()
        assert await ear.notes.get() == LOST
        proxy.thaw()
        while await ear.notes.get() != HEARD:
            pass
        task.cancel()
        await asyncio.wait([task])
        await engine.dispose()


async def test_one_asked_to_stop_in_the_moment_it_begins_to_hear_stops(
    engine: Engine, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cancellation comes with the answer to LISTEN, neither before nor after it."""
    begin = asyncpg.Connection.add_listener

    async def begin_and_stop(*arguments: Any) -> None:
        await begin(*arguments)
        task.cancel()

    monkeypatch.setattr(asyncpg.Connection, "add_listener", begin_and_stop)
    task = asyncio.create_task(ear.listen(engine))
    await asyncio.wait([task], timeout=5)
    was_cancelled = task.cancelled()
    task.cancel()
    assert was_cancelled
