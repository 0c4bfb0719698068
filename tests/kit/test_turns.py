"""Turns: of several processes one has it, no transaction is open meanwhile, and whoever fails or dies lets go of it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from theatre.kit.db import Engine, open_engine, sessions_of, turn

NAME = "test.turn"
# of this database alone: others may be using the server
OURS_END = text(
    "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
    " WHERE locktype = 'advisory' AND datname = current_database()"
)


@pytest.fixture
async def one(postgres_url: str) -> AsyncIterator[Engine]:
    engine = open_engine(postgres_url, role="postgres", pool_size=2)
    yield engine
    await engine.dispose()


@pytest.fixture
async def other(postgres_url: str) -> AsyncIterator[Engine]:
    engine = open_engine(postgres_url, role="postgres", pool_size=2)
    yield engine
    await engine.dispose()


async def test_of_two_one_has_the_turn_and_then_the_other(one: Engine, other: Engine) -> None:
    async with turn(sessions_of(one), NAME) as is_ours:
        assert is_ours
        async with (
            turn(sessions_of(other), NAME) as is_theirs,
            turn(sessions_of(other), "another") as is_free,
        ):
            assert (is_theirs, is_free) == (False, True)
    async with turn(sessions_of(other), NAME) as is_theirs:
        assert is_theirs


async def test_whoever_waits_gets_it_when_it_is_free_or_not_at_all(one: Engine, other: Engine) -> None:
    async def wait(seconds: float) -> bool:
        async with turn(sessions_of(other), NAME, wait_seconds=seconds) as is_ours:
            return is_ours

    async with turn(sessions_of(one), NAME):
        waiting = asyncio.create_task(wait(30))
        assert not await wait(0.2)
        assert not waiting.done()
    assert await waiting


@pytest.mark.parametrize("fault", [RuntimeError, asyncio.CancelledError])
async def test_whoever_fails_lets_go_of_it(one: Engine, other: Engine, fault: type[BaseException]) -> None:
    async def fail() -> None:
        async with turn(sessions_of(one), NAME):
            raise fault

    with pytest.raises(fault):
        await fail()
    async with turn(sessions_of(other), NAME) as is_theirs:
        assert is_theirs


async def test_whoever_loses_the_connection_loses_the_turn_and_hears_of_it(
    one: Engine, other: Engine
) -> None:
    async def lose() -> None:
        async with turn(sessions_of(one), NAME), other.connect() as connection:
            await connection.execute(OURS_END)

    with pytest.raises(Exception, match=r"connection|in progress"):
        await lose()
    async with turn(sessions_of(other), NAME) as is_theirs:
        assert is_theirs
    async with turn(sessions_of(one), NAME) as is_ours:
        assert is_ours


async def test_no_transaction_is_open_meanwhile(one: Engine, other: Engine) -> None:
    open_ones = text(
        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND datname = current_database()"
    )
    async with turn(sessions_of(one), NAME), other.connect() as connection:
        assert await connection.scalar(open_ones) == 0
