"""Rights to watch: granted in the transaction that makes a payment paid, one for each of its lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update

from theatre.billing import recognition, revocations, subscriptions
from theatre.billing.models import (
    Entitlement,
    OutboxMessage,
    Payment,
    PaymentItem,
    Price,
    ProductKind,
    Subscription,
    SubscriptionPeriod,
)
from theatre.billing.settings import BillingSettings
from theatre.contracts.billing import EntitlementGranted, EntitlementRevoked
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.outbox import emit
from theatre.kit.pagination import Page, PageRequest, page_of

_END = func.coalesce(Entitlement.grace_until, Entitlement.ends_at)


@dataclass(frozen=True, slots=True)
class Verdict:
    """May this be watched now; by which kind of right (`none` without one), and until when (None: for ever)."""

    allowed: bool
    reason: str
    expires_at: datetime | None


async def grant(
    session: Session,
    payment: Payment,
    item: PaymentItem,
    *,
    price: Price,
    settings: BillingSettings,
    now: datetime,
) -> None:
    """Grant what one line of a payment bought; a plan starts or extends the subscription."""
    starts_at, ends_at = now, None
    if item.kind == ProductKind.PLAN:
        period = await subscriptions.extend(session, payment, item, price=price, settings=settings, now=now)
        starts_at, ends_at = period.starts_at, period.ends_at
        await grant_grace(session, period.subscription_id, until=None)
        recognition.schedule(session, item, period, currency=payment.currency)
    elif item.kind == ProductKind.RENTAL:
        ends_at = now + timedelta(days=settings.rental_days) * item.quantity
    entitlement = Entitlement(
        id=new_id(),
        user_id=payment.user_id,
        kind=item.kind,
        product_id=item.product_id,
        film_id=price.product.film_id,
        payment_id=payment.id,
        payment_item_id=item.id,
        starts_at=starts_at,
        ends_at=ends_at,
        created_at=now,
    )
    session.add(entitlement)
    emit(session, OutboxMessage, _granted(entitlement), aggregate_id=entitlement.id, now=now)


async def grant_grace(session: Session, subscription_id: UUID, *, until: datetime | None) -> None:
    """Let what was paid last of a locked subscription be watched beyond its end, or (None) no longer."""
    paid = select(SubscriptionPeriod.payment_item_id).where(
        SubscriptionPeriod.subscription_id == subscription_id, SubscriptionPeriod.revoked_at.is_(None)
    )
    chosen: list[ColumnElement[bool]] = [
        Entitlement.payment_item_id.in_(paid),
        Entitlement.revoked_at.is_(None),
    ]
    if until is None:
        chosen.append(Entitlement.grace_until.is_not(None))
    else:
        subscription = await session.get_one(Subscription, subscription_id)
        chosen.append(Entitlement.ends_at == subscription.paid_until)
    await session.execute(update(Entitlement).where(*chosen).values(grace_until=until))


async def end_now(session: Session, subscription_id: UUID, *, now: datetime) -> None:
    """Take back what is left of a locked subscription's paid time, with the rights; its user wished so."""
    rest = select(SubscriptionPeriod).where(
        SubscriptionPeriod.subscription_id == subscription_id, SubscriptionPeriod.revoked_at.is_(None)
    )
    for period in (await session.scalars(rest)).all():
        rights = (Entitlement.payment_item_id == period.payment_item_id, Entitlement.revoked_at.is_(None))
        for entitlement in (await session.scalars(select(Entitlement).where(*rights))).all():
            if (entitlement.grace_until or period.ends_at) > now:
                period.revoked_at = now
                _take(session, entitlement, now=now)


async def is_used(session: Session, payment_id: UUID) -> bool:
    """Tell whether anything has been watched by a right that a payment gave."""
    statement = select(Entitlement.id).where(
        Entitlement.payment_id == payment_id, Entitlement.used_at.is_not(None)
    )
    return await session.scalar(statement.limit(1)) is not None


async def revoke(session: Session, payment: Payment, *, until_won: bool = False, now: datetime) -> None:
    """Take back every right that a payment gave, and its periods; the payment is locked by the caller.

    With `until_won` a dispute takes them, and `restore` brings them back; otherwise they are gone for good, also those
    that a dispute has taken already.
    """
    await revocations.take_back(session, payment.id, until_won=until_won, now=now)
    statement = select(Entitlement).where(
        Entitlement.payment_id == payment.id,
        or_(Entitlement.revoked_at.is_(None), Entitlement.is_disputed),
    )
    for entitlement in (await session.scalars(statement)).all():
        is_held = entitlement.revoked_at is None
        entitlement.is_disputed = until_won
        if is_held:
            _take(session, entitlement, now=now)


def _take(session: Session, entitlement: Entitlement, *, now: datetime) -> None:
    entitlement.revoked_at = now
    told = EntitlementRevoked(
        entitlement_id=entitlement.id,
        user_id=entitlement.user_id,
        product_id=entitlement.product_id,
        payment_id=entitlement.payment_id,
    )
    emit(session, OutboxMessage, told, aggregate_id=entitlement.id, now=now)


async def restore(session: Session, payment: Payment, *, now: datetime) -> frozenset[UUID]:
    """Give back every right that a dispute took of a locked payment, with its periods; as they were, not longer.

    A plan that was bought again meanwhile has no room for its old period: that stays taken. Gives such lines.
    """
    taken = select(Entitlement).where(Entitlement.payment_id == payment.id, Entitlement.is_disputed)
    rights = (await session.scalars(taken)).all()
    if not rights:
        return frozenset()
    without_room = await revocations.restore(session, payment.id, now=now)
    for entitlement in rights:
        if entitlement.payment_item_id in without_room:
            continue
        entitlement.revoked_at, entitlement.is_disputed = None, False
        emit(session, OutboxMessage, _granted(entitlement), aggregate_id=entitlement.id, now=now)
    return without_room


def _granted(entitlement: Entitlement) -> EntitlementGranted:
    return EntitlementGranted(
        entitlement_id=entitlement.id,
        user_id=entitlement.user_id,
        product_id=entitlement.product_id,
        payment_id=entitlement.payment_id,
        ends_at=entitlement.ends_at,
    )


async def check(session: Session, user_id: UUID, film_id: UUID, *, now: datetime) -> Verdict:
    """Tell whether a user may watch a film now: what was bought for good first, then what lasts longest."""
    found = (await session.execute(_best(user_id, film_id, now))).one_or_none()
    return Verdict(False, "none", None) if found is None else Verdict(True, found.kind, found.ends_at)


async def use(session: Session, user_id: UUID, film_id: UUID, *, now: datetime) -> Verdict:
    """Take note that a user begins to watch a film; the right that lets them is used from the first time on."""
    found = (await session.execute(_best(user_id, film_id, now))).one_or_none()
    if found is None:
        return Verdict(False, "none", None)
    first_use = update(Entitlement).where(Entitlement.id == found.id, Entitlement.used_at.is_(None))
    await session.execute(first_use.values(used_at=now))
    return Verdict(True, found.kind, found.ends_at)


def _best(user_id: UUID, film_id: UUID, now: datetime) -> Select[UUID, str, datetime | None]:
    covers = or_(Entitlement.kind == ProductKind.PLAN, Entitlement.film_id == film_id)
    return (
        select(Entitlement.id, Entitlement.kind, _END.label("ends_at"))
        .where(Entitlement.user_id == user_id, covers, _is_current(now), Entitlement.starts_at <= now)
        .order_by(_END.desc().nulls_first())
        .limit(1)
    )


async def list_own(
    session: Session, user_id: UUID, request: PageRequest, *, with_past: bool, now: datetime
) -> Page[Entitlement]:
    """List one's own rights, newest first; without the past: those that still run or are still to begin."""
    statement = select(Entitlement).where(Entitlement.user_id == user_id).order_by(Entitlement.id.desc())
    if not with_past:
        statement = statement.where(_is_current(now))
    if request.after:
        statement = statement.where(Entitlement.id < request.uuid_after())
    rows: Sequence[Entitlement] = (await session.scalars(statement.limit(request.limit + 1))).all()
    return page_of(rows, request, key=lambda row: (row.id,))


def _is_current(now: datetime) -> ColumnElement[bool]:
    unfinished = or_(Entitlement.ends_at.is_(None), now < _END)
    return and_(Entitlement.revoked_at.is_(None), unfinished)
