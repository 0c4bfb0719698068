"""Wakeups by PostgreSQL's NOTIFY: they make things fast, polling makes them sure."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from theatre.kit.db import Engine
from theatre.kit.logging import get_logger

RECONNECT_SECONDS = 1.0
CHECK_SECONDS = 5.0
LOST = (
    OSError,
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)

log = get_logger(__name__)


async def listen(
    engine: Engine, channel: str, wake: Callable[[str], object], *, lose: Callable[[], object] = lambda: None
) -> None:
    """Call `wake(payload)` at each notification until cancelled; with "" after each (re)connection, and `lose()` when
    what is notified is not heard any more.

    Keeps one connection of the pool, and asks it now and then whether it still lives.
    """
    while True:
        try:
            await _listen_until_lost(engine, channel, wake)
        except LOST as error:
            log.warning("wakeup.lost", channel=channel, error=repr(error))
        finally:
            lose()
        await asyncio.sleep(RECONNECT_SECONDS)


async def _listen_until_lost(engine: Engine, channel: str, wake: Callable[[str], object]) -> None:
    lost = asyncio.Event()

    def hear(*notification: object) -> None:
        wake(str(notification[-1]))

    def end(_: object) -> None:
        lost.set()

    async with engine.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        raw.add_termination_listener(end)
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await raw.add_listener(channel, hear)
            wake("")
            await _watch(raw, lost)
        finally:
            raw.remove_termination_listener(end)
            # without a polite farewell, which a silent server would never answer; and the pool, which was asked
            # nothing, must not give the connection out again
            raw.terminate()
            await connection.invalidate()


async def _watch(raw: Any, lost: asyncio.Event) -> None:
    """Wait until a connection is lost: it says so, or it does not answer."""
    while not lost.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(CHECK_SECONDS):
                await lost.wait()
            return
        await raw.execute("SELECT 1", timeout=CHECK_SECONDS)
