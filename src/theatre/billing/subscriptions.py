"""Subscriptions: paid plans, extended by each further purchase, ended by time or by giving the money back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import joinedload

from theatre.billing.errors import SubscriptionUnknown
from theatre.billing.models import (
    OPEN_SUBSCRIPTION,
    OutboxMessage,
    Payment,
    PaymentItem,
    PaymentStatus,
    Price,
    Product,
    Subscription,
    SubscriptionPeriod,
    SubscriptionStatus,
)
from theatre.billing.periods import Anchor, add_days
from theatre.billing.renewal_dates import Course
from theatre.billing.settings import BillingSettings
from theatre.contracts.billing import (
    Charged,
    SubscriptionCanceled,
    SubscriptionExpired,
    SubscriptionRenewed,
    SubscriptionStarted,
)
from theatre.contracts.money import Amount
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.listing import Listing
from theatre.kit.outbox import emit
from theatre.kit.pagination import Page, PageRequest, page_of

EXPIRE_BATCH = 200
COLUMNS = (
    Subscription.id,
    Subscription.created_at,
    Subscription.status,
    Subscription.user_id,
    Subscription.product_id,
    Subscription.price_id,
    Subscription.paid_from,
    Subscription.paid_until,
    Subscription.cancel_at_period_end,
)


async def extend(
    session: Session,
    payment: Payment,
    item: PaymentItem,
    *,
    price: Price,
    settings: BillingSettings,
    now: datetime,
) -> SubscriptionPeriod:
    """Start the plan that a paid line bought, or extend the one the user has, also while its renewal is being tried;
    locks that one. It will be renewed if the user paid by a saved method or had it saved.

    A first period is longer by the price's free days. A canceled plan stays canceled: what it was charged is on its
    way back.
    """
    user_id = payment.user_id
    held = await _find_extended(session, payment, item.product_id, now=now)
    if held is None:
        is_first = not await _had_before(session, user_id, item.product_id)
        zone = settings.period_zone
        held = _start(session, user_id, item, price=price, zone=zone, is_first=is_first, now=now)
        starts_at = now
        event: type[SubscriptionStarted | SubscriptionRenewed] = SubscriptionStarted
    else:
        starts_at, event = held.paid_until, SubscriptionRenewed
        _lengthen(held, price, item.quantity)
        if payment.subscription_id is not None:
            held.paid_from = starts_at
    if held.status in OPEN_SUBSCRIPTION:
        _go_on(held, payment, settings=settings, now=now)
    period = SubscriptionPeriod(
        id=new_id(),
        subscription_id=held.id,
        payment_item_id=item.id,
        payment_id=item.payment_id,
        # at the calendar's end nothing is left to add, but the money was taken
        starts_at=min(starts_at, held.paid_until - timedelta(seconds=1)),
        ends_at=held.paid_until,
    )
    session.add(period)
    if held.status in OPEN_SUBSCRIPTION:
        told = event(
            subscription_id=held.id,
            user_id=user_id,
            product_id=item.product_id,
            period_end=held.paid_until,
            **({"charged": _charged(payment)} if payment.subscription_id == held.id else {}),
        )
        emit(session, OutboxMessage, told, aggregate_id=held.id, now=now)
    return period


def _charged(payment: Payment) -> Charged:
    total = Amount(amount_minor=payment.total_minor, currency=payment.currency)
    return Charged(payment_id=payment.id, total=total, title=payment.title)


def _go_on(held: Subscription, payment: Payment, *, settings: BillingSettings, now: datetime) -> None:
    """Plan what comes after a period that was paid; a renewal that was being tried for it is looked at at once."""
    course = Course.of(settings)
    was_tried = held.grace_until is not None and payment.subscription_id is None
    held.status, held.grace_until = SubscriptionStatus.ACTIVE, None
    held.is_renewing = held.is_renewing or payment.save_method or payment.payment_method_id is not None
    held.renewal_due_at = held.remind_at = None
    if not held.cancel_at_period_end:
        held.remind_at = course.remind_at(held.paid_until, now=now)
    if held.is_renewing and not held.cancel_at_period_end:
        held.renewal_due_at = now if was_tried else course.charge_at(held.paid_until)


async def _find_extended(
    session: Session, payment: Payment, product_id: UUID, *, now: datetime
) -> Subscription | None:
    if payment.subscription_id is not None:
        renewed = await get_locked(session, payment.subscription_id)
        if renewed.status != SubscriptionStatus.EXPIRED:
            return renewed
    held = await find_open_locked(session, payment.user_id, product_id)
    if held is None or (held.grace_until or held.paid_until) > now:
        return held
    _end(session, held, now=now)
    await session.flush()
    return None


async def get_locked(session: Session, subscription_id: UUID) -> Subscription:
    """Read a subscription as it is now, and lock its row until the transaction ends."""
    statement = select(Subscription).where(Subscription.id == subscription_id).with_for_update()
    return (await session.execute(statement.execution_options(populate_existing=True))).scalar_one()


async def find_open_locked(session: Session, user_id: UUID, product_id: UUID) -> Subscription | None:
    """Find the plan that a user has of a product, and lock its row until the transaction ends."""
    statement = select(Subscription).where(
        Subscription.user_id == user_id,
        Subscription.product_id == product_id,
        Subscription.status.in_(OPEN_SUBSCRIPTION),
    )
    return (await session.execute(statement.with_for_update())).scalar_one_or_none()


async def _had_before(session: Session, user_id: UUID, product_id: UUID) -> bool:
    statement = select(Subscription.id).where(
        Subscription.user_id == user_id, Subscription.product_id == product_id
    )
    return await session.scalar(statement.limit(1)) is not None


def _start(
    session: Session,
    user_id: UUID,
    item: PaymentItem,
    *,
    price: Price,
    zone: str,
    is_first: bool,
    now: datetime,
) -> Subscription:
    free_days = price.trial_days if is_first else 0
    anchor = Anchor(add_days(now, free_days, zone=zone), 0, zone)
    subscription = Subscription(
        id=new_id(),
        user_id=user_id,
        product_id=item.product_id,
        price_id=price.id,
        status=SubscriptionStatus.ACTIVE,
        zone=zone,
        anchor_at=anchor.at,
        anchor_months=0,
        paid_from=now,
        paid_until=now + timedelta(seconds=1),
        cancel_at_period_end=False,
        is_renewing=False,
        created_at=now,
    )
    _lengthen(subscription, price, item.quantity)
    session.add(subscription)
    return subscription


def end_after(subscription: Subscription, price: Price) -> datetime:
    """Tell when the period would end that follows what is paid."""
    return _extended(subscription, price, 1).end()


def _extended(subscription: Subscription, price: Price, quantity: int) -> Anchor:
    anchor = Anchor(subscription.anchor_at, subscription.anchor_months, subscription.zone)
    # a plan's price always has an interval: the price list's check and the table's see to it
    return anchor.extended(price.interval_unit or "month", (price.interval_count or 1) * quantity)


def _lengthen(subscription: Subscription, price: Price, quantity: int) -> None:
    extended = _extended(subscription, price, quantity)
    subscription.anchor_at, subscription.anchor_months = extended.at, extended.months
    subscription.paid_until = extended.end()
    subscription.price_id = price.id


def cancel(session: Session, subscription: Subscription, *, now: datetime) -> None:
    """End a locked open plan for good; whoever looks after renewals gives up what is still open of its own."""
    subscription.status = SubscriptionStatus.CANCELED
    subscription.renewal_due_at, subscription.remind_at, subscription.grace_until = now, None, None
    told = SubscriptionCanceled(
        subscription_id=subscription.id, user_id=subscription.user_id, product_id=subscription.product_id
    )
    emit(session, OutboxMessage, told, aggregate_id=subscription.id, now=now)


async def expire_due(session: Session, *, now: datetime) -> int:
    """End up to a batch of plans whose time is over; several workers may do so at once. Gives the number.

    One that is still to be charged, or of whose charge nobody knows the outcome, is waited for.
    """
    end = func.coalesce(Subscription.grace_until, Subscription.paid_until)
    is_charged = (
        select(Payment.id)
        .where(
            Payment.subscription_id == Subscription.id,
            Payment.renews_from == Subscription.paid_until,
            Payment.status == PaymentStatus.PENDING,
        )
        .exists()
    )
    nothing_comes = and_(Subscription.renewal_due_at.is_(None), ~is_charged)
    statement = (
        select(Subscription)
        .where(
            Subscription.status.in_(OPEN_SUBSCRIPTION),
            end <= now,
            or_(Subscription.cancel_at_period_end, nothing_comes),
        )
        .order_by(end)
        .limit(EXPIRE_BATCH)
        .with_for_update(skip_locked=True)
    )
    due = (await session.scalars(statement)).all()
    for subscription in due:
        _end(session, subscription, now=now)
    return len(due)


def _end(session: Session, subscription: Subscription, *, now: datetime) -> None:
    if subscription.cancel_at_period_end:
        cancel(session, subscription, now=now)
        return
    was_tried = subscription.grace_until is not None
    subscription.status = SubscriptionStatus.EXPIRED
    subscription.renewal_due_at, subscription.remind_at = now if was_tried else None, None
    subscription.grace_until = None
    told = SubscriptionExpired(
        subscription_id=subscription.id, user_id=subscription.user_id, product_id=subscription.product_id
    )
    emit(session, OutboxMessage, told, aggregate_id=subscription.id, now=now)


async def get(
    session: Session, user_id: UUID, subscription_id: UUID, *, is_locked: bool = False
) -> Subscription:
    """Read one's own subscription; with `is_locked` its row is locked until the transaction ends.

    Raises:
        SubscriptionUnknown: there is none, or it is another's.
    """
    statement = _with_product().where(Subscription.id == subscription_id, Subscription.user_id == user_id)
    if is_locked:
        statement = statement.with_for_update(of=Subscription).execution_options(populate_existing=True)
    found = (await session.execute(statement)).scalar_one_or_none()
    if found is None:
        raise SubscriptionUnknown
    return found


async def list_own(session: Session, user_id: UUID, request: PageRequest) -> Page[Subscription]:
    """List one's own subscriptions, newest first."""
    statement = _with_product().where(Subscription.user_id == user_id).order_by(Subscription.id.desc())
    if request.after:
        statement = statement.where(Subscription.id < request.uuid_after())
    rows: Sequence[Subscription] = (await session.scalars(statement.limit(request.limit + 1))).all()
    return page_of(rows, request, key=lambda row: (row.id,))


def find(
    *,
    status: SubscriptionStatus | None = None,
    user_id: UUID | None = None,
    product_id: UUID | None = None,
    ending_before: datetime | None = None,
) -> Listing[Subscription]:
    """List subscriptions of all users, newest first; those that run and end before a moment: the next to end first."""
    rows = select(Subscription)
    for column, value in (
        (Subscription.status, status),
        (Subscription.user_id, user_id),
        (Subscription.product_id, product_id),
    ):
        if value is not None:
            rows = rows.where(column == value)
    options = (joinedload(Subscription.product), joinedload(Subscription.price))
    if ending_before is None:
        return Listing(rows, keys=(Subscription.id,), columns=COLUMNS, options=options)
    running = Subscription.status == SubscriptionStatus.ACTIVE
    return Listing(
        rows.where(running, Subscription.paid_until < ending_before),
        keys=(Subscription.paid_until, Subscription.id),
        columns=COLUMNS,
        options=options,
        is_rising=True,
        order="ending",
    )


def _with_product() -> Select[Subscription]:
    product = joinedload(Subscription.product).selectinload(Product.prices)
    return select(Subscription).options(product, joinedload(Subscription.price))
