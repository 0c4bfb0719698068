"""Work that several ask for at the same moment is done once, in this process; all of them get its outcome."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any


class Flights:
    """Work under way, by what it is about."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Task[None]] = {}

    async def join(self, about: Hashable, begin: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Wait for the work about something; begin it if nobody has. Once begun it ends, whoever goes away."""
        task = self._under_way.get(about)
        if task is None:
            task = self._under_way[about] = asyncio.create_task(begin())
            task.add_done_callback(lambda _: self._under_way.pop(about))
        await asyncio.shield(task)
