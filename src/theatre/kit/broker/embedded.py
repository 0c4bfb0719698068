"""The embedded broker: durable queues in the schema `broker` of a PostgreSQL database, no server of its own.

Its rows and their SQL are in `embedded_rows`, its consumers in `embedded_consumption`.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any, Self
from uuid import UUID

from theatre.kit.broker import embedded_rows as rows
from theatre.kit.broker.embedded_consumption import Consumption
from theatre.kit.broker.port import (
    PUBLISH_LIMIT_SECONDS,
    DeadMessage,
    Depth,
    Message,
    Receive,
    Subscription,
    Unpublished,
)
from theatre.kit.broker.topics import regex_of
from theatre.kit.db import open_engine
from theatre.kit.errors import Transient
from theatre.kit.logging import get_logger
from theatre.kit.wakeup import LOST, listen

ROLE = "broker"
POOL_SIZE = 5
RESTART_SECONDS = 1.0

log = get_logger(__name__)


class EmbeddedBroker:
    """Broker in PostgreSQL. Use as an async context; `migrate("broker", url)` makes its tables."""

    def __init__(self, database_url: str, *, exchange: str = "theatre") -> None:
        self._engine = open_engine(database_url, role=ROLE, pool_size=POOL_SIZE)
        self._exchange = exchange
        self._consumptions: dict[str, set[Consumption]] = {}
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        await self._engine.dispose()

    async def declare(self, subscriptions: Sequence[Subscription]) -> None:
        """See `Broker.declare`."""
        for subscription in subscriptions:
            patterns = list(subscription.keys)
            regexes = [regex_of(pattern) for pattern in patterns]
            queue = self._name(subscription.queue)
            await self._fetch(rows.BIND, self._exchange, queue, patterns, regexes)

    async def publish(self, messages: Sequence[Message]) -> None:
        """See `Broker.publish`. A message that a queue still holds is not stored there twice."""
        ids = [message.id for message in messages]
        try:
            unwanted = await self._fetch(
                rows.PUBLISH,
                self._exchange,
                ids,
                [message.key for message in messages],
                [message.body for message in messages],
                [message.trace for message in messages],
            )
        except Transient as error:
            raise Unpublished(ids) from error
        if refused := {row["id"]: "no queue wants its key" for row in unwanted}:
            raise Unpublished(refused.keys(), refused=refused)

    async def consume(self, queue: str, receive: Receive, *, concurrency: int = 8) -> None:
        """See `Broker.consume`."""
        name = self._name(queue)
        self._listening = self._listening or asyncio.create_task(
            listen(self._engine, rows.WAKEUP_CHANNEL, self._wake)
        )
        while True:
            consumption = Consumption(self._engine, name, receive, concurrency=concurrency)
            side_by_side = self._consumptions.setdefault(name, set())
            side_by_side.add(consumption)
            try:
                await consumption.run()
            except* LOST as group:
                log.warning("embedded.consuming_lost", queue=queue, error=repr(group.exceptions))
            finally:
                side_by_side.discard(consumption)
            await asyncio.sleep(RESTART_SECONDS)

    async def check(self, queues: Sequence[str]) -> None:
        """See `Broker.check`."""
        missing = await self._fetch(rows.UNBOUND, [self._name(queue) for queue in queues])
        if missing:
            raise Transient(f"The broker has no queue {', '.join(row['queue'] for row in missing)}")

    async def count(self, queue: str) -> Depth:
        """See `Broker.count`."""
        name = self._name(queue)
        if await self._fetch(rows.UNBOUND, [name]):
            raise Transient(f"The broker has no queue {queue}")
        [row] = await self._fetch(rows.COUNT, name)
        return Depth(row["due"], row["dead"])

    async def list_dead(self, queue: str, *, limit: int = 100) -> list[DeadMessage]:
        """See `Broker.list_dead`."""
        found = await self._fetch(rows.LIST_DEAD, self._name(queue), limit)
        return [_dead(row) for row in found]

    async def replay_dead(self, queue: str, ids: Collection[UUID] | None = None) -> int:
        """See `Broker.replay_dead`."""
        [row] = await self._fetch(rows.REPLAY, self._name(queue), None if ids is None else list(ids))
        return int(row["number"])

    def _name(self, queue: str) -> str:
        return f"{self._exchange}.{queue}"

    def _wake(self, queue: str) -> None:
        """Wake the consumers of a queue; without a name all of them, something may have been missed."""
        for name in [queue] if queue else list(self._consumptions):
            for consumption in self._consumptions.get(name, ()):
                consumption.wake()

    async def _fetch(self, statement: str, *arguments: object) -> list[Any]:
        try:
            async with asyncio.timeout(PUBLISH_LIMIT_SECONDS):
                return await rows.fetch(self._engine, statement, *arguments)
        except LOST as error:
            raise Transient("The message store does not answer") from error


def _dead(row: Any) -> DeadMessage:
    headers = {"traceparent": row["trace"]} if row["trace"] else {}
    return DeadMessage(row["message_id"], row["key"], row["body"], row["reason"], headers)


async def release_claims(database_url: str) -> None:
    """Make everything due at once that consumers of an earlier run held: for a house that knows it is
    alone.
    """
    engine = open_engine(database_url, role=ROLE, pool_size=1)
    try:
        await rows.fetch(engine, rows.RELEASE)
    finally:
        await engine.dispose()
