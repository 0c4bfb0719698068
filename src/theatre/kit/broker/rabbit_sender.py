"""Sending to RabbitMQ: mandatory, confirmed, within 5 s.

A connection that failed once is thrown away: what a blocked or half-dead one would do next is unknown.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, DeliveryError

from theatre.kit.broker.port import PUBLISH_LIMIT_SECONDS
from theatre.kit.broker.rabbit_letters import Letter
from theatre.kit.logging import get_logger

LOST = (*CONNECTION_EXCEPTIONS, TimeoutError)
# three missed intervals count as dead: a frozen broker is noticed within 20 s
HEARTBEAT_SECONDS = 5
CLOSE_LIMIT_SECONDS = 2.0

log = get_logger(__name__)


async def connect(url: str, purpose: str) -> AbstractConnection:
    """Open a plain connection; `purpose` is the name that the broker's own tools show."""
    return await aio_pika.connect(
        url,
        timeout=PUBLISH_LIMIT_SECONDS,
        heartbeat=HEARTBEAT_SECONDS,
        client_properties={"connection_name": f"theatre {purpose}"},
    )


async def disconnect(connection: AbstractConnection) -> None:
    """Close politely if the other side still answers, else by force."""
    try:
        async with asyncio.timeout(CLOSE_LIMIT_SECONDS):
            await connection.close()
    except LOST as error:
        log.debug("rabbit.close_failed", error=repr(error))


class Sender:
    """One connection and channel for everything a process sends; opened when first needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opening = asyncio.Lock()
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    async def send(self, letters: Sequence[Letter]) -> list[BaseException | None]:
        """Send all at once; give for each None (confirmed) or why not (`DeliveryError`: the broker
        refused).
        """
        if not letters:
            return []
        deadline = asyncio.get_running_loop().time() + PUBLISH_LIMIT_SECONDS
        try:
            async with asyncio.timeout_at(deadline):
                channel = await self._open()
        except LOST as error:
            self._drop()
            return [error] * len(letters)
        tasks = [asyncio.create_task(self._confirm(channel, letter)) for letter in letters]
        try:
            await asyncio.wait(tasks, timeout=deadline - asyncio.get_running_loop().time())
        finally:
            for task in tasks:
                task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        if any(outcome and not isinstance(outcome, DeliveryError) for outcome in outcomes):
            self._drop(channel)
        return outcomes

    async def _confirm(self, channel: AbstractChannel, letter: Letter) -> None:
        exchange = await channel.get_exchange(letter.exchange, ensure=False)
        await exchange.publish(letter.content, letter.routing_key, mandatory=True)

    async def _open(self) -> AbstractChannel:
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                self._drop()
                self._connection = await connect(self._url, "sender")
                # without on_return_raises an unroutable message would be lost in silence
                self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
            return self._channel

    def _drop(self, channel: AbstractChannel | None = None) -> None:
        """Let go of the connection (if `channel` is still its channel); nobody waits for it to close."""
        if self._connection is not None and channel in (None, self._channel):
            leaving = asyncio.create_task(disconnect(self._connection))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
            self._connection = self._channel = None

    async def close(self) -> None:
        """Close the connection; another send would open a new one."""
        self._drop()
        if self._leaving:
            await asyncio.wait(self._leaving)


@asynccontextmanager
async def open_channel(url: str, purpose: str) -> AsyncIterator[AbstractChannel]:
    """Open a connection of its own with one channel, for reading or declaring."""
    connection = await connect(url, purpose)
    try:
        async with asyncio.timeout(PUBLISH_LIMIT_SECONDS):
            channel = await connection.channel(publisher_confirms=False)
        yield channel
    finally:
        await disconnect(connection)
