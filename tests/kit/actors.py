"""The stage's worker, and the same as a process of its own that can be killed: `python -m tests.kit.actors`."""

import asyncio
import os
import sys
from typing import Any

from tests.kit.stage import Effect, InboxMessage, Played, Resources, open_engine
from theatre.kit.broker import Broker, Done, Message, Verdict, release_claims
from theatre.kit.broker.embedded import EmbeddedBroker
from theatre.kit.broker.rabbit import RabbitBroker
from theatre.kit.clock import SystemClock
from theatre.kit.db import Session, sessions_of
from theatre.kit.errors import Conflict, Transient
from theatre.kit.events import Envelope
from theatre.kit.worker import Consumer, Worker

COMMITTED = "committed"


class Refusal(Conflict):
    """The stage's own domain error."""

    code = "stage.refused"


def make_consumer() -> Consumer[Resources]:
    """Make a consumer whose verbs do what the fact's name says."""
    consumer: Consumer[Resources] = Consumer("settling", InboxMessage)

    @consumer.on(Played)
    async def settle(session: Session, event: Played, message: Envelope, resources: Resources) -> None:
        session.add(Effect(name=event.name))
        await session.flush()
        act(event.name)

    return consumer


def act(name: str) -> None:
    """Fail as named."""
    if name == "refuse":
        raise Refusal("not this one")
    if name == "break":
        raise ZeroDivisionError("a defect")
    if name == "away":
        raise Transient("billing is away")
    if name == "kill":
        os._exit(9)


class Mortal(Broker):
    """Stops between the commit and the acknowledgement, and says so, so that somebody can kill us there."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    async def declare(self, subscriptions: Any) -> None:
        await self._broker.declare(subscriptions)

    async def consume(self, queue: str, receive: Any, *, concurrency: int = 8) -> None:
        async def stop_before_acknowledging(message: Message, redelivered: bool) -> Verdict:
            verdict = await receive(message, redelivered)
            assert verdict == Done()
            sys.stdout.write(f"{COMMITTED}\n")
            sys.stdout.flush()
            await asyncio.Event().wait()
            raise AssertionError

        await self._broker.consume(queue, stop_before_acknowledging, concurrency=concurrency)


def open_broker(url: str, exchange: str) -> EmbeddedBroker | RabbitBroker:
    """Open the member that the address is for."""
    if url.startswith("amqp"):
        return RabbitBroker(url, exchange=exchange)
    return EmbeddedBroker(url, exchange=exchange)


async def main(database_url: str, broker_url: str, exchange: str, mortal: str) -> None:
    """Run the worker until killed."""
    engine = open_engine(database_url)
    if not broker_url.startswith("amqp"):
        await release_claims(broker_url)
    async with open_broker(broker_url, exchange) as broker:
        port: Broker = Mortal(broker) if mortal else broker  # type: ignore[abstract]
        resources = Resources(engine, sessions_of(engine), SystemClock(), port)
        await Worker(resources, [make_consumer()]).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
