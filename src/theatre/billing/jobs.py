"""What billing does by the clock; every job may run in several workers at once."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from theatre.billing import (
    cases,
    ledger_days,
    open_attempts,
    payments,
    receipt_registration,
    recognition,
    reconciliation,
    reconciliation_runs,
    refund_sending,
    reminders,
    renewal_rounds,
    renewals,
    subscriptions,
)
from theatre.billing.models import IdempotencyKey, InboxMessage, OutboxMessage
from theatre.billing.resources import WorkerResources
from theatre.kit.db import transaction
from theatre.kit.idempotency import delete_old_keys
from theatre.kit.inbox import delete_handled
from theatre.kit.metrics import CASES_OPEN, MAX_COUNTED, MEASURE_SECONDS, RENEWALS_AGE
from theatre.kit.outbox import delete_sent
from theatre.kit.worker import Job

# longer than any outbox can send a message again
KEEP_HANDLED = timedelta(days=7)


async def expire_payments(held: WorkerResources) -> None:
    """Expire all that are due: many end at the same moment, so one batch a turn would fall behind."""
    expired = 1
    while expired:
        async with transaction(held.sessions) as session:
            expired = await payments.expire_due(session, now=held.clock.now())


async def expire_subscriptions(held: WorkerResources) -> None:
    """Expire all that are due, likewise."""
    expired = 1
    while expired:
        async with transaction(held.sessions) as session:
            expired = await subscriptions.expire_due(session, now=held.clock.now())


async def renew_plans(held: WorkerResources) -> None:
    """Charge all plans that are due, and plan what comes of those that are not."""
    work = renewal_rounds.Round(held.sessions, held.auth, held.settings, held.clock)
    await renewal_rounds.renew_due(work)


async def remind_of_renewals(held: WorkerResources) -> None:
    """Remind of all plans whose paid time ends soon."""
    reminded = 1
    while reminded:
        async with transaction(held.sessions) as session:
            reminded = await reminders.remind_due(session, now=held.clock.now())


async def recognize_revenue(held: WorkerResources) -> None:
    """Post all that deferred revenue has earned by now."""
    recognized = 1
    while recognized:
        async with transaction(held.sessions) as session:
            recognized = await recognition.recognize_due(session, now=held.clock.now())


async def close_days(held: WorkerResources) -> None:
    """Sum the ledger's days that are over, one in a transaction."""
    zone, closed = ZoneInfo(held.settings.reconciliation_zone), True
    while closed:
        async with transaction(held.sessions) as session:
            closed = await ledger_days.close_due(session, zone, now=held.clock.now())


async def ask_attempts(held: WorkerResources) -> None:
    await open_attempts.ask_due(held.sessions, held.payment, settings=held.settings, now=held.clock.now())


async def ask_refunds(held: WorkerResources) -> None:
    await refund_sending.ask_due(held.sessions, held.payment, now=held.clock.now())


async def plan_reconciliation(held: WorkerResources) -> None:
    await reconciliation.plan(_desk(held))


async def reconcile(held: WorkerResources) -> None:
    await reconciliation.run_due(_desk(held))


def _desk(held: WorkerResources) -> reconciliation.Desk:
    calendar = reconciliation_runs.Calendar.of(held.settings)
    return reconciliation.Desk(held.sessions, held.payment, calendar=calendar, clock=held.clock)


async def register_receipts(held: WorkerResources) -> None:
    counter = receipt_registration.Counter(
        held.sessions, held.payment, held.auth, settings=held.settings, clock=held.clock
    )
    await receipt_registration.register_due(counter)


async def forget_old(held: WorkerResources) -> None:
    now = held.clock.now()
    await delete_old_keys(held.sessions, IdempotencyKey, now=now)
    async with transaction(held.sessions) as session:
        await delete_sent(session, OutboxMessage, now=now)
        await delete_handled(session, InboxMessage, before=now - KEEP_HANDLED)


async def measure_renewals(held: WorkerResources) -> None:
    now = held.clock.now()
    async with transaction(held.sessions) as session:
        oldest = await renewals.find_oldest_due(session, now=now)
    RENEWALS_AGE.set((now - oldest).total_seconds() if oldest else 0)


async def measure_cases(held: WorkerResources) -> None:
    async with transaction(held.sessions) as session:
        CASES_OPEN.set(await cases.count_open(session, limit=MAX_COUNTED))


JOBS: list[Job[WorkerResources]] = [
    Job("expire payments", 15, expire_payments),
    Job("expire subscriptions", 15, expire_subscriptions),
    Job("renew plans", 15, renew_plans),
    Job("remind of renewals", 60, remind_of_renewals),
    Job("recognize revenue", 60, recognize_revenue),
    Job("close days of the ledger", 300, close_days),
    Job("ask about attempts", 10, ask_attempts),
    Job("ask about refunds", 10, ask_refunds),
    Job("plan reconciliation", 300, plan_reconciliation),
    Job("reconcile days", 5, reconcile),
    Job("register receipts", 5, register_receipts),
    Job("measure renewals", MEASURE_SECONDS, measure_renewals),
    Job("measure cases", MEASURE_SECONDS, measure_cases),
    Job("forget old keys and messages", 600, forget_old),
]
