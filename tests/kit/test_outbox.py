"""Facts leave if and only if their transaction commits, however the broker and the relays fare."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import cast
from uuid import UUID

import orjson
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select, text, update

from tests.kit import stage
from tests.kit.brokers import Notebook, consuming, until
from tests.kit.proxy import Proxy
from tests.kit.stage import OutboxMessage, Played
from theatre.kit import db, outbox, telemetry
from theatre.kit.broker import Broker, Message, Subscription, Unpublished
from theatre.kit.broker.embedded import EmbeddedBroker
from theatre.kit.broker.rabbit import RabbitBroker
from theatre.kit.clock import MovableClock
from theatre.kit.ids import new_id
from theatre.kit.outbox import Relay, emit

SCENES = Subscription("settling", ("stage.scene.*",))


@pytest.fixture
async def engine(stage_database_url: str) -> AsyncIterator[db.Engine]:
    """The stage with empty tables."""
    opened = stage.open_engine(stage_database_url)
    await stage.clear(opened)
    yield opened
    await opened.dispose()


@pytest.fixture
def sessions(engine: db.Engine) -> db.Sessions:
    return db.sessions_of(engine)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def relay(engine: db.Engine, broker: Broker, clock: MovableClock) -> Relay:
    return Relay(engine, OutboxMessage, broker, clock=clock)


async def play(sessions: db.Sessions, clock: MovableClock, *, number: int = 1) -> list[UUID]:
    """Commit facts; give their ids."""
    async with sessions.begin() as session:
        return [
            emit(session, OutboxMessage, Played(name=f"{n}"), aggregate_id=new_id(), now=clock.now())
            for n in range(number)
        ]


async def rows(sessions: db.Sessions) -> Sequence[OutboxMessage]:
    async with sessions() as session:
        return (await session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))).all()


async def test_an_envelope_says_all_of_the_fact_and_carries_the_trace(
    relay: Relay, broker: Broker, sessions: db.Sessions, clock: MovableClock
) -> None:
    await broker.declare([SCENES])
    with telemetry.span("a purchase"):
        trace = telemetry.current_traceparent()
        [id] = await play(sessions, clock)
    assert await relay.send_batch() == 1
    notebook = Notebook()
    async with consuming(broker, "settling", notebook):
        await until(lambda: notebook.ids == [id])
    [(sent, _)] = notebook.seen
    [row] = await rows(sessions)
    assert (sent.key, sent.trace) == ("stage.scene.played", trace)
    assert orjson.loads(sent.body) == {
        "id": str(id),
        "type": "stage.scene.played",
        "version": 1,
        "occurred_at": row.occurred_at.isoformat(),
        "trace": trace,
        "data": {"name": "0"},
    }
    assert row.sent_at is not None


class Recorder:
    """A broker that keeps what it is given."""

    def __init__(self) -> None:
        self.ids: list[UUID] = []

    async def publish(self, messages: Sequence[Message]) -> None:
        self.ids += [message.id for message in messages]


async def test_a_batch_is_sent_in_the_order_in_which_it_was_told(
    engine: db.Engine, sessions: db.Sessions, clock: MovableClock
) -> None:
    ids = await play(sessions, clock, number=20)
    async with sessions.begin() as session:
        for id in reversed(ids):  # the table holds them the other way round
            await session.execute(update(OutboxMessage).where(OutboxMessage.id == id).values(tries=1))
    recorder = Recorder()
    assert await Relay(engine, OutboxMessage, cast(Broker, recorder), clock=clock).send_batch() == 20
    assert recorder.ids == ids


async def test_a_fact_of_a_rolled_back_transaction_never_leaves(
    relay: Relay, broker: Broker, sessions: db.Sessions, clock: MovableClock
) -> None:
    await broker.declare([SCENES])
    async with sessions() as session:
        emit(session, OutboxMessage, Played(name="never"), aggregate_id=new_id(), now=clock.now())
        await session.flush()
        assert await relay.send_batch() == 0
        await session.rollback()
    [kept] = await play(sessions, clock)
    assert await relay.send_batch() == 1
    notebook = Notebook()
    async with consuming(broker, "settling", notebook):
        await until(lambda: notebook.ids == [kept])


async def test_a_commit_wakes_the_relay(
    relay: Relay, broker: Broker, sessions: db.Sessions, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "IDLE_SECONDS", 60.0)
    await broker.declare([SCENES])
    task = asyncio.create_task(relay.run())

    async def all_sent() -> bool:
        return all(row.sent_at for row in await rows(sessions))

    for _ in range(3):
        await play(sessions, clock)
        await until(all_sent)
        await asyncio.sleep(outbox.BUSY_FOR_SECONDS)
    task.cancel()
    await asyncio.wait([task])


async def test_facts_of_transactions_side_by_side_do_not_wait_for_the_next_look(
    relay: Relay, broker: Broker, sessions: db.Sessions, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only one of them notifies; the relay finds the others because it stays awake for a while."""
    monkeypatch.setattr(outbox, "IDLE_SECONDS", 60.0)
    await broker.declare([SCENES])
    task = asyncio.create_task(relay.run())
    async with sessions.begin() as late:
        emit(late, OutboxMessage, Played(name="late"), aggregate_id=new_id(), now=clock.now())
        await late.flush()
        await asyncio.gather(*(play(sessions, clock) for _ in range(5)))

    async def all_sent() -> bool:
        return [row.sent_at is not None for row in await rows(sessions)] == [True] * 6

    await until(all_sent)
    task.cancel()
    await asyncio.wait([task])


async def test_two_relays_at_once_send_everything_and_nothing_twice(
    relay: Relay, broker: Broker, engine: db.Engine, sessions: db.Sessions, clock: MovableClock
) -> None:
    """F-B10"""
    await broker.declare([SCENES])
    ids = await play(sessions, clock, number=1200)
    other = Relay(engine, OutboxMessage, broker, clock=clock)
    sent = await asyncio.gather(*(each.send_batch() for each in (relay, other, relay, other)))
    assert sum(sent) == 1200
    notebook = Notebook()
    async with consuming(broker, "settling", notebook, concurrency=32):
        await until(lambda: len(notebook.seen) == 1200)
    assert set(notebook.ids) == set(ids)


async def test_rows_of_a_relay_that_was_killed_are_sent_by_another_after_its_lease(
    relay: Relay, broker: Broker, sessions: db.Sessions, clock: MovableClock
) -> None:
    """K10, K12"""
    await broker.declare([SCENES])
    [id] = await play(sessions, clock)
    assert [row.id for row in await relay._claim()] == [id]
    assert await relay.send_batch() == 0
    clock.advance(outbox.LEASE)
    assert await relay.send_batch() == 1


async def test_no_transaction_is_open_while_messages_are_on_their_way(
    embedded: EmbeddedBroker, engine: db.Engine, sessions: db.Sessions, clock: MovableClock
) -> None:
    in_transaction = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND application_name = :name"
    )
    seen: list[int] = []

    class Observed(Broker):
        async def publish(self, messages: Sequence[Message]) -> None:
            async with engine.connect() as connection:
                name = engine.url.username
                seen.append(await connection.scalar(in_transaction, {"name": f"theatre-{name}"}) or 0)
            await embedded.publish(messages)

    await embedded.declare([SCENES])
    await play(sessions, clock)
    assert await Relay(engine, OutboxMessage, Observed(), clock=clock).send_batch() == 1  # type: ignore[abstract]
    assert seen == [0]


async def test_while_the_broker_is_away_facts_wait_and_no_try_is_counted(
    amqp_url: str,
    rabbit: RabbitBroker,
    exchange: str,
    engine: db.Engine,
    sessions: db.Sessions,
    clock: MovableClock,
) -> None:
    await rabbit.declare([SCENES])
    ids = await play(sessions, clock, number=3)
    async with Proxy(amqp_url) as proxy:
        refused = RabbitBroker("amqp://guest:guest@127.0.0.1:9/", exchange=exchange)
        for _ in range(3):
            with pytest.raises(Unpublished):
                await Relay(engine, OutboxMessage, refused, clock=clock).send_batch()
        assert [(row.tries, row.sent_at, row.dead_at) for row in await rows(sessions)] == [
            (0, None, None)
        ] * 3
        async with RabbitBroker(proxy.url, exchange=exchange) as back:
            assert await Relay(engine, OutboxMessage, back, clock=clock).send_batch() == 3
    notebook = Notebook()
    async with consuming(rabbit, "settling", notebook):
        await until(lambda: set(notebook.ids) == set(ids))


async def test_a_running_relay_rests_while_the_broker_is_away_and_goes_on_when_it_is_back(
    amqp_url: str,
    rabbit: RabbitBroker,
    exchange: str,
    engine: db.Engine,
    sessions: db.Sessions,
    clock: MovableClock,
) -> None:
    await rabbit.declare([SCENES])
    async with Proxy(amqp_url) as proxy, RabbitBroker(proxy.url, exchange=exchange) as distant:
        task = asyncio.create_task(Relay(engine, OutboxMessage, distant, clock=clock).run())
        proxy.freeze()
        await play(sessions, clock)
        await asyncio.sleep(outbox.REST_SECONDS[0])
        assert [row.sent_at for row in await rows(sessions)] == [None]
        proxy.thaw()
        proxy.cut()

        async def all_sent() -> bool:
            return all(row.sent_at for row in await rows(sessions))

        await until(all_sent)
        task.cancel()
        await asyncio.wait([task])


async def test_a_fact_that_no_queue_wants_stays_unsent_and_is_tried_later(
    relay: Relay, broker: Broker, sessions: db.Sessions, clock: MovableClock
) -> None:
    """F-B8"""
    await broker.declare([Subscription("settling", ("nothing.of.this",))])
    await play(sessions, clock)
    assert await relay.send_batch() == 0
    [row] = await rows(sessions)
    assert (row.tries, row.sent_at, row.dead_at) == (1, None, None)
    assert row.last_error
    assert await relay.send_batch() == 0
    assert (await rows(sessions))[0].tries == 1
    await broker.declare([SCENES])
    clock.advance(timedelta(seconds=outbox.MAX_PAUSE_SECONDS))
    assert await relay.send_batch() == 1


async def test_a_fact_refused_too_often_dies_and_can_be_replayed(
    relay: Relay, broker: Broker, sessions: db.Sessions, clock: MovableClock
) -> None:
    await broker.declare([Subscription("settling", ("nothing.of.this",))])
    await play(sessions, clock)
    async with sessions.begin() as session:
        await session.execute(update(OutboxMessage).values(tries=outbox.MAX_TRIES - 1))
    await relay.send_batch()
    [row] = await rows(sessions)
    assert row.dead_at is not None
    clock.advance(timedelta(days=1))
    assert await relay.send_batch() == 0
    await broker.declare([SCENES])
    async with sessions.begin() as session:
        assert await outbox.replay_dead(session, OutboxMessage, now=clock.now()) == 1
    assert await relay.send_batch() == 1


async def test_what_was_sent_since_a_moment_can_be_sent_again(
    relay: Relay, broker: Broker, sessions: db.Sessions, clock: MovableClock
) -> None:
    await broker.declare([SCENES])
    await play(sessions, clock)
    await relay.send_batch()
    clock.advance(timedelta(hours=1))
    since = clock.now()
    await play(sessions, clock)
    await relay.send_batch()
    async with sessions.begin() as session:
        assert await outbox.replay_since(session, OutboxMessage, since=since, now=clock.now()) == 1
    assert await relay.send_batch() == 1


async def test_sent_facts_are_kept_for_a_day_and_unsent_ones_for_ever(
    relay: Relay, broker: Broker, sessions: db.Sessions, clock: MovableClock
) -> None:
    await broker.declare([SCENES])
    await play(sessions, clock)
    await relay.send_batch()
    [unsent] = await play(sessions, clock)

    async def delete_sent() -> int:
        async with sessions.begin() as session:
            return await outbox.delete_sent(session, OutboxMessage, now=clock.now())

    clock.advance(timedelta(hours=23))
    assert await delete_sent() == 0
    clock.advance(timedelta(hours=2))
    assert await delete_sent() == 1
    assert [row.id for row in await rows(sessions)] == [unsent]


async def test_it_is_measured_what_waits_for_how_long_and_what_was_given_up(
    relay: Relay, broker: Broker, sessions: db.Sessions, clock: MovableClock
) -> None:
    async def measured() -> tuple[float, float, float]:
        await relay.measure("stage")
        age, unsent, dead = (
            REGISTRY.get_sample_value(f"theatre_outbox_{name}", {"service": "stage"})
            for name in ("oldest_unsent_seconds", "unsent_messages", "dead_messages")
        )
        assert age is not None
        assert unsent is not None
        assert dead is not None
        return age, unsent, dead

    assert await measured() == (0, 0, 0)
    await broker.declare([SCENES])
    [first, *_] = await play(sessions, clock, number=3)
    clock.advance(timedelta(minutes=5))
    age, *counts = await measured()
    assert 300 <= age < 360
    assert counts == [3, 0]
    async with sessions.begin() as session:
        await session.execute(
            update(OutboxMessage).where(OutboxMessage.id == first).values(dead_at=clock.now())
        )
    await relay.send_batch()
    assert await measured() == (0, 0, 1)
