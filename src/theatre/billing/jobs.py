"""What billing does by the clock; every job may run in several workers at once."""

from theatre.billing import attempts, payments, refunds, subscriptions
from theatre.billing.models import IdempotencyKey, OutboxMessage
from theatre.billing.resources import WorkerResources
from theatre.kit.db import transaction
from theatre.kit.idempotency import delete_old_keys
from theatre.kit.outbox import delete_sent
from theatre.kit.worker import Job


async def expire_payments(held: WorkerResources) -> None:
    async with transaction(held.sessions) as session:
        await payments.expire_due(session, now=held.clock.now())


async def expire_subscriptions(held: WorkerResources) -> None:
    async with transaction(held.sessions) as session:
        await subscriptions.expire_due(session, now=held.clock.now())


async def ask_attempts(held: WorkerResources) -> None:
    await attempts.ask_due(held.sessions, held.payment, settings=held.settings, now=held.clock.now())


async def ask_refunds(held: WorkerResources) -> None:
    await refunds.ask_due(held.sessions, held.payment, now=held.clock.now())


async def forget_old(held: WorkerResources) -> None:
    now = held.clock.now()
    await delete_old_keys(held.sessions, IdempotencyKey, now=now)
    async with transaction(held.sessions) as session:
        await delete_sent(session, OutboxMessage, now=now)


JOBS: list[Job[WorkerResources]] = [
    Job("expire payments", 15, expire_payments),
    Job("expire subscriptions", 15, expire_subscriptions),
    Job("ask about attempts", 10, ask_attempts),
    Job("ask about refunds", 10, ask_refunds),
    Job("forget old keys and messages", 600, forget_old),
]
