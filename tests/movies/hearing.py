"""Changes made past all doors, and waiting until they are heard."""

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from theatre.movies.resources import Resources


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition; the test's own time limit ends a hopeless wait."""
    while not condition():
        await asyncio.sleep(0.005)


async def change(held: Resources, console: AsyncConnection, statement: str, **values: Any) -> None:
    """Change the tables from outside, and wait until this process has heard of it."""
    before = held.changes.number
    await console.execute(text(statement), values)
    await until(lambda: held.changes.number > before)
