"""What only RabbitMQ has to be proved for: the words of its safety, and coming back after losses."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, DeliveryMode

from tests.kit.brokers import Notebook, consuming, delete_topology, message, until
from tests.kit.proxy import Proxy
from theatre.kit.broker import Dead, Retry, Subscription, Unpublished, rabbit_sender
from theatre.kit.broker.rabbit import RabbitBroker
from theatre.kit.errors import Transient

PAYMENTS = Subscription("settling", ("payment.#",))
TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


@pytest.fixture
async def channel(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    """A channel past our code: what the server really holds."""
    async with await aio_pika.connect(amqp_url) as connection:
        yield await connection.channel()


@pytest.fixture
async def proxy(amqp_url: str) -> AsyncIterator[Proxy]:
    """A way to RabbitMQ that can fail."""
    async with Proxy(amqp_url) as way:
        yield way


@pytest.fixture
async def distant(proxy: Proxy, rabbit: RabbitBroker, exchange: str) -> AsyncIterator[RabbitBroker]:
    """The broker seen through the proxy; `rabbit` sees the same exchange directly."""
    await rabbit.declare([PAYMENTS])
    async with RabbitBroker(proxy.url, exchange=exchange) as broker:
        yield broker
        proxy.thaw()


async def test_persistent_a_message_is_written_to_disk_with_its_id_key_and_trace(
    rabbit: RabbitBroker, exchange: str, channel: AbstractChannel
) -> None:
    await rabbit.declare([PAYMENTS])
    await rabbit.publish([sent := message(trace=TRACE)])
    queue = await channel.declare_queue(f"{exchange}.settling", passive=True)
    found = await queue.get()
    assert found.delivery_mode == DeliveryMode.PERSISTENT
    assert (found.message_id, found.routing_key, found.type) == (str(sent.id), sent.key, sent.key)
    assert found.headers == {"traceparent": TRACE}


@pytest.mark.parametrize("verdict", [Retry(600), Dead("no")])
async def test_persistent_a_message_set_aside_stays_written_to_disk(
    rabbit: RabbitBroker, exchange: str, channel: AbstractChannel, verdict: Retry | Dead
) -> None:
    await rabbit.declare([PAYMENTS])
    await rabbit.publish([sent := message(trace=TRACE)])
    aside = await channel.declare_queue(
        f"{exchange}.settling.{'dead' if isinstance(verdict, Dead) else 'retry.600s'}", passive=True
    )
    found: list[aio_pika.abc.AbstractIncomingMessage] = []

    async def arrived() -> bool:
        found.extend(filter(None, [await aside.get(fail=False)]))
        return bool(found)

    async with consuming(rabbit, "settling", Notebook([verdict])):
        await until(arrived)
    assert found[0].delivery_mode == DeliveryMode.PERSISTENT
    assert (found[0].message_id, found[0].type, found[0].headers["traceparent"]) == (
        str(sent.id),
        sent.key,
        TRACE,
    )


async def test_mandatory_a_missing_queue_is_noticed(
    rabbit: RabbitBroker, exchange: str, channel: AbstractChannel
) -> None:
    """F-B8"""
    await rabbit.declare([PAYMENTS])
    await rabbit.publish([message()])
    await channel.queue_delete(f"{exchange}.settling")
    with pytest.raises(Unpublished) as caught:
        await rabbit.publish([lost := message()])
    assert list(caught.value.refused) == [lost.id]


async def test_a_missing_exchange_is_noticed_and_publishing_goes_on_when_it_is_back(
    rabbit: RabbitBroker, exchange: str, channel: AbstractChannel
) -> None:
    await rabbit.declare([PAYMENTS])
    await channel.exchange_delete(exchange)
    with pytest.raises(Unpublished) as caught:
        await rabbit.publish([lost := message(), other := message()])
    assert caught.value.unsent == {lost.id, other.id}
    await rabbit.declare([PAYMENTS])
    await rabbit.publish([lost, other])


async def test_a_full_queue_refuses_and_that_is_noticed(
    rabbit: RabbitBroker, exchange: str, channel: AbstractChannel
) -> None:
    """F-B9"""
    await rabbit.declare([PAYMENTS])
    narrow = await channel.declare_queue(
        f"{exchange}.other", durable=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"}
    )
    await narrow.bind(exchange, "narrow.*")
    await rabbit.publish([message("narrow.first")])
    with pytest.raises(Unpublished) as caught:
        await rabbit.publish([second := message("narrow.second"), message()])
    assert caught.value.unsent == {second.id}
    assert list(caught.value.refused) == [second.id]


async def test_confirm_what_the_server_never_confirmed_counts_as_not_sent(
    distant: RabbitBroker, proxy: Proxy
) -> None:
    await distant.publish([message()])
    proxy.mute()
    with pytest.raises(Unpublished) as caught:
        await distant.publish([sent := message()])
    assert caught.value.unsent == {sent.id}
    assert not caught.value.refused


@pytest.mark.parametrize("connected", [True, False])
async def test_timeout_publishing_to_a_frozen_server_fails_within_5_seconds(
    distant: RabbitBroker, proxy: Proxy, connected: bool
) -> None:
    if connected:
        await distant.publish([message()])
    proxy.freeze()
    began = time.monotonic()
    with pytest.raises(Unpublished):
        await distant.publish([message(), message()])
    assert 4 < time.monotonic() - began < 5.8
    proxy.thaw()
    await distant.publish([message()])


async def test_publishing_to_nobody_fails_at_once() -> None:
    async with RabbitBroker("amqp://guest:guest@127.0.0.1:9/", exchange="none") as broker:
        with pytest.raises(Unpublished):
            await broker.publish([message()])
        with pytest.raises(Transient):
            await broker.declare([PAYMENTS])
        with pytest.raises(Transient):
            await broker.list_dead("settling")


async def test_publishing_goes_on_after_a_cut(distant: RabbitBroker, proxy: Proxy) -> None:
    await distant.publish([message()])
    proxy.cut()
    sent = message()

    async def accepted() -> bool:
        try:
            await distant.publish([sent])
        except Unpublished:
            return False
        return True

    await until(accepted)


async def test_consumption_resumes_after_each_of_three_cuts(
    distant: RabbitBroker, rabbit: RabbitBroker, proxy: Proxy
) -> None:
    notebook = Notebook()
    async with consuming(distant, "settling", notebook):
        for number in range(3):
            await rabbit.publish([sent := message()])
            await until(lambda id=sent.id: id in notebook.ids)  # type: ignore[misc]
            proxy.cut()
            assert len(set(notebook.ids)) == number + 1


async def test_what_was_at_work_during_a_cut_is_delivered_again_as_redelivered(
    distant: RabbitBroker, rabbit: RabbitBroker, proxy: Proxy
) -> None:
    await rabbit.publish([sent := message()])
    notebook = Notebook()

    async def cut_first(each: object, redelivered: bool) -> object:
        if not redelivered:
            proxy.cut()
            await asyncio.sleep(0.1)
        return await notebook.receive(sent, redelivered)

    task = asyncio.create_task(distant.consume("settling", cut_first))  # type: ignore[arg-type]
    await until(lambda: (sent, True) in notebook.seen)
    task.cancel()
    await asyncio.wait([task])


async def test_a_queue_that_was_lost_is_declared_again_and_consumption_resumes(
    rabbit: RabbitBroker, exchange: str, channel: AbstractChannel
) -> None:
    await rabbit.declare([PAYMENTS])
    notebook = Notebook()
    async with consuming(rabbit, "settling", notebook):
        await rabbit.publish([first := message()])
        await until(lambda: notebook.ids == [first.id])
        for name in (f"{exchange}.settling", f"{exchange}.settling.dead"):
            await channel.queue_delete(name)
        await channel.exchange_delete(exchange)
        second = message()

        async def accepted() -> bool:
            try:
                await rabbit.publish([second])
            except Unpublished:
                return False
            return True

        await until(accepted)
        await until(lambda: second.id in notebook.ids)
    await rabbit.check(["settling"])


@pytest.mark.parametrize("message_id", ["42", "not-a-uuid"])
async def test_a_message_without_a_proper_id_dies_with_its_headers_and_the_next_one_flows(
    rabbit: RabbitBroker, exchange: str, channel: AbstractChannel, message_id: str
) -> None:
    await rabbit.declare([PAYMENTS])
    by_hand = aio_pika.Message(b"?", message_id=message_id, headers={"sender": "hand"})
    topic = await channel.get_exchange(exchange)
    await topic.publish(by_hand, "payment.by.hand")
    await rabbit.publish([behind := message()])
    notebook = Notebook()
    async with consuming(rabbit, "settling", notebook, concurrency=1):
        await until(lambda: notebook.ids == [behind.id], seconds=5)
    [dead] = await rabbit.list_dead("settling")
    assert (dead.id, dead.key, dead.body) == (None, "payment.by.hand", b"?")
    assert dead.reason == "no message id that is a UUID"
    assert dead.headers["sender"] == "hand"


async def test_nothing_is_dropped_when_the_dead_queue_is_missing(
    rabbit: RabbitBroker, exchange: str, channel: AbstractChannel
) -> None:
    await rabbit.declare([PAYMENTS])
    await channel.queue_delete(f"{exchange}.settling.dead")
    with pytest.raises(Transient, match="dead"):
        await rabbit.check(["settling"])
    await rabbit.publish([sent := message()])
    notebook = Notebook([Dead("no"), Dead("no")])
    async with consuming(rabbit, "settling", notebook):
        await until(lambda: notebook.ids == [sent.id] * 3)


async def test_quorum_queues_carry_messages_too(amqp_url: str) -> None:
    exchange = f"test-{uuid4().hex[:12]}"
    async with RabbitBroker(amqp_url, exchange=exchange, queue_type="quorum") as broker:
        await broker.declare([PAYMENTS])
        await broker.publish([sent := message()])
        notebook = Notebook([Retry(1)])
        async with consuming(broker, "settling", notebook):
            await until(lambda: notebook.ids == [sent.id, sent.id])
        await broker.check(["settling"])
    await delete_topology(amqp_url, exchange)


async def test_a_consumer_of_a_queue_that_is_not_there_yet_waits_for_it(
    rabbit: RabbitBroker, amqp_url: str, exchange: str
) -> None:
    notebook = Notebook()
    another = RabbitBroker(amqp_url, exchange=exchange)
    async with another, consuming(another, "settling", notebook):
        await asyncio.sleep(0.2)
        await rabbit.declare([PAYMENTS])
        await rabbit.publish([sent := message()])
        await until(lambda: notebook.ids == [sent.id])


async def test_a_consumer_notices_a_frozen_server_by_its_heartbeat(
    distant: RabbitBroker, rabbit: RabbitBroker, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rabbit_sender, "HEARTBEAT_SECONDS", 1)
    notebook = Notebook()
    async with consuming(distant, "settling", notebook):
        await rabbit.publish([first := message()])
        await until(lambda: notebook.ids == [first.id])
        proxy.freeze()
        arrivals = proxy.arrivals
        await until(lambda: proxy.arrivals > arrivals)
        proxy.thaw()
        await rabbit.publish([second := message()])
        await until(lambda: second.id in notebook.ids)


def test_a_frozen_server_is_noticed_within_half_a_minute() -> None:
    """The driver waits for three intervals and one second each, and looks every half interval."""
    interval = rabbit_sender.HEARTBEAT_SECONDS
    assert 3 * (interval + 1) + interval <= 30
