"""Facts from the transaction that makes them to the one that settles them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.kit.brokers import until
from tests.kit.stage import (
    Cheered,
    Effect,
    InboxMessage,
    OutboxMessage,
    Played,
    Resources,
    count_effects,
)
from theatre.kit.db import Session
from theatre.kit.events import Envelope
from theatre.kit.ids import new_id
from theatre.kit.outbox import Relay, emit
from theatre.kit.worker import Consumer, Job, Worker


def make_consumer() -> Consumer[Resources]:
    consumer: Consumer[Resources] = Consumer("settling", InboxMessage)

    @consumer.on(Played)
    async def settle(session: Session, event: Played, message: Envelope, resources: Resources) -> None:
        session.add(Effect(name=event.name))

    return consumer


@asynccontextmanager
async def running(worker: Worker[Any]) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_committed_fact_has_its_effect_once(resources: Resources) -> None:
    relay = Relay(resources.engine, OutboxMessage, resources.broker, clock=resources.clock)
    async with running(Worker(resources, [make_consumer()], [relay])):
        async with resources.sessions.begin() as session:
            now = resources.clock.now()
            emit(session, OutboxMessage, Played(name="hamlet"), aggregate_id=new_id(), now=now)

        async def settled() -> bool:
            return await count_effects(resources.sessions, "hamlet") == 1

        await until(settled)
