"""Consuming one queue of the embedded broker."""

import asyncio
from typing import Any
from uuid import UUID

from theatre.kit.broker import embedded_rows as rows
from theatre.kit.broker.port import Dead, Done, Message, Receive, Retry, Verdict
from theatre.kit.db import Engine
from theatre.kit.logging import get_logger
from theatre.kit.tasks import end, pause
from theatre.kit.wakeup import LOST

POLL_SECONDS = 1.0
EXTEND_SECONDS = rows.LEASE_SECONDS / 3

log = get_logger(__name__)


class Consumption:
    """Claims rows, asks `receive` about each, and writes the verdicts down in batches."""

    def __init__(self, engine: Engine, queue: str, receive: Receive, *, concurrency: int) -> None:
        self.woken = asyncio.Event()
        self._engine = engine
        self._queue = queue
        self._receive = receive
        self._concurrency = concurrency
        self._at_work: dict[UUID, asyncio.Task[None]] = {}
        self._verdicts: dict[UUID, Verdict] = {}
        self._settled = asyncio.Event()

    async def run(self) -> None:
        """Consume until cancelled or the database is lost; then let those at work finish."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._extend_claims())
                group.create_task(self._write_verdicts())
                group.create_task(self._take())
        finally:
            await end(list(self._at_work.values()))
            await self._write_last_batch()

    async def _take(self) -> None:
        while True:
            self.woken.clear()
            free = self._concurrency - len(self._at_work)
            claimed = await rows.fetch(self._engine, rows.CLAIM, self._queue, free) if free else []
            for row in claimed:
                self._start(row)
            if len(claimed) < free or not free:
                await pause(POLL_SECONDS, until=self.woken)

    def _start(self, row: Any) -> None:
        message = Message(row["message_id"], row["key"], row["body"], row["trace"])
        if message.id not in self._at_work:
            task = asyncio.create_task(self._judge(message, redelivered=row["deliveries"] > 1))
            self._at_work[message.id] = task
            task.add_done_callback(lambda _: self._leave(message.id))

    async def _judge(self, message: Message, *, redelivered: bool) -> None:
        self._verdicts[message.id] = await self._receive(message, redelivered)
        self._settled.set()

    def _leave(self, message_id: UUID) -> None:
        del self._at_work[message_id]
        self.woken.set()

    async def _extend_claims(self) -> None:
        while True:
            await asyncio.sleep(EXTEND_SECONDS)
            if self._at_work:
                await rows.fetch(self._engine, rows.EXTEND, self._queue, list(self._at_work))

    async def _write_verdicts(self) -> None:
        while True:
            await self._settled.wait()
            self._settled.clear()
            await self._write_batch()

    async def _write_last_batch(self) -> None:
        try:
            await self._write_batch()
        except LOST as error:
            # what was not written down comes again
            log.warning("embedded.verdicts_lost", queue=self._queue, error=repr(error))

    async def _write_batch(self) -> None:
        verdicts, self._verdicts = self._verdicts, {}
        done = [id for id, verdict in verdicts.items() if isinstance(verdict, Done)]
        delays = {id: verdict.delay_seconds for id, verdict in verdicts.items() if isinstance(verdict, Retry)}
        reasons = {id: verdict.reason for id, verdict in verdicts.items() if isinstance(verdict, Dead)}
        if done:
            await rows.fetch(self._engine, rows.FORGET, self._queue, done)
        if delays:
            await rows.fetch(self._engine, rows.DELAY, self._queue, list(delays), list(delays.values()))
        if reasons:
            await rows.fetch(self._engine, rows.BURY, self._queue, list(reasons), list(reasons.values()))
