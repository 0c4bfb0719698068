"""The worker as a whole: it hears of new users, wakes for new deliveries, and may be killed at any moment."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from tests.factories.auth_door import AuthDoor
from tests.notification.conftest import settings_for, tell
from tests.notification.sink import Sink
from theatre.contracts.auth import SessionRevoked, UserRegistered
from theatre.kit.broker import Message
from theatre.kit.clock import MovableClock
from theatre.kit.db import transaction
from theatre.kit.events import Envelope, Event
from theatre.kit.ids import new_id
from theatre.kit.worker import Worker
from theatre.notification import deliveries
from theatre.notification.app import create_worker
from theatre.notification.consumers import facts
from theatre.notification.models import Delivery, InboxMessage, Notification, StoredMail
from theatre.notification.resources import WorkerResources

DELIVERER = "tests.notification.deliverer"


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition; the test's own time limit ends a hopeless wait."""
    while not await condition():
        await asyncio.sleep(0.02)


@asynccontextmanager
async def running(worker: Worker[Any]) -> AsyncIterator[None]:
    """Run a worker while the block runs."""
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        # the round at work is finished: let it not wait out its second
        worker.resources.bell.ring()
        await asyncio.wait([task])


def message_of(event: Event, message_id: UUID) -> Message:
    envelope = Envelope(
        id=message_id,
        type=event.key,
        version=event.version,
        occurred_at=MovableClock().now(),
        data=event.model_dump(mode="json"),
    )
    return Message(id=message_id, key=event.key, body=envelope.model_dump_json().encode())


async def rows_of(held: WorkerResources, table: type[Any]) -> list[Any]:
    async with held.sessions() as session:
        return list(await session.scalars(select(table)))


async def test_a_new_user_is_greeted_once_however_often_that_is_heard(
    database_url: str, auth: AuthDoor, clock: MovableClock
) -> None:
    """RELIABILITY K18: one Delivery row."""
    user = auth.add_contact(email="alice@mail.example", locale="ru", login="Алиса")
    event = UserRegistered(user_id=user.user_id, login=user.login, locale=user.locale)
    message = message_of(event, new_id())
    other = message_of(SessionRevoked(session_id=new_id(), user_id=user.user_id, reason="logout"), new_id())
    async with create_worker(settings_for(database_url), transport=auth.transport, clock=clock) as worker:
        held = worker.resources
        await held.broker.declare([facts.subscription])
        await held.broker.publish([message, other])
        async with running(worker):

            async def is_sent() -> bool:
                return [row.status for row in await rows_of(held, Delivery)] == ["sent"]

            await until(is_sent)
            await held.broker.publish([message, message_of(event, message.id)])
            last = message_of(event, new_id())
            await held.broker.publish([last])

            async def is_last_heard() -> bool:
                heard = {row.message_id for row in await rows_of(held, InboxMessage) if row.handled_at}
                return last.id in heard and len(await rows_of(held, StoredMail)) == 2

            await until(is_last_heard)
        news = await rows_of(held, Notification)
        assert {row.dedupe_key for row in news} == {str(message.id), str(last.id)}
        mails = await rows_of(held, StoredMail)
        assert {(mail.to, mail.subject) for mail in mails} == {
            ("alice@mail.example", "Добро пожаловать в Онлайн-кинотеатр")
        }


async def test_a_new_delivery_wakes_the_worker(
    database_url: str, auth: AuthDoor, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("theatre.notification.jobs.POLL_SECONDS", 3_600.0)
    user_id = auth.add_contact(email="alice@mail.example").user_id
    async with create_worker(settings_for(database_url), transport=auth.transport, clock=clock) as worker:
        held = worker.resources
        async with running(worker):
            for count in (1, 2):

                async def is_sent(count: int = count) -> bool:
                    return len(await rows_of(held, StoredMail)) == count

                await tell(held.sessions, user_id, clock)
                await until(is_sent)


@pytest.mark.parametrize(("stage", "repeats"), [("before_rcpt", 1), ("before_reply", 2)])
async def test_a_killed_worker_is_replaced_and_repeats_the_same_message_id_at_most_once(
    held: WorkerResources,
    sink: Sink,
    auth: AuthDoor,
    clock: MovableClock,
    *,
    database_url: str,
    stage: str,
    repeats: int,
) -> None:
    """RELIABILITY K19, K20."""
    user_id = auth.add_contact(email="alice@mail.example").user_id
    await tell(held.sessions, user_id, clock)
    async with transaction(held.sessions) as blocking:
        # the outcome cannot be recorded while we hold the row, so the kill comes in between
        [row] = await rows_of(held, Delivery)
        reached = asyncio.Event()

        async def tell_reached() -> None:
            if not reached.is_set():
                await blocking.scalar(select(Delivery).where(Delivery.id == row.id).with_for_update())
                reached.set()

        setattr(sink, stage, tell_reached)
        arguments = (sys.executable, "-m", DELIVERER, database_url, sink.url, str(user_id))
        process = await asyncio.create_subprocess_exec(*arguments, stderr=asyncio.subprocess.PIPE)
        await reached.wait()
        if stage == "before_reply":
            await until(lambda: is_blocked(held))
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    assert [delivery.status for delivery in await rows_of(held, Delivery)] == ["sending"]
    clock.advance(timedelta(seconds=60))
    await deliveries.deliver_due(held.sessions, held.post, clock=clock)
    assert [delivery.status for delivery in await rows_of(held, Delivery)] == ["sent"]
    assert [caught.message_id for caught in sink.caught] == [f"<{row.id}@theatre.example>"] * repeats


async def is_blocked(held: WorkerResources) -> bool:
    """Tell whether somebody waits for our lock: then the worker has had its 250."""
    async with held.sessions() as session:
        # the service's own role does not see what others do
        await session.execute(text("SET LOCAL ROLE NONE"))
        waiting = "wait_event_type = 'Lock' AND datname = current_database()"
        return bool(await session.scalar(text(f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}")))
