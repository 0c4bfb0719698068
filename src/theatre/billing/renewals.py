"""Renewals: what is due is charged to its user's saved method, one payment for each period, tried by a plan.

Locks are taken payment, subscription, saved method. A renewal begins in a transaction of its own, and payment-service
is asked by the message that leaves with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import func, or_, select

from theatre.billing import charges, entitlements, payment_methods, payments, subscriptions
from theatre.billing.models import (
    OPEN_SUBSCRIPTION,
    OutboxMessage,
    Payment,
    PaymentItem,
    PaymentStatus,
    PaymentTransition,
    Price,
    ProductKind,
    Subscription,
    SubscriptionPeriod,
    SubscriptionStatus,
)
from theatre.billing.renewal_dates import Course
from theatre.billing.settings import BillingSettings
from theatre.contracts.billing import SubscriptionPastDue
from theatre.contracts.money import Amount
from theatre.contracts.payment import Failure
from theatre.kit.db import Session, Sessions, transact, transaction
from theatre.kit.ids import new_id
from theatre.kit.metrics import RENEWALS, on_commit
from theatre.kit.outbox import emit

BATCH = 100
LEASE = timedelta(minutes=5)
"""Who claims a plan and dies is succeeded after this."""
PLANNED = "renewal"
AT_ONCE = "renewal by another method"
"""Why a renewal is charged. Only planned charges count in the plan of tries."""


@dataclass(frozen=True, slots=True)
class Due:
    """A plan to be looked at, and whose it is."""

    subscription_id: UUID
    user_id: UUID


async def claim_due(session: Session, *, now: datetime) -> list[Due]:
    """Claim up to a batch of plans that are due for a look; several workers may do so at once."""
    statement = (
        select(Subscription)
        .where(Subscription.renewal_due_at <= now)
        .order_by(Subscription.renewal_due_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    due = (await session.scalars(statement)).all()
    for subscription in due:
        subscription.renewal_due_at = now + LEASE
    return [Due(subscription.id, subscription.user_id) for subscription in due]


async def renew(
    session: Session,
    subscription_id: UUID,
    *,
    settings: BillingSettings,
    now: datetime,
    is_at_once: bool = False,
) -> None:
    """Do what is due for a plan: charge it, plan when, or give up what nobody wants any more. Repeating it is safe.

    Locks the last renewal, the subscription and the method. `is_at_once`: a failed renewal is not put off, there is
    another method.
    """
    payment = await _find_last_locked(session, subscription_id)
    subscription = await subscriptions.get_locked(session, subscription_id)
    is_idle = subscription.renewal_due_at is None and not is_at_once
    # between the two locks a twin may have made the next renewal: then it has planned what comes as well
    if is_idle or await _find_last_id(session, subscription_id) != (payment and payment.id):
        return
    subscription.renewal_due_at = None
    is_open = subscription.status in OPEN_SUBSCRIPTION
    if payment is not None and not (is_open and payment.renews_from == subscription.paid_until):
        await _give_up(session, payment, now=now)
        payment = None
    if not is_open or not subscription.is_renewing or subscription.cancel_at_period_end:
        return
    course = Course.of(settings)
    if payment is None:
        await _begin(session, subscription, course=course, now=now)
    elif payment.status == PaymentStatus.UNPAID and payment.expires_at > now:
        await _try_again(session, subscription, payment, course=course, now=now, is_at_once=is_at_once)


async def _find_last_locked(session: Session, subscription_id: UUID) -> Payment | None:
    last = await _find_last_id(session, subscription_id)
    return None if last is None else await payments.get_locked(session, last)


async def _find_last_id(session: Session, subscription_id: UUID) -> UUID | None:
    renewals = select(Payment.id).where(Payment.subscription_id == subscription_id)
    last: UUID | None = await session.scalar(renewals.order_by(Payment.renews_from.desc()).limit(1))
    return last


async def _give_up(session: Session, payment: Payment, *, now: datetime) -> None:
    if payment.status == PaymentStatus.UNPAID:
        await payments.close(session, payment, PaymentStatus.CANCELED, reason="renewal not wanted", now=now)
    elif payment.status == PaymentStatus.PENDING and payment.cancel_requested_at is None:
        payment.cancel_requested_at = payment.next_ask_at = now
        payments.abandon_attempt(session, payment, now=now)


async def _begin(session: Session, subscription: Subscription, *, course: Course, now: datetime) -> None:
    due_at = course.charge_at(subscription.paid_until)
    if due_at > now:
        subscription.renewal_due_at = due_at
        subscription.remind_at = course.remind_at(subscription.paid_until, now=now)
        return
    price = await session.get_one(Price, subscription.price_id)
    next_end = subscriptions.end_after(subscription, price)
    grace_until = course.grace_until(subscription.paid_until, next_end=next_end)
    method = await payment_methods.find_to_renew(session, subscription.user_id)
    # nobody is charged for time that has gone by
    if method is None or grace_until <= now or await _is_made(session, subscription):
        return
    payment = await _draft(session, subscription, price, expires_at=grace_until, now=now)
    subscription.grace_until, subscription.remind_at = grace_until, None
    await entitlements.grant_grace(session, subscription.id, until=grace_until)
    charges.begin(session, payment, method, reason=PLANNED, now=now)
    on_commit(session, RENEWALS.labels("begun"))


async def _is_made(session: Session, subscription: Subscription) -> bool:
    """Tell whether the period was renewed already, and given back since."""
    same = (Payment.subscription_id == subscription.id, Payment.renews_from == subscription.paid_until)
    return await session.scalar(select(Payment.id).where(*same)) is not None


async def _draft(
    session: Session, subscription: Subscription, price: Price, *, expires_at: datetime, now: datetime
) -> Payment:
    name = await name_of(session, subscription.id)
    payment = Payment(
        id=new_id(),
        user_id=subscription.user_id,
        status=PaymentStatus.UNPAID,
        currency=price.currency,
        total_minor=price.amount_minor,
        discount_minor=0,
        refunded_minor=0,
        title=name[: payments.MAX_TITLE_CHARACTERS],
        created_at=now,
        expires_at=expires_at,
        save_method=False,
        subscription_id=subscription.id,
        renews_from=subscription.paid_until,
    )
    payment.items = [
        PaymentItem(
            id=new_id(),
            payment_id=payment.id,
            position=0,
            product_id=subscription.product_id,
            price_id=price.id,
            name=name,
            kind=ProductKind.PLAN,
            quantity=1,
            unit_minor=price.amount_minor,
            total_minor=price.amount_minor,
            discount_minor=0,
        )
    ]
    session.add(payment)
    await session.flush()
    return payment


async def name_of(session: Session, subscription_id: UUID) -> str:
    """Name a plan in the language in which its user bought it last."""
    statement = (
        select(PaymentItem.name)
        .join(SubscriptionPeriod, SubscriptionPeriod.payment_item_id == PaymentItem.id)
        .where(SubscriptionPeriod.subscription_id == subscription_id)
        .order_by(SubscriptionPeriod.ends_at.desc())
        .limit(1)
    )
    return (await session.execute(statement)).scalar_one()


async def _try_again(
    session: Session,
    subscription: Subscription,
    payment: Payment,
    *,
    course: Course,
    now: datetime,
    is_at_once: bool,
) -> None:
    retry_at = course.retry_at(payment.created_at, last_try_at=await _last_try_at(session, payment))
    if not is_at_once and (retry_at is None or retry_at > now):
        subscription.renewal_due_at = retry_at
        return
    method = await payment_methods.find_to_renew(session, subscription.user_id)
    if method is not None:
        subscription.grace_until = payment.expires_at
        await entitlements.grant_grace(session, subscription.id, until=payment.expires_at)
        charges.begin(session, payment, method, reason=AT_ONCE if is_at_once else PLANNED, now=now)
        on_commit(session, RENEWALS.labels("tried_again"))


async def _last_try_at(session: Session, payment: Payment) -> datetime:
    planned = (PaymentTransition.payment_id == payment.id, PaymentTransition.reason == PLANNED)
    last = await session.scalar(select(func.max(PaymentTransition.occurred_at)).where(*planned))
    return last or payment.created_at


async def fail(session: Session, payment: Payment, failure: Failure, *, now: datetime) -> None:
    """Take note that a try to pay a locked renewal brought nothing. Locks its subscription, which is *past due* now.

    Its user is told of the first failure of a period only; when to try again is planned at the next look.
    """
    if payment.subscription_id is None:
        return
    subscription = await subscriptions.get_locked(session, payment.subscription_id)
    is_awaited = payment.renews_from == subscription.paid_until and not subscription.cancel_at_period_end
    if subscription.status not in OPEN_SUBSCRIPTION or not is_awaited:
        return
    subscription.renewal_due_at = now
    on_commit(session, RENEWALS.labels("failed"))
    if subscription.status == SubscriptionStatus.PAST_DUE:
        return
    subscription.status = SubscriptionStatus.PAST_DUE
    told = SubscriptionPastDue(
        subscription_id=subscription.id,
        user_id=subscription.user_id,
        product_id=subscription.product_id,
        payment_id=payment.id,
        total=Amount.of(payments.owed(payment)),
        title=payment.title,
        failure_code=failure.code,
        failure_message=failure.message,
        is_hopeless=failure.code in payment_methods.HOPELESS,
        grace_until=payment.expires_at,
    )
    emit(session, OutboxMessage, told, aggregate_id=subscription.id, now=now)


async def check_wanted(session: Session, payment: Payment, *, now: datetime) -> None:
    """Have the money of a locked renewal given back if its plan was canceled meanwhile. Locks the subscription."""
    if payment.subscription_id is None:
        return
    subscription = await subscriptions.get_locked(session, payment.subscription_id)
    if subscription.status == SubscriptionStatus.CANCELED:
        payment.cancel_requested_at = payment.cancel_requested_at or now
    else:
        on_commit(session, RENEWALS.labels("paid"))


async def try_other_method(
    sessions: Sessions, user_id: UUID, *, settings: BillingSettings, now: datetime
) -> None:
    """Charge a user's failed renewals at once, and those that had nothing to be charged to: there is a method now."""
    async with transaction(sessions) as session:
        waiting = await _list_waiting(session, user_id)
    for subscription_id in waiting:
        verb = partial(renew, subscription_id=subscription_id, settings=settings, now=now, is_at_once=True)
        await transact(sessions, verb)


async def _list_waiting(session: Session, user_id: UUID) -> Sequence[UUID]:
    waits = or_(Subscription.status == SubscriptionStatus.PAST_DUE, Subscription.renewal_due_at.is_(None))
    statement = select(Subscription.id).where(
        Subscription.user_id == user_id, Subscription.status.in_(OPEN_SUBSCRIPTION), waits
    )
    return (await session.scalars(statement.order_by(Subscription.id))).all()


async def stop(session: Session, subscription_id: UUID) -> None:
    """Renew a plan no more, though what is paid stays: there is nobody to be charged. Locks it."""
    subscription = await subscriptions.get_locked(session, subscription_id)
    subscription.is_renewing, subscription.renewal_due_at = False, None


async def find_oldest_due(session: Session, *, now: datetime) -> datetime | None:
    """Find since when the plan that waits longest has been due for a look."""
    due = Subscription.renewal_due_at <= now
    oldest: datetime | None = await session.scalar(select(func.min(Subscription.renewal_due_at)).where(due))
    return oldest
