"""RabbitMQ as a broker: it sends by `rabbit_sender`, its queues are laid out in `rabbit_topology`.

Nothing is restored behind our back: a consumer whose connection, channel or queue is lost starts again from
nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Literal, Self
from uuid import UUID

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity, DeliveryError

from theatre.kit.broker.port import (
    PUBLISH_LIMIT_SECONDS,
    DeadMessage,
    Depth,
    Message,
    Receive,
    Subscription,
    Unpublished,
)
from theatre.kit.broker.rabbit_consumption import Consumption
from theatre.kit.broker.rabbit_letters import Letter, id_of, pack, repack, unpack_dead
from theatre.kit.broker.rabbit_sender import LOST, Sender, open_channel
from theatre.kit.broker.rabbit_topology import Topology
from theatre.kit.errors import Transient
from theatre.kit.logging import get_logger

RECONNECT_SECONDS = 1.0

log = get_logger(__name__)


class RabbitBroker:
    """Broker in a RabbitMQ server of its own. Use as an async context."""

    def __init__(
        self, url: str, *, exchange: str = "theatre", queue_type: Literal["classic", "quorum"] = "classic"
    ) -> None:
        self._url = url
        self._topology = Topology(exchange, queue_type)
        self._sender = Sender(url)
        self._declared: dict[str, Subscription] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._sender.close()

    async def declare(self, subscriptions: Sequence[Subscription]) -> None:
        """See `Broker.declare`. What was declared is declared again if the server comes back empty."""
        async with self._asking("declare") as channel:
            for subscription in subscriptions:
                await self._topology.declare(channel, subscription)
        self._declared.update({subscription.queue: subscription for subscription in subscriptions})

    async def publish(self, messages: Sequence[Message]) -> None:
        """See `Broker.publish`."""
        letters = [Letter(self._topology.exchange, message.key, pack(message)) for message in messages]
        outcomes = await self._sender.send(letters)
        failed = {message.id: why for message, why in zip(messages, outcomes, strict=True) if why}
        if failed:
            refused = {
                id: str(why) or repr(why) for id, why in failed.items() if isinstance(why, DeliveryError)
            }
            raise Unpublished(failed.keys(), refused=refused)

    async def consume(self, queue: str, receive: Receive, *, concurrency: int = 8) -> None:
        """See `Broker.consume`."""
        while True:
            consumption = Consumption(self._topology, self._sender, queue=queue, receive=receive)
            # a task of its own: the driver cancels futures when a connection dies, which is not our
            # cancellation
            running = asyncio.create_task(self._consume_until_lost(consumption, concurrency=concurrency))
            try:
                await asyncio.wait([running])
            except asyncio.CancelledError:
                await consumption.stop()
                running.cancel()
                await asyncio.wait([running])
                raise
            log.warning("rabbit.consuming_lost", queue=queue, error=_describe(running))
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _consume_until_lost(self, consumption: Consumption, *, concurrency: int) -> None:
        async with open_channel(self._url, f"consume {consumption.queue}") as channel:
            await channel.set_qos(prefetch_count=concurrency, timeout=PUBLISH_LIMIT_SECONDS)
            try:
                await consumption.run(channel)
            except ChannelNotFoundEntity:
                if consumption.queue in self._declared:
                    await self.declare([self._declared[consumption.queue]])
                raise

    async def check(self, queues: Sequence[str]) -> None:
        """See `Broker.check`."""
        async with self._asking("check") as channel, asyncio.timeout(PUBLISH_LIMIT_SECONDS):
            for queue in queues:
                await self._topology.check(channel, queue)

    async def count(self, queue: str) -> Depth:
        """See `Broker.count`."""
        names = (self._topology.queue(queue), self._topology.dead_queue(queue))
        async with self._asking("count") as channel:
            found = [
                await channel.declare_queue(name, passive=True, timeout=PUBLISH_LIMIT_SECONDS)
                for name in names
            ]
        due, dead = (one.declaration_result.message_count or 0 for one in found)
        return Depth(due, dead)

    async def list_dead(self, queue: str, *, limit: int = 100) -> list[DeadMessage]:
        """See `Broker.list_dead`."""
        async with self._asking("dead letters") as channel:
            # taken without acknowledgement: closing the channel puts them back
            return [unpack_dead(incoming) for incoming in await self._take_dead(channel, queue, limit)]

    async def replay_dead(self, queue: str, ids: Collection[UUID] | None = None) -> int:
        """See `Broker.replay_dead`."""
        async with self._asking("dead letters") as channel:
            taken = await self._take_dead(channel, queue)
            chosen = [incoming for incoming in taken if ids is None or id_of(incoming) in ids]
            own = self._topology.queue(queue)
            outcomes = await self._sender.send([Letter("", own, repack(incoming)) for incoming in chosen])
            sent = [incoming for incoming, why in zip(chosen, outcomes, strict=True) if why is None]
            for incoming in sent:
                await incoming.ack()
            return len(sent)

    @asynccontextmanager
    async def _asking(self, purpose: str) -> AsyncIterator[AbstractChannel]:
        """Open a channel for questions; what the server or the network answers instead becomes `Transient`."""
        try:
            async with open_channel(self._url, purpose) as channel:
                yield channel
        except LOST as error:
            raise Transient(f"The broker says to {purpose}: {error!r}") from error

    async def _take_dead(
        self, channel: AbstractChannel, queue: str, limit: int | None = None
    ) -> list[AbstractIncomingMessage]:
        dead = await channel.declare_queue(
            self._topology.dead_queue(queue), passive=True, timeout=PUBLISH_LIMIT_SECONDS
        )
        waiting = dead.declaration_result.message_count or 0
        taken: list[AbstractIncomingMessage] = []
        for _ in range(min(waiting, waiting if limit is None else limit)):
            if incoming := await dead.get(fail=False, timeout=PUBLISH_LIMIT_SECONDS):
                taken.append(incoming)
        return taken


def _describe(task: asyncio.Task[None]) -> str:
    return "cancelled by the driver" if task.cancelled() else repr(task.exception())
