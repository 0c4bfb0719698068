"""What both brokers promise, proved by the same tests."""

import asyncio
import time
from uuid import UUID

import pytest

from tests.kit.brokers import Notebook, consuming, message, until
from theatre.kit.broker import (
    Broker,
    Dead,
    DeadMessage,
    Depth,
    Done,
    Message,
    Retry,
    Subscription,
    Unpublished,
    Verdict,
)
from theatre.kit.errors import Transient

PAYMENTS = Subscription("settling", ("payment.attempt.*", "payment.refund.#"))
ALL = Subscription("telling", ("#",))
TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


async def test_a_published_message_is_delivered_whole(broker: Broker) -> None:
    await broker.declare([PAYMENTS])
    sent = message(body='{"имя": "Д\\u0000"}'.encode(), trace=TRACE)
    await broker.publish([sent])
    notebook = Notebook()
    async with consuming(broker, "settling", notebook):
        await until(lambda: len(notebook.seen) == 1)
    assert notebook.seen == [(sent, False)]


async def test_every_queue_that_wants_a_message_gets_its_own_copy(broker: Broker) -> None:
    await broker.declare([PAYMENTS, ALL])
    wanted, foreign = message("payment.refund.failed"), message("billing.payment.paid")
    await broker.publish([wanted, foreign])
    settling, telling = Notebook(), Notebook()
    async with consuming(broker, "settling", settling), consuming(broker, "telling", telling):
        await until(lambda: len(settling.seen) == 1 and len(telling.seen) == 2)
    assert settling.ids == [wanted.id]
    assert set(telling.ids) == {wanted.id, foreign.id}


async def test_a_queue_gets_a_message_once_though_two_of_its_patterns_take_it(broker: Broker) -> None:
    await broker.declare([Subscription("settling", ("payment.attempt.*", "payment.#"))])
    sent, marker = message("payment.attempt.failed"), message("payment.over")
    await broker.publish([sent])
    await broker.publish([marker])
    notebook = Notebook()
    async with consuming(broker, "settling", notebook, concurrency=1):
        await until(lambda: marker.id in notebook.ids)
    assert notebook.ids == [sent.id, marker.id]


async def test_mandatory_a_message_that_no_queue_wants_is_refused_and_the_others_are_not(
    broker: Broker,
) -> None:
    await broker.declare([PAYMENTS])
    lost, sent = message("nobody.hears.this"), message()
    with pytest.raises(Unpublished) as caught:
        await broker.publish([lost, sent])
    assert caught.value.unsent == {lost.id}
    assert list(caught.value.refused) == [lost.id]
    notebook = Notebook()
    async with consuming(broker, "settling", notebook):
        await until(lambda: notebook.ids == [sent.id])


async def test_publishing_nothing_does_nothing(broker: Broker) -> None:
    await broker.publish([])


async def test_declaring_again_keeps_what_is_waiting(broker: Broker) -> None:
    await broker.declare([PAYMENTS])
    await broker.publish([sent := message()])
    await broker.declare([PAYMENTS, PAYMENTS])
    notebook = Notebook()
    async with consuming(broker, "settling", notebook):
        await until(lambda: notebook.ids == [sent.id])


async def test_a_batch_of_a_thousand_arrives(broker: Broker) -> None:
    await broker.declare([PAYMENTS])
    sent = [message() for _ in range(1000)]
    await broker.publish(sent)
    notebook = Notebook()
    async with consuming(broker, "settling", notebook, concurrency=32):
        await until(lambda: len(notebook.seen) == 1000)
    assert set(notebook.ids) == {each.id for each in sent}


async def test_a_message_to_be_retried_comes_again_after_its_delay(broker: Broker) -> None:
    await broker.declare([PAYMENTS])
    sent = message(trace=TRACE)
    await broker.publish([sent])
    notebook = Notebook([Retry(1)])
    async with consuming(broker, "settling", notebook):
        await until(lambda: len(notebook.seen) == 1)
        began = time.monotonic()
        await until(lambda: len(notebook.seen) == 2)
    assert time.monotonic() - began >= 0.9
    assert notebook.seen == [(sent, False), (sent, False)]


async def test_a_message_can_be_retried_often(broker: Broker) -> None:
    await broker.declare([PAYMENTS])
    await broker.publish([sent := message()])
    notebook = Notebook([Retry(1), Retry(0.5), Retry(1)])
    async with consuming(broker, "settling", notebook):
        await until(lambda: len(notebook.seen) == 4)
    assert notebook.ids == [sent.id] * 4


async def test_a_waiting_message_does_not_block_the_queue(broker: Broker) -> None:
    await broker.declare([PAYMENTS])
    await broker.publish([message()])
    notebook = Notebook([Retry(30)])
    async with consuming(broker, "settling", notebook, concurrency=1):
        await until(lambda: len(notebook.seen) == 1)
        await broker.publish([behind := message()])
        await until(lambda: notebook.ids[-1] == behind.id, seconds=5)


async def test_a_dead_message_is_put_aside_with_its_reason_and_the_queue_keeps_flowing(
    broker: Broker,
) -> None:
    await broker.declare([PAYMENTS])
    poison = message(body=b"poison", trace=TRACE)
    await broker.publish([poison])
    notebook = Notebook([Dead("it is poison")])
    async with consuming(broker, "settling", notebook, concurrency=1):
        await until(lambda: len(notebook.seen) == 1)
        await broker.publish([behind := message()])
        await until(lambda: notebook.ids == [poison.id, behind.id], seconds=5)
        [dead] = await list_dead_of(broker, 1)
    assert (dead.id, dead.key, dead.body) == (poison.id, poison.key, b"poison")
    assert dead.reason == "it is poison"
    assert dead.headers["traceparent"] == TRACE


async def test_looking_at_dead_messages_leaves_them_there(broker: Broker) -> None:
    ids = await bury(broker, 3)
    assert len(await broker.list_dead("settling", limit=2)) == 2
    assert {dead.id for dead in await list_dead_of(broker, 3)} == ids


async def test_what_is_due_and_what_is_dead_is_counted(broker: Broker) -> None:
    await bury(broker, 3)
    await broker.publish([message(), message()])

    async def is_counted() -> bool:
        return await broker.count("settling") == Depth(due=2, dead=3)

    # a server counts when it is done, which may be a moment after it said so
    async with asyncio.timeout(10):
        while not await is_counted():
            await asyncio.sleep(0.05)


async def test_a_queue_that_is_not_there_has_no_number(broker: Broker) -> None:
    with pytest.raises(Transient):
        await broker.count("settling")


async def test_chosen_dead_messages_are_replayed_once(broker: Broker) -> None:
    ids = await bury(broker, 3)
    chosen = next(iter(ids))
    assert await broker.replay_dead("settling", [chosen, message().id]) == 1
    notebook = Notebook()
    async with consuming(broker, "settling", notebook):
        await until(lambda: notebook.ids == [chosen])
        assert {dead.id for dead in await list_dead_of(broker, 2)} == ids - {chosen}
    assert await broker.replay_dead("settling", []) == 0


async def test_all_dead_messages_are_replayed_and_a_still_poisonous_one_dies_again(broker: Broker) -> None:
    ids = await bury(broker, 3)
    assert await broker.replay_dead("settling") == 3
    notebook = Notebook([Dead("still poison")])
    async with consuming(broker, "settling", notebook):
        await until(lambda: len(notebook.seen) == 3)
        [dead] = await list_dead_of(broker, 1)
    assert set(notebook.ids) == ids
    assert dead.reason == "still poison"


async def test_no_more_messages_are_at_work_than_allowed(broker: Broker) -> None:
    await broker.declare([PAYMENTS])
    await broker.publish([message() for _ in range(20)])
    at_work: set[Message] = set()
    peak: list[int] = []

    async def receive(each: Message, _: bool) -> Verdict:
        at_work.add(each)
        peak.append(len(at_work))
        await asyncio.sleep(0.01)
        at_work.discard(each)
        return Done()

    task = asyncio.create_task(broker.consume("settling", receive, concurrency=3))
    await until(lambda: len(peak) == 20)
    task.cancel()
    await asyncio.wait([task])
    assert max(peak) == 3


async def test_cancelled_it_finishes_what_is_at_work_and_leaves_the_rest_for_others(broker: Broker) -> None:
    await broker.declare([PAYMENTS])
    sent = [message() for _ in range(10)]
    await broker.publish(sent)
    begun, may_end = asyncio.Event(), asyncio.Event()
    finished: list[Message] = []

    async def receive(each: Message, _: bool) -> Verdict:
        begun.set()
        await may_end.wait()
        finished.append(each)
        return Done()

    task = asyncio.create_task(broker.consume("settling", receive, concurrency=2))
    await begun.wait()
    task.cancel()
    asyncio.get_running_loop().call_later(0.1, may_end.set)
    await asyncio.wait([task])
    assert task.cancelled()
    assert 1 <= len(finished) <= 2
    notebook = Notebook()
    async with consuming(broker, "settling", notebook):
        await until(lambda: len(notebook.seen) + len(finished) == 10, seconds=10)
    assert {*notebook.ids, *(each.id for each in finished)} == {each.id for each in sent}


async def test_two_consumers_of_one_queue_share_its_messages(broker: Broker) -> None:
    await broker.declare([PAYMENTS])
    first, second = Notebook(), Notebook()
    async with consuming(broker, "settling", first), consuming(broker, "settling", second):
        await broker.publish([message() for _ in range(100)])
        await until(lambda: len(first.seen) + len(second.seen) >= 100)
    assert len({*first.ids, *second.ids}) == len(first.seen) + len(second.seen) == 100


async def test_a_check_passes_when_queues_are_there_and_names_one_that_is_not(broker: Broker) -> None:
    await broker.declare([PAYMENTS])
    await broker.check(["settling"])
    with pytest.raises(Transient, match="other"):
        await broker.check(["settling", "other"])


async def bury(broker: Broker, number: int) -> set[UUID]:
    """Publish messages and put them aside; give their ids."""
    await broker.declare([PAYMENTS])
    sent = [message() for _ in range(number)]
    await broker.publish(sent)
    notebook = Notebook([Dead("no")] * number)
    async with consuming(broker, "settling", notebook):
        await until(lambda: len(notebook.seen) == number)
        await list_dead_of(broker, number)
    return {each.id for each in sent}


async def list_dead_of(broker: Broker, number: int) -> list[DeadMessage]:
    """List the dead as soon as there are that many."""
    found: list[DeadMessage] = []

    async def complete() -> bool:
        found[:] = await broker.list_dead("settling")
        return len(found) == number

    await until(complete)
    return found
