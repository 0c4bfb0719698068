"""Wakeups by PostgreSQL's NOTIFY: they make things fast, polling makes them sure."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from theatre.kit.db import Engine
from theatre.kit.logging import get_logger

RECONNECT_SECONDS = 1.0
LOST = (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError)

log = get_logger(__name__)


async def listen(engine: Engine, channel: str, wake: Callable[[str], object]) -> None:
    """Call `wake(payload)` at each notification until cancelled; with "" after each (re)connection.

    Keeps one connection of the pool.
    """
    while True:
        try:
            await _listen_until_lost(engine, channel, wake)
        except LOST as error:
            log.warning("wakeup.lost", channel=channel, error=repr(error))
        await asyncio.sleep(RECONNECT_SECONDS)


async def _listen_until_lost(engine: Engine, channel: str, wake: Callable[[str], object]) -> None:
    lost = asyncio.Event()

    def hear(*notification: object) -> None:
        wake(str(notification[-1]))

    def lose(_: object) -> None:
        lost.set()

    async with engine.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        raw.add_termination_listener(lose)
        await raw.add_listener(channel, hear)
        wake("")
        try:
            await lost.wait()
        finally:
            raw.remove_termination_listener(lose)
            if not raw.is_closed():
                await raw.remove_listener(channel, hear)
