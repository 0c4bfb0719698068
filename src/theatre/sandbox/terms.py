"""What becomes due by the sandbox's clock: delayed decisions, and terms and holds that are over."""

from datetime import datetime

from sqlalchemy import or_, select

from theatre.kit.db import Session, Sessions, transaction
from theatre.sandbox import refunds, settlement
from theatre.sandbox.cards import EXPIRED_ON_CAPTURE, EXPIRED_ON_CONFIRMATION
from theatre.sandbox.models import Payment, PaymentStatus, Refund
from theatre.sandbox.state import State

BATCH = 100


async def settle_due(sessions: Sessions, statements: Sessions, state: State) -> int:
    """End everything whose moment has come; give the number. Several processes may work side by side."""
    await state.refresh()
    if not await _is_anything_due(statements, state.clock.now()):
        return 0
    total = 0
    for settle in (settle_due_payments, settle_due_refunds):
        settled = BATCH
        while settled == BATCH:
            async with transaction(sessions) as session:
                settled = await settle(session, state.clock.now())
            total += settled
    return total


async def _is_anything_due(statements: Sessions, now: datetime) -> bool:
    payment = select(Payment.id).where(Payment.due_at <= now).exists()
    refund = select(Refund.id).where(Refund.due_at <= now).exists()
    async with statements() as session:
        return bool(await session.scalar(select(or_(payment, refund))))


async def settle_due_payments(session: Session, now: datetime) -> int:
    """End payments whose moment has come; give their number, at most `BATCH`."""
    due = select(Payment).where(Payment.due_at <= now).order_by(Payment.due_at).limit(BATCH)
    payments = (await session.scalars(due.with_for_update(skip_locked=True))).all()
    for payment in payments:
        if payment.is_processing:
            await settlement.decide(session, payment, with_code=False, now=now)
        elif payment.status == PaymentStatus.PENDING:
            settlement.refuse(session, payment, EXPIRED_ON_CONFIRMATION, now=now)
        else:
            settlement.refuse(session, payment, EXPIRED_ON_CAPTURE, now=now)
    return len(payments)


async def settle_due_refunds(session: Session, now: datetime) -> int:
    """End pending refunds whose moment has come; give their number, at most `BATCH`."""
    due = (
        select(Refund.id, Refund.payment_id).where(Refund.due_at <= now).order_by(Refund.due_at).limit(BATCH)
    )
    found = (await session.execute(due)).all()
    for refund_id, payment_id in found:
        # the payment first: that is the order in which everybody locks
        payment = await session.get(Payment, payment_id, with_for_update=True)
        refund = await session.get(Refund, refund_id, with_for_update=True)
        if payment is not None and refund is not None and refund.due_at is not None:
            refunds.conclude(session, refund, payment, now=now)
            await session.flush()
    return len(found)
