"""Periods of subscriptions that are taken back, with the money or by a dispute, and put back if that is won."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select

from theatre.billing import subscriptions
from theatre.billing.models import (
    OPEN_SUBSCRIPTION,
    OutboxMessage,
    Subscription,
    SubscriptionPeriod,
    SubscriptionStatus,
)
from theatre.contracts.billing import SubscriptionRenewed, SubscriptionStarted
from theatre.kit.db import Session
from theatre.kit.outbox import emit


async def take_back(session: Session, payment_id: UUID, *, until_won: bool = False, now: datetime) -> None:
    """Take back the periods that a payment bought; other periods stay where they are. Locks the subscriptions.

    With `until_won` a dispute takes them, and `restore` brings them back.
    """
    statement = (
        select(SubscriptionPeriod)
        .where(
            SubscriptionPeriod.payment_id == payment_id,
            or_(SubscriptionPeriod.revoked_at.is_(None), SubscriptionPeriod.is_disputed),
        )
        .order_by(SubscriptionPeriod.subscription_id)
    )
    for period in (await session.scalars(statement)).all():
        is_held = period.revoked_at is None
        period.is_disputed = until_won
        if is_held:
            period.revoked_at = now
            subscription = await session.get_one(Subscription, period.subscription_id, with_for_update=True)
            await _shorten(session, subscription, now=now)


async def restore(session: Session, payment_id: UUID, *, now: datetime) -> frozenset[UUID]:
    """Put the periods that a dispute took of a payment back where they were. Locks the subscriptions.

    Gives the lines whose place in time is taken: their plan was bought again meanwhile.
    """
    statement = (
        select(SubscriptionPeriod)
        .where(SubscriptionPeriod.payment_id == payment_id, SubscriptionPeriod.is_disputed)
        .order_by(SubscriptionPeriod.subscription_id)
    )
    without_room = set()
    for period in (await session.scalars(statement)).all():
        subscription = await session.get_one(Subscription, period.subscription_id, with_for_update=True)
        if await _has_room(session, subscription, period, now=now):
            period.revoked_at, period.is_disputed = None, False
            _reopen(session, subscription, period, now=now)
        else:
            without_room.add(period.payment_item_id)
    return frozenset(without_room)


async def _has_room(
    session: Session, subscription: Subscription, period: SubscriptionPeriod, *, now: datetime
) -> bool:
    same = (Subscription.user_id == subscription.user_id, Subscription.product_id == subscription.product_id)
    overlapping = (
        select(SubscriptionPeriod.id)
        .join(Subscription, Subscription.id == SubscriptionPeriod.subscription_id)
        .where(
            *same,
            SubscriptionPeriod.revoked_at.is_(None),
            SubscriptionPeriod.starts_at < period.ends_at,
            SubscriptionPeriod.ends_at > period.starts_at,
        )
    )
    if await session.scalar(overlapping.limit(1)) is not None:
        return False
    # a user has one open subscription of a plan at most
    held = await subscriptions.find_open_locked(session, subscription.user_id, subscription.product_id)
    return period.ends_at <= now or held is None or held.id == subscription.id


def _reopen(
    session: Session, subscription: Subscription, period: SubscriptionPeriod, *, now: datetime
) -> None:
    if period.ends_at <= now:
        return
    event: type[SubscriptionStarted | SubscriptionRenewed] = SubscriptionRenewed
    if subscription.status not in OPEN_SUBSCRIPTION:
        subscription.status, event = SubscriptionStatus.ACTIVE, SubscriptionStarted
    if period.ends_at > subscription.paid_until:
        subscription.paid_until = period.ends_at
        subscription.anchor_at, subscription.anchor_months = period.ends_at, 0
    _look_again(subscription, now=now)
    told = event(
        subscription_id=subscription.id,
        user_id=subscription.user_id,
        product_id=subscription.product_id,
        period_end=subscription.paid_until,
    )
    emit(session, OutboxMessage, told, aggregate_id=subscription.id, now=now)


async def _shorten(session: Session, subscription: Subscription, *, now: datetime) -> None:
    await session.flush()
    statement = select(SubscriptionPeriod).where(
        SubscriptionPeriod.subscription_id == subscription.id,
        SubscriptionPeriod.revoked_at.is_(None),
        SubscriptionPeriod.ends_at > now,
    )
    left = (await session.scalars(statement.order_by(SubscriptionPeriod.starts_at))).all()
    if left:
        subscription.paid_until = max(period.ends_at for period in left)
        # what is bought from now on follows the last period that stays
        subscription.anchor_at, subscription.anchor_months = subscription.paid_until, 0
        subscription.paid_from = min(subscription.paid_from, left[0].starts_at)
        subscription.grace_until = None
        if subscription.status == SubscriptionStatus.PAST_DUE:
            subscription.status = SubscriptionStatus.ACTIVE
        _look_again(subscription, now=now)
        return
    if subscription.status in OPEN_SUBSCRIPTION:
        subscriptions.cancel(session, subscription, now=now)


def _look_again(subscription: Subscription, *, now: datetime) -> None:
    """Have the next charge planned anew: the end of what is paid has moved."""
    if subscription.is_renewing and not subscription.cancel_at_period_end:
        subscription.renewal_due_at = now
