"""What a process that serves the catalogue hears of its changes: with each commit, from the tables' triggers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

from sqlalchemy import func, select

from theatre.kit.db import Engine
from theatre.kit.ids import new_id
from theatre.kit.wakeup import listen

CHANNEL = "movies_changes"
CATCH_UP_SECONDS = 2
ECHO = "echo"

Forget = Callable[[Collection[str] | None], object]
"""Forgets films by id; None means all of them."""


class Changes:
    """Follows the changes of the catalogue.

    Whoever remembers something asks `is_heard` before it is used and before it is kept; `number` is another one after
    each change, so that what was read before it is not kept after it.
    """

    def __init__(self, engine: Engine) -> None:
        self.number = 0
        self.is_heard = False
        self._engine = engine
        self._forgetting: list[Forget] = []
        self._echoes: dict[str, asyncio.Event] = {}

    def tell(self, forget: Forget) -> None:
        """Let somebody know which films changed."""
        self._forgetting.append(forget)

    @asynccontextmanager
    async def following(self) -> AsyncIterator["Changes"]:
        """Hear of changes while the block runs; keeps one connection of the pool."""
        task = asyncio.create_task(listen(self._engine, CHANNEL, self.hear, lose=self.lose))
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait([task])

    def hear(self, notice: str) -> None:
        """Take a notice: `film` and ids, or another kind, or nothing, which is everything."""
        kind, *ids = notice.split() or [""]
        if kind == ECHO:
            if echo := self._echoes.get(ids[0]):
                echo.set()
            return
        # with the first notice of a connection everything begins anew
        self.is_heard = True
        self._note(ids if kind else None)

    def lose(self) -> None:
        """Know that nothing is heard any more."""
        self.is_heard = False
        self._note(None)

    def _note(self, film_ids: Collection[str] | None) -> None:
        self.number += 1
        for forget in self._forgetting:
            forget(film_ids)

    async def catch_up(self) -> None:
        """Wait until what is committed so far is heard: notices come in the order of commits."""
        if not self.is_heard:
            return
        word = str(new_id())
        echo = self._echoes[word] = asyncio.Event()
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS):
                async with self._engine.begin() as connection:
                    await connection.execute(select(func.pg_notify(CHANNEL, f"{ECHO} {word}")))
                await echo.wait()
        except TimeoutError:
            self._note(None)
        finally:
            del self._echoes[word]
