"""Faults while people pay (RELIABILITY 2.4): each is applied under load, reached, and leaves every invariant whole."""

import asyncio
import random
from collections.abc import AsyncIterator

import aio_pika
import asyncpg
import httpx
import orjson
import pytest

from tests.conftest import skip_without
from tests.faults.bench import BROKER, DATABASE, MAIL, Bench, open_bench
from tests.faults.crossings import Crossing, Moment, Trap
from tests.faults.load import people_paying
from tests.flows.programs import status_of, until
from tests.rabbitmq import Node
from tests.services import Services, temporary_folder
from theatre.kit.broker.port import Message
from theatre.kit.broker.rabbit_letters import pack

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(400)]

ROLES = [
    "serve auth",
    "serve billing",
    "work billing",
    "serve payment",
    "serve sandbox",
    "serve short_link",
    "serve notification",
    "work notification",
]
# of those that hold connections of the bench's own database
TERMINATE_ONE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'theatre-%'
ORDER BY random() LIMIT 1
"""
FACTS = """
SELECT id, type, version, occurred_at, trace, data::text AS data FROM {}.outbox_message
WHERE type LIKE 'payment.%' OR type LIKE 'billing.%'
"""
REPLAY = "UPDATE {}.outbox_message SET sent_at = NULL, next_try_at = now() WHERE sent_at IS NOT NULL"


class EveryNth:
    """Fits every so-manieth crossing of a kind."""

    def __init__(self, kind: str, every: int) -> None:
        self._kind = kind
        self._every = every
        self._met = 0

    def __call__(self, crossing: Crossing) -> bool:
        self._met += crossing.kind == self._kind
        return crossing.kind == self._kind and self._met % self._every == 0


def asks_the_provider(crossing: Crossing) -> bool:
    """Tell a purchase or a refund that goes to the provider."""
    return crossing.kind == "request" and crossing.what.startswith("POST /sandbox/v3/")


async def hang(_: Crossing) -> None:
    """Say nothing for longer than anybody waits."""
    await asyncio.sleep(11)


async def test_lost_answers_of_provider_database_and_broker_double_nothing(bench: Bench) -> None:
    """F-P2, F-P5, F-D3, F-N4, the short selection: it happened, and nobody was told."""
    buyer = await bench.new_buyer()
    traps = [
        Trap(asks_the_provider, Moment.AFTER, times=2),
        Trap(EveryNth("commit", 4), Moment.AFTER, times=6),
        Trap(EveryNth("publish", 2), Moment.AFTER, times=2),
    ]
    bench.watch.begin(*traps)
    async with bench.time_flying():
        payment = await buyer.buy()
        await buyer.wait_for(payment, "paid")
        await buyer.take_back(payment)
        await buyer.wait_for(payment, "refunded")
        await bench.check()
    assert all(trap.reached for trap in traps), traps


@pytest.mark.all_faults
async def test_a_commit_whose_answer_is_lost_is_not_repeated(bench: Bench) -> None:
    """F-D3, for every writing transaction in turn."""
    trap = Trap(EveryNth("commit", 7), Moment.AFTER, times=None)
    async with people_paying(bench):
        bench.watch.begin(trap)
        await asyncio.sleep(20)
        bench.watch.begin()
    assert trap.reached > 10


@pytest.mark.all_faults
async def test_a_provider_that_times_out_after_success_is_asked_again_under_the_same_key(
    bench: Bench,
) -> None:
    """F-P2, F-P5: purchases and refunds; some answers are lost at once, some are never given."""
    lost = Trap(
        lambda crossing: asks_the_provider(crossing) and crossing.number % 2 == 0, Moment.AFTER, times=6
    )
    hanging = Trap(asks_the_provider, Moment.AFTER, hang, times=2)
    async with people_paying(bench):
        bench.watch.begin(lost, hanging)
        await asyncio.sleep(25)
    bench.watch.begin()
    assert lost.reached > 1
    assert hanging.reached == 2


@pytest.mark.all_faults
async def test_terminated_backends_leave_no_half_state(bench: Bench) -> None:
    """F-D1."""
    terminated = 0
    async with people_paying(bench):
        for _ in range(75):
            terminated += len(await bench.database.fetch(TERMINATE_ONE))
            await asyncio.sleep(0.2)
    assert terminated > 30


@pytest.mark.all_faults
async def test_bytes_that_come_one_by_one_are_understood(bench: Bench) -> None:
    """F-N3."""
    async with people_paying(bench):
        for way in bench.ways.values():
            way.slice(1)
        await asyncio.sleep(10)
        for way in bench.ways.values():
            way.slice(None)


@pytest.mark.all_faults
async def test_links_that_are_reset_again_and_again_heal(bench: Bench) -> None:
    """F-N2."""
    async with people_paying(bench):
        for _ in range(15):
            for way in bench.ways.values():
                way.cut()
            await asyncio.sleep(1)
    assert bench.answers.unanswered


@pytest.mark.all_faults
@pytest.mark.parametrize("callee", [DATABASE, BROKER, MAIL, "serve payment", "serve sandbox"])
async def test_links_that_fall_silent_are_given_up_and_heal(bench: Bench, callee: str) -> None:
    """F-N1, F-B6, F-D9: nothing is refused, nothing is said either."""
    async with people_paying(bench):
        await asyncio.sleep(1)
        for way in bench.ways_to(callee):
            way.freeze()
        await asyncio.sleep(15)
        for way in bench.ways_to(callee):
            way.thaw()


@pytest.mark.all_faults
async def test_a_service_without_its_database_lives_and_is_not_ready_until_it_is_back(bench: Bench) -> None:
    """P6."""
    way = bench.ways["serve billing", DATABASE]
    door = f"http://{bench.deployment.addresses['billing']}/billing/api"

    async def is_ready() -> bool:
        return await status_of(f"{door}/_ready") == httpx.codes.OK

    async def is_not_ready() -> bool:
        assert await status_of(f"{door}/_health") == httpx.codes.OK
        return await status_of(f"{door}/_ready") == httpx.codes.SERVICE_UNAVAILABLE

    way.close_door()
    way.cut()
    try:
        await until(is_not_ready, seconds=10)
    finally:
        way.open_door()
    await until(is_ready, seconds=10)


@pytest.mark.all_faults
@pytest.mark.parametrize("role", ROLES)
async def test_a_role_asked_to_stop_under_load_ends_in_time_and_loses_nothing(
    bench: Bench, role: str
) -> None:
    """F-A3: SIGTERM."""
    async with people_paying(bench):
        await asyncio.sleep(1)
        assert await bench.roles[role].stop() == 0, bench.roles[role].said()
        bench.roles[role].start()
        await bench.deployment.until_ready(role)


@pytest.mark.all_faults
@pytest.mark.parametrize("role", ROLES)
async def test_a_role_frozen_for_twenty_seconds_is_overtaken_and_does_nothing_twice(
    bench: Bench, role: str
) -> None:
    """F-A2: on waking up it finds that its claims were somebody else's meanwhile."""
    async with people_paying(bench):
        await asyncio.sleep(1)
        bench.roles[role].freeze()
        try:
            await asyncio.sleep(20)
        finally:
            bench.roles[role].thaw()


@pytest.mark.all_faults
async def test_facts_told_thrice_in_any_order_have_one_effect(bench: Bench) -> None:
    """F-B11."""
    async with people_paying(bench) as load:

        async def are_refunded() -> bool:
            return load.refunded > 2

        await until(are_refunded)
        facts = [
            row
            for schema in ("billing", "payment")
            for row in await bench.database.fetch(FACTS.format(schema))
        ]
        told = facts * 3
        random.Random(11).shuffle(told)
        await publish(bench, [message_of(row) for row in told])
    assert len(facts) > 10


def message_of(row: asyncpg.Record) -> Message:
    """Make the message that a relay would make of a row."""
    envelope = {name: row[name] for name in ("type", "version", "occurred_at", "trace")}
    envelope |= {"id": str(row["id"]), "data": orjson.loads(row["data"])}
    return Message(row["id"], row["type"], orjson.dumps(envelope), row["trace"])


async def publish(bench: Bench, messages: list[Message]) -> None:
    """Put messages into the exchange past every relay."""
    async with await aio_pika.connect(bench.deployment.servers.broker_url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(bench.deployment.exchange)
        for message in messages:
            await exchange.publish(pack(message), message.key)


@pytest.mark.all_faults
async def test_all_roles_killed_at_once_start_in_any_order_and_go_on(bench: Bench) -> None:
    """K27, at moments that a seed chooses."""
    dice = random.Random(27)
    async with people_paying(bench):
        for _ in range(3):
            await asyncio.sleep(dice.uniform(0.5, 3))
            for role in bench.roles.values():
                role.kill()
            for name in dice.sample(ROLES, len(ROLES)):
                bench.roles[name].start()
            for name in ROLES:
                await bench.deployment.until_ready(name)


@pytest.mark.all_faults
async def test_roles_killed_one_after_another_by_lot_lose_nothing(bench: Bench) -> None:
    """F-A1: some of them before they were ready again."""
    dice = random.Random(1)
    async with people_paying(bench):
        for _ in range(20):
            await asyncio.sleep(dice.uniform(0.2, 2))
            bench.restart(dice.choice(ROLES))


@pytest.mark.all_faults
@pytest.mark.parametrize("late", [DATABASE, BROKER, "serve auth"])
async def test_roles_started_before_what_they_need_take_part_when_it_comes(bench: Bench, late: str) -> None:
    """F-A4: whoever gives up waiting is started again, as every supervisor does."""
    async with people_paying(bench):
        await asyncio.sleep(1)
        for way in bench.ways_to(late):
            way.close_door()
            way.cut()
        for role in ROLES:
            bench.roles[role].kill()
            bench.roles[role].start()
        await asyncio.sleep(10)
        for way in bench.ways_to(late):
            way.open_door()
        for role in ROLES:
            if not bench.roles[role].is_running:
                bench.roles[role].start()
            await bench.deployment.until_ready(role)


@pytest.fixture(scope="module")
async def node() -> AsyncIterator[Node]:
    """A RabbitMQ that tests may kill and wipe."""
    with temporary_folder() as folder:
        node = Node(folder)
        try:
            await node.start()
            yield node
        finally:
            await node.stop()


@pytest.fixture(scope="module")
async def bench_on_node(services: Services, redis_url: str, node: Node) -> AsyncIterator[Bench]:
    """All roles on that RabbitMQ."""
    skip_without("PostgreSQL", services.postgres_url, services)
    async with open_bench(services.postgres_url, redis_url, node.url) as opened:
        yield opened


@pytest.mark.all_faults
async def test_people_pay_while_the_broker_is_dead_and_all_is_told_after(
    bench_on_node: Bench, node: Node
) -> None:
    """F-B1, K13."""
    bench = bench_on_node
    async with people_paying(bench) as load:
        await asyncio.sleep(3)
        node.kill()
        begun = load.begun
        await asyncio.sleep(20)
        waiting = await bench.database.fetchval(
            "SELECT count(*) FROM payment.outbox_message WHERE sent_at IS NULL"
        )
        await node.start()
    assert load.begun > begun
    assert waiting


@pytest.mark.all_faults
async def test_a_broker_stopped_and_started_is_consumed_from_again(bench_on_node: Bench, node: Node) -> None:
    """F-B2: by the same processes, and what people paid meanwhile is told."""
    async with people_paying(bench_on_node) as load:
        await asyncio.sleep(2)
        await node.control("stop_app")
        begun = load.begun
        await asyncio.sleep(8)
        await node.control("start_app")
    assert load.begun > begun


@pytest.mark.all_faults
async def test_a_broker_that_takes_nothing_for_want_of_memory_gets_it_later(
    bench_on_node: Bench, node: Node
) -> None:
    """F-B7: publishing is given up within its time, people go on paying, and the outboxes empty after it."""
    unsent = "SELECT count(*) FROM payment.outbox_message WHERE sent_at IS NULL"
    async with people_paying(bench_on_node):
        await asyncio.sleep(2)
        await node.control("set_vm_memory_high_watermark", "0.0000001")
        await asyncio.sleep(10)
        waiting = await bench_on_node.database.fetchval(unsent)
        await node.control("set_vm_memory_high_watermark", "0.4")
    assert waiting


@pytest.mark.all_faults
async def test_connections_closed_by_the_broker_lose_nothing(bench_on_node: Bench, node: Node) -> None:
    """F-B3."""
    bench = bench_on_node
    came = sum(way.arrivals for way in bench.ways_to(BROKER))
    async with people_paying(bench):
        for _ in range(4):
            await node.control("close_all_connections", "a fault")
            await asyncio.sleep(2)
    assert sum(way.arrivals for way in bench.ways_to(BROKER)) > came + 4


@pytest.mark.all_faults
async def test_what_a_wiped_broker_lost_is_sent_again_from_the_outboxes(
    bench_on_node: Bench, node: Node
) -> None:
    """F-B4."""
    bench = bench_on_node
    async with people_paying(bench):
        await asyncio.sleep(2)
        # so that there is something in the queues to be lost
        for role in ("work billing", "work notification"):
            bench.roles[role].freeze()
        await asyncio.sleep(2)
        node.kill()
        node.wipe()
        await node.start()
        for role in ("work billing", "work notification"):
            bench.roles[role].thaw()
        await asyncio.sleep(5)
        for schema in ("auth", "billing", "payment"):
            await bench.database.execute(REPLAY.format(schema))


@pytest.mark.all_faults
def test_every_role_of_the_bench_is_tried(bench: Bench) -> None:
    assert set(bench.roles) == set(ROLES)
    assert bench.ways_to(DATABASE)
