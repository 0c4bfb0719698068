"""Ending tasks: what is at work when we are asked to stop gets time to finish."""

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any, TypeVar

# of the ten seconds in which everything must have stopped
GRACE_SECONDS = 5.0
T = TypeVar("T")


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Await `work`; if we are cancelled meanwhile, it may still come to its end within the grace time."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await end([task])
        raise


async def end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Wait for tasks to end by themselves, then cancel those that did not; how they ended is not looked
    at.
    """
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def pause(seconds: float, *, until: asyncio.Event) -> bool:
    """Sleep, but not longer than until the event is set; tell whether it is."""
    waiting = asyncio.ensure_future(until.wait())
    try:
        await asyncio.wait([waiting], timeout=seconds)
    finally:
        waiting.cancel()
    return until.is_set()
