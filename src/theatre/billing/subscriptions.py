"""Subscriptions: paid plans, extended by each further purchase, ended by time or by giving the money back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from theatre.billing.errors import SubscriptionUnknown
from theatre.billing.models import (
    OPEN_SUBSCRIPTION,
    OutboxMessage,
    PaymentItem,
    Price,
    Product,
    Subscription,
    SubscriptionPeriod,
    SubscriptionStatus,
)
from theatre.billing.periods import Anchor, add_days
from theatre.contracts.billing import (
    SubscriptionCanceled,
    SubscriptionExpired,
    SubscriptionRenewed,
    SubscriptionStarted,
)
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
    session: Session, user_id: UUID, item: PaymentItem, *, price: Price, zone: str, now: datetime
) -> SubscriptionPeriod:
    """Start the plan that a paid line bought, or extend the one the user has; locks that one.

    A first period is longer by the price's free days. `zone` is used for a new subscription only.
    """
    held = await _find_open(session, user_id, item.product_id)
    if held is None or held.paid_until <= now:
        if held is not None:
            _expire(session, held, now=now)
            await session.flush()
        is_first = not await _had_before(session, user_id, item.product_id)
        held = _start(session, user_id, item, price=price, zone=zone, is_first=is_first, now=now)
        starts_at = now
        event: type[SubscriptionStarted | SubscriptionRenewed] = SubscriptionStarted
    else:
        starts_at, event = held.paid_until, SubscriptionRenewed
        _lengthen(held, price, item.quantity)
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
    told = event(
        subscription_id=held.id, user_id=user_id, product_id=item.product_id, period_end=held.paid_until
    )
    emit(session, OutboxMessage, told, aggregate_id=held.id, now=now)
    return period


async def _find_open(session: Session, user_id: UUID, product_id: UUID) -> Subscription | None:
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
        created_at=now,
    )
    _lengthen(subscription, price, item.quantity)
    session.add(subscription)
    return subscription


def _lengthen(subscription: Subscription, price: Price, quantity: int) -> None:
    anchor = Anchor(subscription.anchor_at, subscription.anchor_months, subscription.zone)
    # a plan's price always has an interval: the price list's check and the table's see to it
    extended = anchor.extended(price.interval_unit or "month", (price.interval_count or 1) * quantity)
    subscription.anchor_at, subscription.anchor_months = extended.at, extended.months
    subscription.paid_until = extended.end()
    subscription.price_id = price.id


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
    held = await _find_open(session, subscription.user_id, subscription.product_id)
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
        return
    if subscription.status not in OPEN_SUBSCRIPTION:
        return
    subscription.status = SubscriptionStatus.CANCELED
    told = SubscriptionCanceled(
        subscription_id=subscription.id, user_id=subscription.user_id, product_id=subscription.product_id
    )
    emit(session, OutboxMessage, told, aggregate_id=subscription.id, now=now)


async def expire_due(session: Session, *, now: datetime) -> int:
    """Expire up to a batch of plans whose paid time is over; several workers may do so at once. Gives the number."""
    statement = (
        select(Subscription)
        .where(Subscription.status == SubscriptionStatus.ACTIVE, Subscription.paid_until <= now)
        .order_by(Subscription.paid_until)
        .limit(EXPIRE_BATCH)
        .with_for_update(skip_locked=True)
    )
    due = (await session.scalars(statement)).all()
    for subscription in due:
        _expire(session, subscription, now=now)
    return len(due)


def _expire(session: Session, subscription: Subscription, *, now: datetime) -> None:
    subscription.status = SubscriptionStatus.EXPIRED
    told = SubscriptionExpired(
        subscription_id=subscription.id, user_id=subscription.user_id, product_id=subscription.product_id
    )
    emit(session, OutboxMessage, told, aggregate_id=subscription.id, now=now)


async def get(session: Session, user_id: UUID, subscription_id: UUID) -> Subscription:
    """Read one's own subscription.

    Raises:
        SubscriptionUnknown: there is none, or it is another's.
    """
    statement = _with_product().where(Subscription.id == subscription_id, Subscription.user_id == user_id)
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
