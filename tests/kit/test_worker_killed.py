"""A worker killed with SIGKILL: nothing lost, nothing twice (K14 to K16, K18, F-Q3)."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from sqlalchemy import update

from tests.kit.actors import COMMITTED, make_consumer
from tests.kit.brokers import until
from tests.kit.stage import InboxMessage, Played, Resources, count_effects
from theatre.kit.broker import DeadMessage, Message, Verdict, release_claims
from theatre.kit.consumer import MAX_TRIES
from theatre.kit.ids import new_id
from theatre.kit.inbox import Inbox
from theatre.kit.worker import Worker

ROOT = Path(__file__).parents[2]
KILLED_BY_ITSELF = 9


@pytest.fixture
def command(
    request: pytest.FixtureRequest, broker: object, exchange: str, stage_database_url: str, amqp_url: str
) -> list[str]:
    """The command of a worker process on the same broker as the test's."""
    member = request.node.callspec.params["broker"]
    broker_url = amqp_url if member == "rabbit" else stage_database_url
    return [sys.executable, "-m", "tests.kit.actors", stage_database_url, broker_url, exchange]


@asynccontextmanager
async def process(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a worker process meanwhile."""
    started = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


def fact(name: str) -> Message:
    """Make the message of a fact."""
    id = new_id()
    content = {
        "id": str(id),
        "type": Played.key,
        "version": 1,
        "occurred_at": "2026-08-01T12:00:00Z",
        "data": {"name": name},
    }
    return Message(id, Played.key, orjson.dumps(content))


@pytest.mark.timeout(180)
async def test_a_worker_killed_between_commit_and_acknowledgement_leaves_one_effect(
    resources: Resources, command: list[str], broker_database_url: str
) -> None:
    await resources.broker.declare([make_consumer().subscription])
    await resources.broker.publish([sent := fact("hamlet")])
    async with process(*command, "mortal") as worker:
        assert worker.stdout is not None
        async with asyncio.timeout(90):
            while (await worker.stdout.readline()).strip() != COMMITTED.encode():
                pass
        worker.kill()
        await worker.wait()
    assert await count_effects(resources.sessions, "hamlet") == 1
    await release_claims(broker_database_url)
    receive = Worker(resources, [consumer := make_consumer()])._receiver(consumer)
    seen: list[tuple[UUID, bool]] = []

    async def observe(message: Message, redelivered: bool) -> Verdict:
        seen.append((message.id, redelivered))
        return await receive(message, redelivered)

    task = asyncio.create_task(resources.broker.consume("settling", observe, concurrency=1))
    await until(lambda: seen == [(sent.id, True)])
    await resources.broker.publish([behind := fact("ophelia")])
    await until(lambda: seen[1:] == [(behind.id, False)])
    task.cancel()
    await asyncio.wait([task])
    assert await count_effects(resources.sessions, "hamlet") == 1


@pytest.mark.timeout(180)
async def test_a_message_that_kills_its_process_is_parked_and_its_neighbours_are_not(
    resources: Resources, command: list[str]
) -> None:
    await resources.broker.declare([make_consumer().subscription])
    await resources.broker.publish([poison := fact("kill"), *(fact("innocent") for _ in range(6))])
    async with resources.sessions.begin() as session:
        await Inbox(InboxMessage, "settling").record_failure(
            session, poison.id, "earlier deaths", now=resources.clock.now(), counted=False
        )
        await session.execute(update(InboxMessage).values(tries=MAX_TRIES - 1))
    deaths = 0
    dead: list[DeadMessage] = []
    while not dead:
        async with process(*command, "") as worker:
            while worker.returncode is None and not dead:
                dead = await resources.broker.list_dead("settling")
                await asyncio.sleep(0.05)
            deaths += worker.returncode == KILLED_BY_ITSELF
            assert deaths <= 2
            if dead:
                await until(lambda: all_played(resources), seconds=60)
    assert [each.id for each in dead] == [poison.id]
    assert dead[0].reason.startswith("kit.message_parked")
    assert deaths == 2
    assert await count_effects(resources.sessions, "kill") == 0


async def all_played(resources: Resources) -> bool:
    """Tell whether all neighbours have had their effect."""
    return await count_effects(resources.sessions, "innocent") == 6
