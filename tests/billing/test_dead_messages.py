"""Dead messages of billing: seen with their reason, replayed by a person, with one effect (W14, F-Q5)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.billing.acts import buy, open_attempt, success
from tests.billing.conftest import Caller
from theatre.billing import app as wiring
from theatre.billing.models import OutboxMessage
from theatre.billing.settings import BillingSettings
from theatre.contracts.billing import PaymentCanceled
from theatre.contracts.payment import AttemptSucceeded
from theatre.kit.broker import Broker, Message
from theatre.kit.broker.embedded import EmbeddedBroker
from theatre.kit.clock import MovableClock
from theatre.kit.db import Sessions
from theatre.kit.ids import new_id
from theatre.kit.outbox import emit

Make = Callable[..., Caller]
FINANCE = ("billing.read", "billing.manage")
QUEUE = "worker-billing-notify.outcomes"


@pytest.fixture
async def broker(settings: BillingSettings, broker_schema: None) -> AsyncIterator[Broker]:
    async with EmbeddedBroker(settings.database_url, exchange=f"t{uuid4().hex[:8]}") as broker:
        yield broker


@pytest.fixture
def app_broker(app: FastAPI, broker: Broker) -> Broker:
    """Let the doors ask this test's broker."""
    app.state.resources = replace(app.state.resources, broker=broker)
    return broker


@asynccontextmanager
async def working(settings: BillingSettings, broker: Broker, clock: MovableClock) -> AsyncIterator[None]:
    """Run billing's consumer of outcomes."""
    async with wiring.create_worker(settings, broker=broker, clock=clock) as worker:
        worker.relays, worker.jobs = (), ()
        await broker.declare([consumer.subscription for consumer in worker.consumers])
        task = asyncio.create_task(worker.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])


def message_of(data: dict[str, Any]) -> Message:
    """Put the data of a success in an envelope."""
    id = new_id()
    moment = "2027-01-01T00:00:00Z"
    envelope = {
        "id": str(id),
        "type": AttemptSucceeded.key,
        "version": 1,
        "occurred_at": moment,
        "data": data,
    }
    return Message(id, AttemptSucceeded.key, orjson.dumps(envelope))


async def until_dead(staff: Caller, message: Message) -> dict[str, Any]:
    """Wait until staff see a message among the dead."""
    async with asyncio.timeout(20):
        while True:
            for line in (await staff.get("/admin/messages/dead", limit=100)).json()["items"]:
                if line["id"] == str(message.id):
                    return dict(line)
            await asyncio.sleep(0.05)


async def test_a_message_that_could_not_be_settled_is_replayed_with_one_effect(
    make_caller: Make,
    sessions: Sessions,
    settings: BillingSettings,
    clock: MovableClock,
    app_broker: Broker,
) -> None:
    """W14, F-Q5: its payment was not there yet; replayed twice it settles once."""
    staff = make_caller(*FINANCE)
    async with sessions() as session:  # never committed as yet
        payment = await buy(session, settings, "film")
        attempt_id = await open_attempt(session, payment)
        message = message_of(success(payment, attempt_id).model_dump(mode="json"))
        async with working(settings, app_broker, clock):
            await app_broker.publish([message])
            dead = await until_dead(staff, message)
            assert (dead["place"], dead["type"]) == (QUEUE, "payment.attempt.succeeded")
            assert "No such payment" in dead["reason"]
            assert str(payment.id) in dead["body"]
            assert dead["died_at"]
            await session.commit()
            replayed = await staff.post(f"/admin/messages/dead/{message.id}/replay")
            assert replayed.status_code == 204
            await until_paid(staff, payment.id)
            again = await staff.post(f"/admin/messages/dead/{message.id}/replay")
            assert (again.status_code, again.json()["code"]) == (404, "billing.dead_message_unknown")
            await app_broker.publish([message])
    seen = (await staff.get(f"/admin/payments/{payment.id}")).json()
    assert [entry["kind"] for entry in seen["ledger"]].count("capture") == 1


async def until_paid(staff: Caller, payment_id: UUID) -> None:
    async with asyncio.timeout(20):
        while (await staff.get("/admin/payments", q=payment_id)).json()["items"][0]["status"] != "paid":
            await asyncio.sleep(0.05)


async def test_a_message_that_is_still_poison_comes_back(
    make_caller: Make, settings: BillingSettings, clock: MovableClock, app_broker: Broker
) -> None:
    """F-Q5"""
    staff = make_caller(*FINANCE)
    message = message_of({"payment_id": str(uuid4())})
    async with working(settings, app_broker, clock):
        await app_broker.publish([message])
        assert "not a payment.attempt.succeeded" in (await until_dead(staff, message))["reason"]
        assert (await staff.post(f"/admin/messages/dead/{message.id}/replay")).status_code == 204
        await until_dead(staff, message)


async def test_a_fact_that_no_queue_took_is_sent_again(
    make_caller: Make, sessions: Sessions, clock: MovableClock, app_broker: Broker
) -> None:
    staff = make_caller(*FINANCE)
    fact = PaymentCanceled(payment_id=uuid4(), user_id=uuid4())
    async with sessions.begin() as session:
        id = emit(session, OutboxMessage, fact, aggregate_id=new_id(), now=clock.now())
        await session.flush()
        await session.execute(
            text(
                "UPDATE billing.outbox_message SET dead_at = now(), tries = 50, last_error = 'no queue' WHERE id = :id"
            ),
            {"id": id},
        )
    [dead] = [
        line for line in (await staff.get("/admin/messages/dead")).json()["items"] if line["id"] == str(id)
    ]
    assert (dead["place"], dead["reason"], dead["tries"]) == ("outbox", "no queue", 50)
    assert (await staff.post(f"/admin/messages/dead/{id}/replay")).status_code == 204
    async with sessions.begin() as session:
        row = await session.get_one(OutboxMessage, id)
        assert (row.dead_at, row.tries) == (None, 0)
        await session.delete(row)
    assert (await staff.post(f"/admin/messages/dead/{id}/replay")).status_code == 404
    acts = (await staff.get("/admin/audit", actor_id=staff.user_id)).json()["items"]
    assert [act["action"] for act in acts] == ["message.replay", "message.replay"]


async def test_the_csv_of_dead_messages_has_every_place(
    make_caller: Make, settings: BillingSettings, clock: MovableClock, app_broker: Broker
) -> None:
    staff = make_caller(*FINANCE)
    message = message_of({})
    async with working(settings, app_broker, clock):
        await app_broker.publish([message])
        await until_dead(staff, message)
    [row] = [row for row in await staff.get_csv("/admin/messages/dead") if row["id"] == str(message.id)]
    assert row["place"] == QUEUE
