"""What only the embedded broker has to be proved for: it is a table, and its consumers die."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from sqlalchemy import text

from tests.kit.brokers import Notebook, consuming, message, until
from tests.kit.proxy import Proxy
from theatre.kit import db
from theatre.kit.broker import (
    Done,
    Subscription,
    Unpublished,
    embedded_consumption,
    embedded_rows,
    release_claims,
)
from theatre.kit.broker.embedded import EmbeddedBroker
from theatre.kit.errors import Transient

PAYMENTS = Subscription("settling", ("payment.#",))


@pytest.fixture
async def engine(broker_database_url: str) -> AsyncIterator[db.Engine]:
    """The broker's tables past our code."""
    opened = db.open_engine(broker_database_url, role="broker")
    yield opened
    await opened.dispose()


async def claim(engine: db.Engine, exchange: str, lease_seconds: float) -> list[Any]:
    """Claim like a consumer that then dies."""
    return await embedded_rows.fetch(engine, embedded_rows.CLAIM, f"{exchange}.settling", 10, lease_seconds)


async def test_messages_outlive_the_process(
    embedded: EmbeddedBroker, broker_database_url: str, exchange: str
) -> None:
    await embedded.declare([PAYMENTS])
    await embedded.publish([sent := message()])
    notebook = Notebook()
    another = EmbeddedBroker(broker_database_url, exchange=exchange)
    async with another, consuming(another, "settling", notebook):
        await until(lambda: notebook.ids == [sent.id])


async def test_handled_messages_leave_no_row(
    embedded: EmbeddedBroker, engine: db.Engine, exchange: str
) -> None:
    await embedded.declare([PAYMENTS])
    await embedded.publish([message() for _ in range(50)])
    notebook = Notebook()
    async with consuming(embedded, "settling", notebook):
        await until(lambda: len(notebook.seen) == 50)
    async with engine.connect() as connection:
        count = "SELECT count(*) FROM broker.message WHERE queue = :queue"
        assert await connection.scalar(text(count), {"queue": f"{exchange}.settling"}) == 0


async def test_a_message_published_twice_waits_once(embedded: EmbeddedBroker) -> None:
    await embedded.declare([PAYMENTS])
    sent, marker = message(), message()
    await embedded.publish([sent])
    await embedded.publish([sent, marker])
    notebook = Notebook()
    async with consuming(embedded, "settling", notebook, concurrency=1):
        await until(lambda: marker.id in notebook.ids)
    assert notebook.ids == [sent.id, marker.id]


async def test_what_a_killed_consumer_held_comes_back_after_its_lease(
    embedded: EmbeddedBroker, engine: db.Engine, exchange: str
) -> None:
    await embedded.declare([PAYMENTS])
    await embedded.publish([sent := message()])
    assert len(await claim(engine, exchange, 1.0)) == 1
    assert await claim(engine, exchange, 1.0) == []
    notebook = Notebook()
    async with consuming(embedded, "settling", notebook):
        await until(lambda: notebook.seen == [(sent, True)])


async def test_a_house_that_is_alone_gets_back_at_once_what_its_last_run_held(
    embedded: EmbeddedBroker, engine: db.Engine, exchange: str, broker_database_url: str
) -> None:
    await embedded.declare([PAYMENTS])
    await embedded.publish([sent := message()])
    await claim(engine, exchange, 3600.0)
    await release_claims(broker_database_url)
    notebook = Notebook()
    async with consuming(embedded, "settling", notebook):
        await until(lambda: notebook.seen == [(sent, True)])


async def test_a_message_at_work_for_longer_than_its_lease_is_not_delivered_twice(
    embedded: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_consumption, "LEASE_SECONDS", 0.6)
    await embedded.declare([PAYMENTS])
    await embedded.publish([message()])
    seen = []

    async def receive(each: object, redelivered: bool) -> Any:
        seen.append(redelivered)
        await asyncio.sleep(2)
        return Done()

    first = asyncio.create_task(embedded.consume("settling", receive))
    await until(lambda: len(seen) == 1)
    second = asyncio.create_task(embedded.consume("settling", receive))
    await asyncio.sleep(1.5)
    for task in (first, second):
        task.cancel()
    await asyncio.wait([first, second])
    assert seen == [False]


async def test_a_consumer_is_woken_and_does_not_wait_for_its_next_look(
    embedded: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_consumption, "POLL_SECONDS", 60.0)
    await embedded.declare([PAYMENTS])
    notebook = Notebook()
    async with consuming(embedded, "settling", notebook):
        for _ in range(3):
            await embedded.publish([sent := message()])
            await until(lambda id=sent.id: id in notebook.ids)  # type: ignore[misc]


async def test_consumption_resumes_after_the_database_cut_every_connection(
    broker_database_url: str, embedded: EmbeddedBroker, exchange: str
) -> None:
    await embedded.declare([PAYMENTS])
    notebook = Notebook()
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(Proxy(broker_database_url))
        distant = await stack.enter_async_context(EmbeddedBroker(proxy.url, exchange=exchange))
        await stack.enter_async_context(consuming(distant, "settling", notebook))
        for _ in range(2):
            await embedded.publish([sent := message()])
            await until(lambda id=sent.id: id in notebook.ids)  # type: ignore[misc]
            proxy.cut()


@pytest.mark.parametrize("connected", [True, False])
async def test_timeout_publishing_into_a_frozen_database_fails_within_5_seconds(
    broker_database_url: str, embedded: EmbeddedBroker, exchange: str, connected: bool
) -> None:
    await embedded.declare([PAYMENTS])
    async with Proxy(broker_database_url) as proxy, EmbeddedBroker(proxy.url, exchange=exchange) as distant:
        if connected:
            await distant.publish([message()])
        proxy.freeze()
        began = time.monotonic()
        with pytest.raises(Unpublished):
            await distant.publish([message()])
        assert 4 < time.monotonic() - began < 6
        proxy.thaw()
        await distant.publish([message()])


async def test_publishing_without_a_database_fails() -> None:
    async with EmbeddedBroker("postgresql://postgres@127.0.0.1:9/none") as broker:
        with pytest.raises(Unpublished):
            await broker.publish([message()])
        with pytest.raises(Transient):
            await broker.check(["settling"])
