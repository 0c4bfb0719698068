"""Deferred revenue of plans: earned day by day over the period that was paid, in the ledger like everything else."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from theatre.billing import ledger
from theatre.billing.ledger import Entry, credit, debit
from theatre.billing.models import PaymentItem, ProductKind, RevenueSchedule, SubscriptionPeriod
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.money import Money

DAY = timedelta(days=1)
BATCH = 200


def schedule(session: Session, item: PaymentItem, period: SubscriptionPeriod, *, currency: str) -> None:
    """Plan when a sold line of a plan is earned; its sale was posted as deferred."""
    session.add(
        RevenueSchedule(
            payment_item_id=item.id,
            payment_id=item.payment_id,
            currency=currency,
            amount_minor=item.total_minor,
            recognized_minor=0,
            starts_at=period.starts_at,
            ends_at=period.ends_at,
            next_at=min(period.starts_at + DAY, period.ends_at),
        )
    )


async def recognize_due(session: Session, *, now: datetime) -> int:
    """Post what up to a batch of due schedules have earned; several workers may do so at once. Gives the number."""
    statement = (
        select(RevenueSchedule)
        .where(RevenueSchedule.next_at <= now)
        .order_by(RevenueSchedule.next_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    due = (await session.scalars(statement)).all()
    await ledger.post(session, [entry for row in due if (entry := _recognize(row, now=now))], now=now)
    return len(due)


def _recognize(row: RevenueSchedule, *, now: datetime) -> Entry | None:
    earned = max(earned_by(row, now) - row.recognized_minor, 0)
    row.recognized_minor += earned
    row.next_at = _next_day(row, now)
    if not earned:
        return None
    money = Money(earned, row.currency)
    lines = [debit(ledger.deferred(ProductKind.PLAN), money), credit(ledger.revenue(ProductKind.PLAN), money)]
    # Once by the locked row, which moves on with the entry. Nothing of the row could name the operation: refunds that
    # fail make it due at one moment again and again, and an entry whose key was taken would be missing in the ledger.
    key = f"recognition:{row.payment_item_id}:{new_id()}"
    return Entry(key, "recognition", lines, payment_id=row.payment_id)


def earned_by(row: RevenueSchedule, now: datetime) -> int:
    """Tell how much of a schedule is earned at a moment: whole days of the period that have passed, rounded down."""
    if now >= row.ends_at:
        return row.amount_minor
    passed = max((now - row.starts_at) // DAY, 0)
    return row.amount_minor * passed // _days(row)


def _days(row: RevenueSchedule) -> int:
    return -((row.starts_at - row.ends_at) // DAY)


def _next_day(row: RevenueSchedule, now: datetime) -> datetime | None:
    if now >= row.ends_at:
        return None
    passed = max((now - row.starts_at) // DAY, 0)
    return min(row.starts_at + DAY * (passed + 1), row.ends_at)


async def find_locked(session: Session, item_ids: Sequence[object]) -> dict[object, RevenueSchedule]:
    """Read and lock the schedules of lines, always in the same order; by line."""
    statement = (
        select(RevenueSchedule)
        .where(RevenueSchedule.payment_item_id.in_(item_ids))
        .order_by(RevenueSchedule.payment_item_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.payment_item_id: row for row in await session.scalars(statement)}


def shrink(row: RevenueSchedule, amount_minor: int) -> int:
    """Take given-back money out of a locked schedule; gives how much of it had not been earned yet."""
    from_deferred = min(amount_minor, row.amount_minor - row.recognized_minor)
    row.amount_minor -= amount_minor
    row.recognized_minor -= amount_minor - from_deferred
    return from_deferred


def grow(row: RevenueSchedule, amount_minor: int, *, deferred_minor: int, now: datetime) -> None:
    """Put back what `shrink` took out of a locked schedule, because it was not given back after all."""
    row.amount_minor += amount_minor
    row.recognized_minor += amount_minor - deferred_minor
    row.next_at = now
