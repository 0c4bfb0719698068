"""What billing does by the clock, with more to do than one batch holds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from tests.billing.acts import NOW, buy, days, pay
from theatre.billing import app as wiring
from theatre.billing import jobs, payments, subscriptions
from theatre.billing.models import (
    IdempotencyKey,
    InboxMessage,
    LedgerClosing,
    LedgerDay,
    Payment,
    Subscription,
)
from theatre.billing.settings import BillingSettings
from theatre.kit import idempotency
from theatre.kit.db import Sessions


@dataclass
class Standing:
    """A clock that stands at a moment."""

    at: datetime

    def now(self) -> datetime:
        return self.at


@dataclass
class Held:
    """What these jobs need of a worker's resources."""

    sessions: Sessions
    clock: Standing
    settings: BillingSettings | None = None


def at(sessions: Sessions, moment: datetime, settings: BillingSettings | None = None) -> Any:
    return Held(sessions, Standing(moment), settings)


async def test_all_that_is_due_expires_in_one_turn(
    sessions: Sessions, settings: BillingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payments, "EXPIRE_BATCH", 2)
    monkeypatch.setattr(subscriptions, "EXPIRE_BATCH", 2)
    user_ids = [uuid4() for _ in range(5)]
    async with sessions.begin() as session:
        for user_id in user_ids:
            await buy(session, settings, "film", user_id=user_id)
            await pay(session, settings, await buy(session, settings, "plan", user_id=user_id))
    held = at(sessions, NOW + days(40))
    await jobs.expire_payments(held)
    await jobs.expire_subscriptions(held)
    async with sessions() as session:
        unpaid = select(Payment.status).where(Payment.user_id.in_(user_ids), Payment.paid_at.is_(None))
        assert set(await session.scalars(unpaid)) == {"expired"}
        plans = select(Subscription.status).where(Subscription.user_id.in_(user_ids))
        assert set(await session.scalars(plans)) == {"expired"}


async def test_old_keys_are_forgotten_however_many_there_are(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "PURGE_BATCH", 2)
    user_id = uuid4()
    async with sessions.begin() as session:
        for number in range(5):
            key = IdempotencyKey(user_id=user_id, key=str(number), fingerprint=b"", locked_at=NOW - days(2))
            session.add(key)
    await jobs.forget_old(at(sessions, NOW))
    async with sessions() as session:
        left = select(func.count()).select_from(IdempotencyKey).where(IdempotencyKey.user_id == user_id)
        assert await session.scalar(left) == 0


async def test_handled_messages_are_forgotten_when_nobody_can_send_them_again(sessions: Sessions) -> None:
    async def seen(age: timedelta, *, is_handled: bool) -> UUID:
        async with sessions.begin() as session:
            row = InboxMessage(consumer="test", message_id=uuid4(), tries=1, first_seen_at=NOW - age)
            row.handled_at = NOW - age if is_handled else None
            session.add(row)
            return row.message_id

    old = await seen(days(8), is_handled=True)
    kept = {await seen(days(8), is_handled=False), await seen(days(2), is_handled=True)}
    await jobs.forget_old(at(sessions, NOW))
    async with sessions() as session:
        wanted = InboxMessage.message_id.in_({old, *kept})
        assert set(await session.scalars(select(InboxMessage.message_id).where(wanted))) == kept


async def test_all_days_of_the_ledger_that_are_over_are_closed_in_one_turn_and_built_anew_on_demand(
    sessions: Sessions, settings: BillingSettings
) -> None:
    for number in (0, 2, 3):
        async with sessions.begin() as session:
            payment = await buy(session, settings, "film", now=NOW + days(number))
            await pay(session, settings, payment, now=NOW + days(number))
    held = at(sessions, NOW + days(3), settings)
    sums = select(LedgerDay.day_on, func.sum(LedgerDay.line_count)).group_by(LedgerDay.day_on)
    for _ in range(2):
        await jobs.close_days(held)
        async with sessions() as session:
            found = (await session.execute(sums.order_by(LedgerDay.day_on))).all()
            closed_until = await session.scalar(select(LedgerClosing.closed_until))
        assert [(str(day), int(count)) for day, count in found] == [("2027-01-31", 4), ("2027-02-02", 4)]
        assert str(closed_until) == "2027-02-03"
        findings = [finding async for finding in wiring.verify_ledger(settings, is_rebuilt=True)]
        assert not [finding.statement for finding in findings if finding.number]
        async with sessions() as session:
            assert (await session.scalars(select(LedgerClosing))).all() == []
