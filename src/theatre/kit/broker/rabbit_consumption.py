"""Consuming one RabbitMQ queue over one connection, until either is lost."""

import asyncio
from typing import Any, cast

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from theatre.kit.broker.port import PUBLISH_LIMIT_SECONDS, Dead, Done, Receive, Retry, Verdict
from theatre.kit.broker.rabbit_letters import Letter, repack, unpack
from theatre.kit.broker.rabbit_sender import LOST, Sender
from theatre.kit.broker.rabbit_topology import Topology
from theatre.kit.logging import get_logger
from theatre.kit.tasks import end

REQUEUE_PAUSE_SECONDS = 1.0

log = get_logger(__name__)


class Consumption:
    """Takes deliveries, asks `receive` about each and carries out its verdict."""

    def __init__(self, topology: Topology, sender: Sender, *, queue: str, receive: Receive) -> None:
        self.queue = queue
        self._topology = topology
        self._sender = sender
        self._receive = receive
        self._lost = asyncio.Event()
        self._at_work: set[asyncio.Task[Any]] = set()
        self._source: AbstractQueue | None = None
        self._tag: str | None = None

    async def run(self, channel: AbstractChannel) -> None:
        """Consume until the channel closes or the broker takes the queue away."""
        name = self._topology.queue(self.queue)
        self._source = await channel.declare_queue(name, passive=True, timeout=PUBLISH_LIMIT_SECONDS)
        channel.close_callbacks.add(self._lose)
        underlay = await channel.get_underlay_channel()
        underlay.on_consumer_cancel_callbacks.add(self._lose)
        self._tag = await self._source.consume(self._deliver, timeout=PUBLISH_LIMIT_SECONDS)
        log.info("rabbit.consuming", queue=self.queue)
        await self._lost.wait()

    async def stop(self) -> None:
        """Take no more, and let those at work finish."""
        if self._source is not None and self._tag is not None and not self._lost.is_set():
            try:
                await self._source.cancel(self._tag, timeout=PUBLISH_LIMIT_SECONDS)
            except LOST as error:
                log.info("rabbit.cancel_failed", queue=self.queue, error=repr(error))
        await end(self._at_work)

    def _lose(self, *_: object) -> None:
        self._lost.set()

    async def _deliver(self, incoming: AbstractIncomingMessage) -> None:
        task = cast(asyncio.Task[Any], asyncio.current_task())
        self._at_work.add(task)
        settled = False
        try:
            await self._carry_out(await self._judge(incoming), incoming)
            settled = True
        except LOST as error:
            log.warning("rabbit.delivery_lost", queue=self.queue, error=repr(error))
        finally:
            self._at_work.discard(task)
            if not settled:
                # never acknowledged: it comes again once this channel is closed
                self._lost.set()

    async def _judge(self, incoming: AbstractIncomingMessage) -> Verdict:
        if (message := unpack(incoming)) is None:
            return Dead("no message id that is a UUID")
        return await self._receive(message, bool(incoming.redelivered))

    async def _carry_out(self, verdict: Verdict, incoming: AbstractIncomingMessage) -> None:
        if isinstance(verdict, Done) or await self._move(incoming, self._address(verdict, incoming)):
            await incoming.ack()
        else:
            # its next queue is missing or full: keep it here rather than lose it
            await asyncio.sleep(REQUEUE_PAUSE_SECONDS)
            await incoming.reject(requeue=True)

    def _address(self, verdict: Retry | Dead, incoming: AbstractIncomingMessage) -> Letter:
        if isinstance(verdict, Retry):
            retry_queue = self._topology.retry_queue(self.queue, verdict.delay_seconds)
            return Letter("", retry_queue, repack(incoming))
        # moved by a confirmed publish: `reject` dead-letters at most once and cannot say why
        own = self._topology.queue(self.queue)
        return Letter(self._topology.dead_exchange, own, repack(incoming, reason=verdict.reason))

    async def _move(self, incoming: AbstractIncomingMessage, letter: Letter) -> bool:
        [why] = await self._sender.send([letter])
        if why is not None:
            log.warning("rabbit.move_failed", to=letter.routing_key, id=incoming.message_id, error=repr(why))
        return why is None
