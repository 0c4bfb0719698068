"""Facts from the broker to the verb that answers them: doubled, poisonous, too early, and in the middle of a stop."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn
from uuid import UUID

import orjson
import pytest

from tests.kit.actors import make_consumer
from tests.kit.brokers import until
from tests.kit.proxy import Proxy
from tests.kit.stage import (
    Cheered,
    Effect,
    InboxMessage,
    OutboxMessage,
    Played,
    Resources,
    count_effects,
    inbox_row,
    open_engine,
)
from theatre.kit import consumer as consumer_module
from theatre.kit import tasks, telemetry
from theatre.kit.broker import Dead, DeadMessage, Message, Retry
from theatre.kit.broker.rabbit import RabbitBroker
from theatre.kit.db import Session, sessions_of
from theatre.kit.errors import Conflict, Transient
from theatre.kit.events import Envelope
from theatre.kit.ids import new_id
from theatre.kit.inbox import Inbox, delete_handled
from theatre.kit.outbox import Relay, emit
from theatre.kit.worker import UNRECORDED_SECONDS, Consumer, Job, Worker

TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once, as far as the broker can."""
    monkeypatch.setattr(consumer_module, "RETRY_SECONDS", (0.05,) * 4)


@asynccontextmanager
async def running(worker: Worker[Any]) -> AsyncIterator[None]:
    """Run a worker meanwhile."""
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def envelope(name: str, *, trace: str | None = None, **changes: Any) -> Message:
    """Make the message of a fact, or of something like one."""
    id = new_id()
    content: dict[str, Any] = {
        "id": str(id),
        "type": Played.key,
        "version": 1,
        "occurred_at": "2026-08-01T12:00:00Z",
        "trace": trace,
        "data": {"name": name},
    }
    return Message(id, Played.key, orjson.dumps({**content, **changes}), trace)


async def happened(resources: Resources, name: str, times: int = 1) -> None:
    """Wait until something happened so often."""

    async def often_enough() -> bool:
        return await count_effects(resources.sessions, name) == times

    await until(often_enough)


async def died(resources: Resources, number: int = 1) -> list[DeadMessage]:
    """Wait until so many messages are dead."""
    found: list[DeadMessage] = []

    async def complete() -> bool:
        found[:] = await resources.broker.list_dead("settling")
        return len(found) == number

    await until(complete)
    return found


async def publish(resources: Resources, *messages: Message) -> None:
    """Publish past the outbox."""
    await resources.broker.declare([make_consumer().subscription])
    await resources.broker.publish(messages)


async def test_a_committed_fact_has_its_effect_once(resources: Resources) -> None:
    relay = Relay(resources.engine, OutboxMessage, resources.broker, clock=resources.clock)
    async with running(Worker(resources, [make_consumer()], [relay])):
        async with resources.sessions.begin() as session:
            now = resources.clock.now()
            id = emit(session, OutboxMessage, Played(name="hamlet"), aggregate_id=new_id(), now=now)
        await happened(resources, "hamlet")
    row = await inbox_row(resources.sessions, id)
    assert row is not None
    assert (row.consumer, row.tries, row.dead_at) == ("settling", 1, None)
    assert row.handled_at is not None


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_doubled_and_shuffled_facts_have_one_effect_each(resources: Resources, seed: int) -> None:
    facts = [envelope(f"scene {number}") for number in range(10)]
    doubled = facts * 3
    random.Random(seed).shuffle(doubled)
    await publish(resources, facts[0])
    async with running(Worker(resources, [make_consumer()])):
        for fact in doubled:
            await resources.broker.publish([fact])
        for number in range(10):
            await happened(resources, f"scene {number}")
        await publish(resources, envelope("the end"))
        await happened(resources, "the end")
    assert [await count_effects(resources.sessions, f"scene {n}") for n in range(10)] == [1] * 10


async def test_twins_at_work_at_the_same_moment_have_one_effect(resources: Resources) -> None:
    worker = Worker(resources, [consumer := make_consumer()])
    twin = envelope("twin")
    receive = worker._receiver(consumer)
    await asyncio.gather(*(receive(twin, n % 2 == 1) for n in range(8)))
    assert await count_effects(resources.sessions, "twin") == 1


async def test_a_refused_fact_dies_at_once_with_its_reason_and_the_next_one_flows(
    resources: Resources,
) -> None:
    refused = envelope("refuse")
    await publish(resources, refused, envelope("next"))
    async with running(Worker(resources, [make_consumer()], concurrency=1)):
        await happened(resources, "next")
        [dead] = await died(resources)
    assert dead.id == refused.id
    assert dead.reason == "stage.refused: not this one"
    row = await inbox_row(resources.sessions, refused.id)
    assert row is not None
    assert row.dead_at is not None
    assert (row.handled_at, row.last_error) == (None, dead.reason)
    assert await count_effects(resources.sessions, "refuse") == 0


async def test_a_fact_that_always_breaks_is_tried_five_times_then_dies(resources: Resources) -> None:
    broken = envelope("break")
    await publish(resources, broken, envelope("next"))
    async with running(Worker(resources, [make_consumer()], concurrency=1)):
        await happened(resources, "next")
        [dead] = await died(resources)
    assert dead.reason == "tried 5 times: ZeroDivisionError: a defect"
    row = await inbox_row(resources.sessions, broken.id)
    assert row is not None
    assert row.tries == consumer_module.MAX_TRIES == 5
    assert await count_effects(resources.sessions, "break") == 0


async def test_what_is_only_away_is_waited_for_and_never_counted(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-A7"""
    monkeypatch.setattr(consumer_module, "MAX_TRIES", 1)
    answers = [Transient("away"), ConnectionRefusedError(), TimeoutError(), None]
    consumer: Consumer[Resources] = Consumer("settling", InboxMessage)

    @consumer.on(Played)
    async def settle(session: Session, event: Played, message: Envelope, resources: Resources) -> None:
        session.add(Effect(name=event.name))
        if error := answers.pop(0):
            raise error

    waiting = envelope("waiting")
    await publish(resources, waiting)
    async with running(Worker(resources, [consumer])):
        await happened(resources, "waiting")
    row = await inbox_row(resources.sessions, waiting.id)
    assert row is not None
    assert (row.tries, answers) == (1, [])
    assert await resources.broker.list_dead("settling") == []


@pytest.mark.parametrize(
    ("rubbish", "reason"),
    [
        (Message(new_id(), Played.key, b"not json"), "not an envelope"),
        (Message(new_id(), Played.key, b"\xff\xfe"), "not an envelope"),
        (Message(new_id(), Played.key, b""), "not an envelope"),
        (Message(new_id(), Played.key, b"[]"), "not an envelope"),
        (envelope("x", id=None), "id: uuid"),
        (envelope("x", type="stage.scene.unheard"), "nobody here answers the type 'stage.scene.unheard'"),
        (envelope("x", version=2), "version 2, known is 1"),
        (envelope("x", data={"nome": "x"}), "not a stage.scene.played: name: missing"),
        (envelope("x", data={"name": 7}), "name: string_type"),
        (envelope("x" * 2**20), "bytes are too many"),
    ],
    ids=["text", "bytes", "empty", "list", "no id", "type", "version", "field", "wrong field", "huge"],
)
async def test_rubbish_dies_with_its_reason_and_the_next_fact_flows(
    resources: Resources, rubbish: Message, reason: str
) -> None:
    await publish(resources, rubbish, envelope("next"))
    async with running(Worker(resources, [make_consumer()], concurrency=1)):
        await happened(resources, "next")
        [dead] = await died(resources)
    assert reason in dead.reason
    assert (dead.id, dead.body) == (rubbish.id, rubbish.body)


async def test_a_reason_does_not_repeat_what_the_message_said(resources: Resources) -> None:
    await publish(resources, envelope("x", data={"name": ["a secret"]}))
    async with running(Worker(resources, [make_consumer()])):
        [dead] = await died(resources)
    assert "secret" not in dead.reason


async def test_dead_facts_are_replayed_with_one_effect_and_a_new_set_of_tries(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: list[bool] = [True]
    consumer: Consumer[Resources] = Consumer("settling", InboxMessage)

    @consumer.on(Played)
    async def settle(session: Session, event: Played, message: Envelope, resources: Resources) -> None:
        session.add(Effect(name=event.name))
        if broken[0]:
            raise Conflict("closed")

    fact = envelope("replayed")
    await publish(resources, fact)
    async with running(Worker(resources, [consumer])):
        await died(resources)
        assert await resources.broker.replay_dead("settling") == 1
        await died(resources)
        broken[0] = False
        assert await resources.broker.replay_dead("settling") == 1
        await happened(resources, "replayed")
    row = await inbox_row(resources.sessions, fact.id)
    assert row is not None
    assert row.dead_at is None
    assert await resources.broker.replay_dead("settling") == 0


async def test_a_redelivered_fact_is_counted_before_it_is_tried(resources: Resources) -> None:
    worker = Worker(resources, [consumer := make_consumer()])
    receive = worker._receiver(consumer)
    fact = envelope("break")
    await receive(fact, True)
    row = await inbox_row(resources.sessions, fact.id)
    assert row is not None
    assert row.tries == 2


async def test_a_fact_redelivered_five_times_without_an_end_is_parked(resources: Resources) -> None:
    """Each of these deliveries was cut short before it could say how it went."""
    consumer = make_consumer()
    fact = envelope("kill")
    for _ in range(consumer_module.MAX_TRIES - 1):
        async with resources.sessions.begin() as session:
            assert await consumer.inbox.count_try(session, fact.id, now=resources.clock.now())
    verdict = await Worker(resources, [consumer])._receiver(consumer)(fact, True)
    assert isinstance(verdict, Dead)
    assert verdict.reason.startswith("kit.message_parked")


async def test_redelivered_facts_are_tried_one_by_one(resources: Resources) -> None:
    at_work: list[int] = [0, 0]
    consumer: Consumer[Resources] = Consumer("settling", InboxMessage)

    @consumer.on(Played)
    async def settle(session: Session, event: Played, message: Envelope, resources: Resources) -> None:
        at_work[0] += 1
        at_work[1] = max(at_work)
        await asyncio.sleep(0.01)
        at_work[0] -= 1

    receive = Worker(resources, [consumer])._receiver(consumer)
    await asyncio.gather(*(receive(envelope("suspect"), True) for _ in range(5)))
    assert at_work == [0, 1]


async def test_a_verb_that_takes_too_long_is_cut_off_and_counted(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-B12"""
    monkeypatch.setattr(consumer_module, "HANDLER_LIMIT_SECONDS", 0.05)
    monkeypatch.setattr(consumer_module, "MAX_TRIES", 1)
    consumer: Consumer[Resources] = Consumer("settling", InboxMessage)

    @consumer.on(Played)
    async def settle(session: Session, event: Played, message: Envelope, resources: Resources) -> None:
        await asyncio.Event().wait()

    await publish(resources, envelope("endless"))
    async with running(Worker(resources, [consumer])):
        [dead] = await died(resources)
    assert "Overlong" in dead.reason


async def test_somebody_is_told_with_no_transaction_open_and_once_for_repeats(resources: Resources) -> None:
    told: list[UUID] = []
    consumer: Consumer[Resources] = Consumer("telling", InboxMessage)

    @consumer.call(Cheered)
    async def tell(event: Cheered, message: Envelope, resources: Resources) -> None:
        told.append(message.id)
        assert resources.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        if len(told) == 1:
            raise Transient("away")

    await resources.broker.declare([consumer.subscription])
    fact = envelope("cheer", type=Cheered.key)
    cheer = Message(fact.id, Cheered.key, fact.body)
    await resources.broker.publish([cheer])
    async with running(Worker(resources, [consumer])):
        await until(lambda: len(told) == 2)
        await until(lambda: is_handled(resources, fact.id))
        await resources.broker.publish([cheer])
        marker = envelope("marker", type=Cheered.key)
        await resources.broker.publish([Message(marker.id, Cheered.key, marker.body)])
        await until(lambda: marker.id in told)
    assert told == [fact.id, fact.id, marker.id]


async def is_handled(resources: Resources, id: UUID) -> bool:
    """Tell whether the inbox has it as handled."""
    row = await inbox_row(resources.sessions, id)
    return row is not None and row.handled_at is not None


async def test_facts_that_are_ignored_are_taken_without_effect(resources: Resources) -> None:
    consumer: Consumer[Resources] = Consumer("settling", InboxMessage, ignores=["stage.scene.*"])
    await resources.broker.declare([consumer.subscription])
    await resources.broker.publish([ignored := envelope("ignored")])
    receive = Worker(resources, [consumer])._receiver(consumer)
    await receive(ignored, False)
    assert await inbox_row(resources.sessions, ignored.id) is None


def test_a_consumer_answers_a_type_of_fact_in_one_way_only() -> None:
    consumer = make_consumer()
    with pytest.raises(ValueError, match="already"):
        consumer.call(Played)(lambda *_: asyncio.sleep(0))


async def test_the_trace_of_a_fact_goes_on_in_its_verb(resources: Resources) -> None:
    traces: list[str | None] = []
    consumer: Consumer[Resources] = Consumer("settling", InboxMessage)

    @consumer.on(Played)
    async def settle(session: Session, event: Played, message: Envelope, resources: Resources) -> None:
        traces.append(telemetry.current_trace_id())

    await publish(resources, envelope("traced", trace=TRACE))
    async with running(Worker(resources, [consumer])):
        await until(lambda: len(traces) == 1)
    assert traces == ["a" * 32]


async def test_a_stopped_worker_finishes_what_is_at_work(resources: Resources) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()
    consumer: Consumer[Resources] = Consumer("settling", InboxMessage)

    @consumer.on(Played)
    async def settle(session: Session, event: Played, message: Envelope, resources: Resources) -> None:
        begun.set()
        await may_end.wait()
        session.add(Effect(name=event.name))

    await publish(resources, envelope("last"))
    task = asyncio.create_task(Worker(resources, [consumer]).run())
    await begun.wait()
    task.cancel()
    asyncio.get_running_loop().call_later(0.2, may_end.set)
    await asyncio.wait([task])
    assert await count_effects(resources.sessions, "last") == 1
    async with running(Worker(resources, [consumer])):
        await publish(resources, envelope("next"))
        await happened(resources, "next")
    assert await count_effects(resources.sessions, "last") == 1


async def test_a_stop_waits_only_so_long_for_what_is_at_work(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "GRACE_SECONDS", 0.2)
    begun = asyncio.Event()
    consumer: Consumer[Resources] = Consumer("settling", InboxMessage)

    @consumer.on(Played)
    async def settle(session: Session, event: Played, message: Envelope, resources: Resources) -> None:
        begun.set()
        await asyncio.Event().wait()

    await publish(resources, envelope("endless"))
    task = asyncio.create_task(Worker(resources, [consumer]).run())
    await begun.wait()
    task.cancel()
    stopped_at = time.monotonic()
    await asyncio.wait([task])
    assert time.monotonic() - stopped_at < 5


async def test_jobs_run_at_start_and_again_and_outlive_their_failures(resources: Resources) -> None:
    runs: list[Resources] = []

    async def fail(given: Resources) -> None:
        runs.append(given)
        raise ZeroDivisionError

    async with running(Worker(resources, jobs=[Job("fail", 0.01, fail)])):
        await until(lambda: len(runs) >= 3)
    assert runs[0] is resources


async def test_a_job_at_work_is_finished_when_the_worker_stops(resources: Resources) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()
    finished: list[bool] = []

    async def work(_: Resources) -> None:
        begun.set()
        await may_end.wait()
        finished.append(True)

    task = asyncio.create_task(Worker(resources, jobs=[Job("work", 60, work)]).run())
    await begun.wait()
    task.cancel()
    asyncio.get_running_loop().call_later(0.1, may_end.set)
    await asyncio.wait([task])
    assert finished == [True]


async def test_a_worker_is_ready_when_its_queues_are_there(resources: Resources) -> None:
    worker = Worker(resources, [make_consumer()])
    with pytest.raises(Transient):
        await worker.check()
    async with running(worker):
        await resources.broker.declare([make_consumer().subscription])
        await worker.check()


async def test_a_worker_started_before_its_broker_begins_when_that_comes(
    resources: Resources, amqp_url: str, exchange: str, rabbit: RabbitBroker
) -> None:
    """F-A4"""
    async with Proxy(amqp_url) as proxy, RabbitBroker(proxy.url, exchange=exchange) as distant:
        proxy.close_door()
        worker = Worker(replace(resources, broker=distant), [make_consumer()])
        async with running(worker):
            await until(lambda: proxy.refusals > 0)
            proxy.open_door()
            await publish(replace(resources, broker=rabbit), envelope("late"))
            await happened(resources, "late")


async def test_while_the_database_is_away_facts_are_waited_for(resources: Resources) -> None:
    nowhere = open_engine("postgresql://postgres@127.0.0.1:9/none")
    away = replace(resources, engine=nowhere, sessions=sessions_of(nowhere))
    receive = Worker(away, [consumer := make_consumer()])._receiver(consumer)
    assert await receive(envelope("hamlet"), False) == Retry(UNRECORDED_SECONDS)
    assert await receive(envelope("hamlet"), True) == Retry(UNRECORDED_SECONDS)


async def test_the_inbox_forgets_what_was_handled_long_ago_and_keeps_the_rest(resources: Resources) -> None:
    handled, broken = envelope("hamlet"), envelope("break")
    receive = Worker(resources, [consumer := make_consumer()])._receiver(consumer)
    for fact in (handled, broken):
        await receive(fact, False)
    async with resources.sessions.begin() as session:
        before = resources.clock.now()
        assert await delete_handled(session, InboxMessage, before=before - timedelta(days=1)) == 0
        assert await delete_handled(session, InboxMessage, before=before) == 1
    assert await inbox_row(resources.sessions, handled.id) is None
    assert await inbox_row(resources.sessions, broken.id) is not None


async def test_the_inbox_keeps_what_was_seen_long_ago_and_handled_just_now(resources: Resources) -> None:
    """Capability 7: it may be sent again for as long as any other."""
    inbox, id, now = Inbox(InboxMessage, "hamlet"), new_id(), resources.clock.now()
    async with resources.sessions.begin() as session:
        await inbox.record_failure(session, id, "away", now=now - timedelta(days=30), counted=False)
        await inbox.mark(session, id, now=now, counted=False)
        assert await delete_handled(session, InboxMessage, before=now - timedelta(days=3)) == 0
        assert await inbox.is_handled(session, id)
        assert await delete_handled(session, InboxMessage, before=now + timedelta(seconds=1)) == 1


async def test_who_stops_does_not_wait_for_a_question_to_a_broker_that_is_away(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CONTRACT 2: how deep a queue is matters to nobody then."""
    asked = asyncio.Event()

    async def count(_: str) -> NoReturn:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError("never")

    monkeypatch.setattr(resources.broker, "count", count)
    monkeypatch.setattr(tasks, "GRACE_SECONDS", 3600)
    async with running(Worker(resources, [make_consumer()])):
        await asked.wait()
