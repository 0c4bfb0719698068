"""What a user wants of a plan: that it ends, now or with what is paid, or that it goes on after all."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from theatre.billing import entitlements, payment_methods, renewals, subscriptions
from theatre.billing.errors import SubscriptionEnded
from theatre.billing.models import OPEN_SUBSCRIPTION, OutboxMessage, Subscription, SubscriptionStatus
from theatre.contracts.billing import SubscriptionCancelRequested
from theatre.kit.db import Session
from theatre.kit.outbox import emit


class CancelAt(StrEnum):
    """When a plan is to end: with what is paid for, or at once."""

    PERIOD_END = "period_end"
    NOW = "now"


async def cancel(
    session: Session, user_id: UUID, subscription_id: UUID, *, at: CancelAt, now: datetime
) -> Subscription:
    """End one's own plan. At the period's end nothing more is charged, and all that is paid can be watched; what is
    being charged already is still waited for. At once, what is left of the paid time is given up.

    Repeating it changes nothing. Locks the subscription.

    Raises:
        SubscriptionUnknown: there is none, or it is another's.
        SubscriptionEnded
    """
    subscription = await subscriptions.get(session, user_id, subscription_id, is_locked=True)
    if subscription.status not in OPEN_SUBSCRIPTION:
        raise SubscriptionEnded
    is_over = at is CancelAt.NOW or subscription.paid_until <= now
    if subscription.cancel_at_period_end and not is_over:
        return subscription
    subscription.status = SubscriptionStatus.ACTIVE
    subscription.cancel_at_period_end = True
    subscription.renewal_due_at = subscription.remind_at = subscription.grace_until = None
    await entitlements.grant_grace(session, subscription.id, until=None)
    await _tell(session, subscription, ends_at=now if is_over else subscription.paid_until, now=now)
    if is_over:
        await entitlements.end_now(session, subscription.id, now=now)
        subscriptions.cancel(session, subscription, now=now)
    await session.flush()
    return subscription


async def _tell(session: Session, subscription: Subscription, *, ends_at: datetime, now: datetime) -> None:
    told = SubscriptionCancelRequested(
        subscription_id=subscription.id,
        user_id=subscription.user_id,
        product_id=subscription.product_id,
        title=await renewals.name_of(session, subscription.id),
        ends_at=ends_at,
    )
    emit(session, OutboxMessage, told, aggregate_id=subscription.id, now=now)


async def resume(session: Session, user_id: UUID, subscription_id: UUID, *, now: datetime) -> Subscription:
    """Let one's own plan go on after what is paid: charged to the saved method, if there is one. Locks it.

    Repeating it changes nothing.

    Raises:
        SubscriptionUnknown: there is none, or it is another's.
        SubscriptionEnded
    """
    subscription = await subscriptions.get(session, user_id, subscription_id, is_locked=True)
    is_over = subscription.cancel_at_period_end and subscription.paid_until <= now
    if subscription.status not in OPEN_SUBSCRIPTION or is_over:
        raise SubscriptionEnded
    has_method = await payment_methods.has_to_renew(session, user_id)
    if subscription.cancel_at_period_end or (has_method and not subscription.is_renewing):
        subscription.cancel_at_period_end = False
        subscription.is_renewing = subscription.is_renewing or has_method
        subscription.renewal_due_at = now if subscription.is_renewing else None
        await session.flush()
    return subscription
