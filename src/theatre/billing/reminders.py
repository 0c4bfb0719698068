"""Reminders: before what is paid of a plan ends its user is told what comes, once."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from theatre.billing import payment_methods, renewals
from theatre.billing.models import OPEN_SUBSCRIPTION, OutboxMessage, Subscription
from theatre.contracts.billing import SubscriptionEndAnnounced
from theatre.contracts.money import Amount
from theatre.kit.db import Session
from theatre.kit.outbox import emit

BATCH = 100


async def remind_due(session: Session, *, now: datetime) -> int:
    """Announce the end of what is paid of up to a batch of plans: that they will be charged, or that they end.

    Several workers may do so at once. Gives the number.
    """
    statement = (
        select(Subscription)
        .where(Subscription.remind_at <= now)
        .order_by(Subscription.remind_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True, of=Subscription)
        .options(joinedload(Subscription.price))
    )
    due = (await session.scalars(statement)).all()
    for subscription in due:
        subscription.remind_at = None
        # after a time without workers it may be too late
        if subscription.status in OPEN_SUBSCRIPTION and subscription.paid_until > now:
            await _announce(session, subscription, now=now)
    return len(due)


async def _announce(session: Session, subscription: Subscription, *, now: datetime) -> None:
    is_charged = subscription.is_renewing and await payment_methods.has_to_renew(
        session, subscription.user_id
    )
    price = Amount(amount_minor=subscription.price.amount_minor, currency=subscription.price.currency)
    told = SubscriptionEndAnnounced(
        subscription_id=subscription.id,
        user_id=subscription.user_id,
        product_id=subscription.product_id,
        title=await renewals.name_of(session, subscription.id),
        period_end=subscription.paid_until,
        total=price if is_charged else None,
    )
    emit(session, OutboxMessage, told, aggregate_id=subscription.id, now=now)
