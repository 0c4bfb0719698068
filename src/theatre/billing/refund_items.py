"""Which lines of a payment a refund takes back, and what of them was earned already."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select

from theatre.billing import ledger, recognition
from theatre.billing.ledger import Line, credit, debit
from theatre.billing.models import RESERVING, Payment, PaymentItem, Refund, RefundItem, RefundStatus
from theatre.billing.pricing import spread
from theatre.kit.db import Session
from theatre.kit.money import Money

AGREED = (RefundStatus.PENDING, RefundStatus.SUCCEEDED)


async def put(session: Session, payment: Payment, refund: Refund) -> list[RefundItem]:
    """Spread a refund over its locked payment's lines in proportion to what is left of them. Locks their schedules.

    Any series of refunds that reaches the total takes back exactly each line, its discount and its deferred revenue.
    """
    await forget(session, refund.id)
    given = await _given_back(session, payment.id, but=refund.id)
    left = [_left_of(item, given.get(item.id, (0, 0))) for item in payment.items]
    is_last = refund.amount_minor == sum(net for net, _ in left)
    schedules = await recognition.find_locked(session, [item.id for item in payment.items])
    parts = []
    for item, (net_left, discount_left), amount in zip(
        payment.items, left, spread(refund.amount_minor, [net for net, _ in left]), strict=True
    ):
        # of a line that its discount took whole nothing is given back; it goes with the last of the others
        discount = discount_left if is_last else discount_left * amount // net_left if net_left else 0
        schedule = schedules.get(item.id)
        deferred = recognition.shrink(schedule, amount + discount) if schedule else 0
        parts.append(
            RefundItem(
                refund_id=refund.id,
                payment_item_id=item.id,
                amount_minor=amount,
                discount_minor=discount,
                deferred_minor=deferred,
            )
        )
    session.add_all(parts)
    return parts


async def forget(session: Session, refund_id: UUID) -> None:
    """Delete what a refund was to take back of each line, which it no longer does."""
    await session.execute(delete(RefundItem).where(RefundItem.refund_id == refund_id))


async def undo(session: Session, payment: Payment, refund: Refund, *, now: datetime) -> None:
    """Let what a failed refund took out of the schedules be earned after all."""
    schedules = await recognition.find_locked(session, [item.id for item in payment.items])
    for part in await list_of(session, refund.id):
        if schedule := schedules.get(part.payment_item_id):
            gross = part.amount_minor + part.discount_minor
            recognition.grow(schedule, gross, deferred_minor=part.deferred_minor, now=now)


async def booked_minor(session: Session, payment_id: UUID) -> int:
    """Sum what the refunds that were agreed to take back of a payment, whether or not it has arrived."""
    statement = (
        select(func.coalesce(func.sum(RefundItem.amount_minor), 0))
        .join(Refund, Refund.id == RefundItem.refund_id)
        .where(Refund.payment_id == payment_id, Refund.status.in_(AGREED))
    )
    return int(await session.scalar(statement) or 0)


async def list_of(session: Session, refund_id: UUID) -> Sequence[RefundItem]:
    """List what a refund takes back of each line."""
    return (await session.scalars(select(RefundItem).where(RefundItem.refund_id == refund_id))).all()


async def list_of_payment(session: Session, payment_id: UUID) -> Sequence[RefundItem]:
    """List what all refunds of a payment take, or took, back of each line."""
    statement = select(RefundItem).join(Refund, Refund.id == RefundItem.refund_id)
    return (await session.scalars(statement.where(Refund.payment_id == payment_id))).all()


def lines_of(payment: Payment, parts: Sequence[RefundItem]) -> list[Line]:
    """Write the ledger lines that take a sale back: earned and unearned revenue, and the discount on it."""
    currency, by_item = payment.currency, {part.payment_item_id: part for part in parts}
    lines = []
    for item in payment.items:
        part = by_item[item.id]
        earned = part.amount_minor + part.discount_minor - part.deferred_minor
        lines += [
            debit(ledger.deferred(item.kind), Money(part.deferred_minor, currency)),
            debit(ledger.revenue(item.kind), Money(earned, currency)),
        ]
    discount = sum(part.discount_minor for part in parts)
    return [*lines, credit(ledger.PROMO, Money(discount, currency))]


def _left_of(item: PaymentItem, given: tuple[int, int]) -> tuple[int, int]:
    amount, discount = given
    return item.total_minor - item.discount_minor - amount, item.discount_minor - discount


async def _given_back(session: Session, payment_id: UUID, *, but: UUID) -> dict[UUID, tuple[int, int]]:
    statement = (
        select(
            RefundItem.payment_item_id,
            func.sum(RefundItem.amount_minor).label("amount"),
            func.sum(RefundItem.discount_minor).label("discount"),
        )
        .join(Refund, Refund.id == RefundItem.refund_id)
        .where(Refund.payment_id == payment_id, Refund.status.in_(RESERVING), Refund.id != but)
        .group_by(RefundItem.payment_item_id)
    )
    rows = await session.execute(statement)
    return {row.payment_item_id: (int(row.amount), int(row.discount)) for row in rows}
