"""What tests of messages share: making messages, noting deliveries, cleaning up RabbitMQ."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import aio_pika

from theatre.kit.broker import Broker, Done, Message, Verdict
from theatre.kit.broker.rabbit_topology import Topology
from theatre.kit.ids import new_id

QUEUES = ("settling", "telling", "other")
PATIENCE_SECONDS = 20


def message(key: str = "payment.attempt.succeeded", body: bytes = b"{}", trace: str | None = None) -> Message:
    """Make a message with a new id."""
    return Message(new_id(), key, body, trace)


async def until(claim: Callable[[], bool | Awaitable[bool]], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until a claim holds."""
    async with asyncio.timeout(seconds):
        while not await _asked(claim):
            await asyncio.sleep(0.01)


async def _asked(claim: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = claim()
    return answer if isinstance(answer, bool) else await answer


@dataclass
class Notebook:
    """A receiver that notes what it was given and answers as told."""

    verdicts: list[Verdict] = field(default_factory=list)
    seen: list[tuple[Message, bool]] = field(default_factory=list)

    async def receive(self, message: Message, redelivered: bool) -> Verdict:
        self.seen.append((message, redelivered))
        return self.verdicts.pop(0) if self.verdicts else Done()

    @property
    def ids(self) -> list[UUID]:
        return [message.id for message, _ in self.seen]


@asynccontextmanager
async def consuming(
    broker: Broker, queue: str, notebook: Notebook, *, concurrency: int = 8
) -> AsyncIterator[asyncio.Task[None]]:
    """Consume a queue meanwhile."""
    task = asyncio.create_task(broker.consume(queue, notebook.receive, concurrency=concurrency))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def delete_topology(url: str, exchange: str) -> None:
    """Take away everything that a test made in RabbitMQ."""
    topology = Topology(exchange)
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        for queue in QUEUES:
            for name in topology.queues_of(queue):
                await channel.queue_delete(name)
        for name in (topology.exchange, topology.dead_exchange):
            await channel.exchange_delete(name)
