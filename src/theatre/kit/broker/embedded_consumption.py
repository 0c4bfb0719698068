"""Consuming one queue of the embedded broker."""

import asyncio
from collections import deque
from typing import Any
from uuid import UUID

from theatre.kit.broker import embedded_rows as rows
from theatre.kit.broker.port import Dead, Done, Message, Receive, Retry, Verdict
from theatre.kit.db import Engine
from theatre.kit.logging import get_logger
from theatre.kit.tasks import end, pause
from theatre.kit.wakeup import LOST

POLL_SECONDS = 1.0
LEASE_SECONDS = 30.0
GATHER_SECONDS = 0.01
# rows claimed for each message that may be at work, so that not every one of them costs a claim
CLAIM_AHEAD = 3

log = get_logger(__name__)


class Consumption:
    """Claims rows, asks `receive` about each, and writes the verdicts down in batches."""

    def __init__(self, engine: Engine, queue: str, receive: Receive, *, concurrency: int) -> None:
        self._engine = engine
        self._queue = queue
        self._receive = receive
        self._concurrency = concurrency
        self._waiting: deque[Any] = deque()
        self._at_work: dict[UUID, asyncio.Task[None]] = {}
        self._verdicts: dict[UUID, Verdict] = {}
        self._settled = asyncio.Event()
        self._turn = asyncio.Event()
        self._may_have_more = True

    async def run(self) -> None:
        """Consume until cancelled or the database is lost; then let those at work finish."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._extend_claims())
                group.create_task(self._write_verdicts())
                group.create_task(self._take())
        finally:
            await end(list(self._at_work.values()))
            await self._leave_in_order()

    def wake(self) -> None:
        """Look into the table: something may have come."""
        self._may_have_more = True
        self._turn.set()

    async def _take(self) -> None:
        while True:
            self._turn.clear()
            if self._may_have_more and not self._waiting:
                await self._claim()
            while self._waiting and len(self._at_work) < self._concurrency:
                self._start(self._waiting.popleft())
            if (self._waiting or not self._may_have_more) and not await pause(POLL_SECONDS, until=self._turn):
                self._may_have_more = True

    async def _claim(self) -> None:
        limit = self._concurrency * CLAIM_AHEAD
        self._may_have_more = False
        claimed = await rows.fetch(self._engine, rows.CLAIM, self._queue, limit, LEASE_SECONDS)
        self._waiting.extend(row for row in claimed if row["message_id"] not in self._at_work)
        self._may_have_more |= len(claimed) == limit

    def _start(self, row: Any) -> None:
        message = Message(row["message_id"], row["key"], row["body"], row["trace"])
        task = asyncio.create_task(self._judge(message, redelivered=row["deliveries"] > 1))
        self._at_work[message.id] = task
        task.add_done_callback(lambda _: self._end(message.id))

    async def _judge(self, message: Message, *, redelivered: bool) -> None:
        self._verdicts[message.id] = await self._receive(message, redelivered)
        self._settled.set()

    def _end(self, message_id: UUID) -> None:
        del self._at_work[message_id]
        self._turn.set()

    async def _extend_claims(self) -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            if held := [*self._at_work, *(row["message_id"] for row in self._waiting)]:
                await rows.fetch(self._engine, rows.EXTEND, self._queue, held, LEASE_SECONDS)

    async def _write_verdicts(self) -> None:
        while True:
            await self._settled.wait()
            # a few more will have come by then, and a commit for each would be dear
            await asyncio.sleep(GATHER_SECONDS)
            self._settled.clear()
            await self._write_batch()

    async def _leave_in_order(self) -> None:
        try:
            await self._write_batch()
            if unstarted := [row["message_id"] for row in self._waiting]:
                await rows.fetch(self._engine, rows.GIVE_BACK, self._queue, unstarted)
        except LOST as error:
            # what was not written down comes again
            log.warning("embedded.verdicts_lost", queue=self._queue, error=repr(error))

    async def _write_batch(self) -> None:
        verdicts = dict(self._verdicts)
        done = [id for id, verdict in verdicts.items() if isinstance(verdict, Done)]
        delays = {id: verdict.delay_seconds for id, verdict in verdicts.items() if isinstance(verdict, Retry)}
        reasons = {id: verdict.reason for id, verdict in verdicts.items() if isinstance(verdict, Dead)}
        if done:
            await rows.fetch(self._engine, rows.FORGET, self._queue, done)
        if delays:
            await rows.fetch(self._engine, rows.DELAY, self._queue, list(delays), list(delays.values()))
            for delay_seconds in set(delays.values()):
                asyncio.get_running_loop().call_later(delay_seconds, self.wake)
        if reasons:
            await rows.fetch(self._engine, rows.BURY, self._queue, list(reasons), list(reasons.values()))
        # not before: a cancelled write is repeated on the way out
        for id, verdict in verdicts.items():
            if self._verdicts[id] is verdict:
                del self._verdicts[id]
