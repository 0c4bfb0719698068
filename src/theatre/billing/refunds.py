"""Refunds: money given back, never more than was paid, each once.

A refund reserves its sum from the moment it is asked for, under the payment's lock. It is sent to payment-service
outside any transaction, under its own id, as often as it takes to learn the outcome.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from theatre.billing import entitlements, ledger, payments
from theatre.billing.errors import (
    PaymentNotRefundable,
    RefundAmountInvalid,
    RefundExceedsPayment,
    RefundWindowClosed,
)
from theatre.billing.models import (
    REFUND_TRANSITIONS,
    RESERVING,
    OutboxMessage,
    Payment,
    PaymentStatus,
    Refund,
    RefundSource,
    RefundStatus,
)
from theatre.billing.pricing import share_of_refund
from theatre.billing.settings import BillingSettings
from theatre.contracts.billing import PaymentRefunded, RefundRequested
from theatre.contracts.money import Amount
from theatre.contracts.payment import AttemptSucceeded, Failure, PaymentClient, RefundStart, RefundState
from theatre.contracts.payment import RefundStatus as ProviderRefundStatus
from theatre.kit.db import Session, Sessions
from theatre.kit.http import Refused, Unknown
from theatre.kit.ids import new_id
from theatre.kit.logging import get_logger
from theatre.kit.money import Money
from theatre.kit.outbox import emit

log = get_logger(__name__)

ASK_AFTER = timedelta(minutes=1)
ASK_AT_MOST_EVERY = timedelta(hours=1)
ASK_BATCH = 50
REFUSED = Failure(code="refused", message="The payment system refused.")
NEVER_BEGUN = frozenset({"payment.attempt_not_found", "payment.nothing_captured", "payment.refund_too_large"})
"""With these words payment-service says that it has not begun a refund and never will."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants how much back, and why; without an amount, all that is left."""

    source: RefundSource
    requested_by: UUID
    reason: str
    amount: Money | None = None


async def request(
    session: Session, payment_id: UUID, claim: Claim, *, settings: BillingSettings, now: datetime
) -> Refund:
    """Reserve money to be given back and have it sent. Locks the payment.

    Raises:
        PaymentUnknown: there is none, or it is not the asking user's.
        PaymentNotRefundable: not paid, or nothing is left.
        RefundWindowClosed: a user asks too late; staff still may.
        RefundAmountInvalid, RefundExceedsPayment
    """
    by_user = claim.source is RefundSource.USER
    payment = await payments.get_locked(session, payment_id, user_id=claim.requested_by if by_user else None)
    if payment.status != PaymentStatus.PAID or payment.paid_at is None or payment.total_minor == 0:
        raise PaymentNotRefundable
    if payment.paid_attempt_id is None or payment.provider is None:
        raise AssertionError(f"payment {payment.id} is paid by no attempt")
    if by_user and now - payment.paid_at > timedelta(days=settings.refund_window_days):
        raise RefundWindowClosed
    amount_minor = _checked_amount(payment, claim.amount, reserved=await _reserved(session, payment.id))
    refund = Refund(
        id=new_id(),
        payment_id=payment.id,
        attempt_id=payment.paid_attempt_id,
        provider=payment.provider,
        status=RefundStatus.PENDING,
        source=claim.source,
        amount_minor=amount_minor,
        currency=payment.currency,
        reason=claim.reason,
        requested_by=claim.requested_by,
        created_at=now,
        next_ask_at=now + ASK_AFTER,
    )
    session.add(refund)
    told = RefundRequested(refund_id=refund.id, payment_id=payment.id)
    emit(session, OutboxMessage, told, aggregate_id=payment.id, now=now)
    await session.flush()
    return refund


async def _reserved(session: Session, payment_id: UUID) -> int:
    statement = select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
        Refund.payment_id == payment_id,
        Refund.status.in_(RESERVING),
        Refund.source != RefundSource.LATE,
    )
    return int(await session.scalar(statement) or 0)


def _checked_amount(payment: Payment, amount: Money | None, *, reserved: int) -> int:
    left = payment.total_minor - reserved
    if left <= 0:
        raise PaymentNotRefundable
    if amount is None:
        return left
    if amount.currency != payment.currency or amount.amount_minor <= 0:
        raise RefundAmountInvalid
    if amount.amount_minor > left:
        raise RefundExceedsPayment
    return amount.amount_minor


def give_back_late(session: Session, payment: Payment, event: AttemptSucceeded, *, now: datetime) -> None:
    """Give back money that came for a locked payment which could not take it; the ledger holds it as unallocated."""
    refund = Refund(
        id=new_id(),
        payment_id=payment.id,
        attempt_id=event.attempt_id,
        provider=event.provider,
        status=RefundStatus.PENDING,
        source=RefundSource.LATE,
        amount_minor=event.captured.amount_minor,
        currency=event.captured.currency,
        reason=f"arrived when the payment was {payment.status}",
        created_at=now,
        next_ask_at=now,
    )
    session.add(refund)
    told = RefundRequested(refund_id=refund.id, payment_id=payment.id)
    emit(session, OutboxMessage, told, aggregate_id=payment.id, now=now)


async def list_of(session: Session, payment_id: UUID) -> Sequence[Refund]:
    """List a payment's refunds, oldest first."""
    statement = select(Refund).where(Refund.payment_id == payment_id).order_by(Refund.id)
    return (await session.scalars(statement)).all()


async def send(sessions: Sessions, client: PaymentClient, refund_id: UUID, *, now: datetime) -> None:
    """Have payment-service give the money back, and take note of the outcome it already knows.

    Raises:
        Unknown: no answer; the refund stays pending, and sending it again can never give back twice.
        Refused: it would not listen to us; the refund stays pending.
    """
    async with sessions.begin() as session:
        refund = await session.get_one(Refund, refund_id)
    if refund.status != RefundStatus.PENDING:
        return
    start = RefundStart(
        id=refund.id,
        payment_id=refund.payment_id,
        amount=Amount(amount_minor=refund.amount_minor, currency=refund.currency),
        reason=refund.reason,
    )
    state = await _ask(client, refund.attempt_id, start)
    async with sessions.begin() as session:
        if state.status is ProviderRefundStatus.SUCCEEDED:
            await succeed(session, refund.payment_id, refund_id, now=now)
        elif state.status is ProviderRefundStatus.FAILED:
            await fail(session, refund.payment_id, refund_id, failure=state.failure or REFUSED, now=now)


async def _ask(client: PaymentClient, attempt_id: UUID, start: RefundStart) -> RefundState:
    try:
        return await client.refund(attempt_id, start)
    except Refused as error:
        if error.refused_code not in NEVER_BEGUN:
            raise
        log.error("refund not begun", refund_id=str(start.id), code=error.refused_code)
        return RefundState(
            id=start.id, attempt_id=attempt_id, status=ProviderRefundStatus.FAILED, failure=REFUSED
        )


async def succeed(session: Session, payment_id: UUID, refund_id: UUID, *, now: datetime) -> None:
    """Take note that a refund reached the buyer, also one believed failed. Once; locks the payment.

    When the refunds reach the total, the payment becomes *refunded* and loses its rights in this transaction. One that
    had failed and succeeded after all may be more than is left by now: then the ledger says so, as unallocated.
    """
    payment = await payments.get_locked(session, payment_id)
    refund = await _get_locked(session, refund_id)
    if refund.status == RefundStatus.SUCCEEDED:
        return
    refund.failure_code = refund.failure_message = None
    _move(refund, RefundStatus.SUCCEEDED, now=now)
    fits = payment.refunded_minor + refund.amount_minor <= payment.total_minor
    counts = fits and refund.source != RefundSource.LATE
    await ledger.post(
        session,
        f"refund:{refund.id}",
        _lines(payment, refund, counts=counts),
        kind="refund",
        payment_id=payment.id,
        refund_id=refund.id,
        now=now,
    )
    if not counts:
        return
    payment.refunded_minor += refund.amount_minor
    if payment.refunded_minor == payment.total_minor:
        payments.move(session, payment, PaymentStatus.REFUNDED, reason=refund.reason, now=now)
        await entitlements.revoke(session, payment, now=now)
    told = PaymentRefunded(
        payment_id=payment.id,
        refund_id=refund.id,
        user_id=payment.user_id,
        amount=Amount(amount_minor=refund.amount_minor, currency=refund.currency),
        title=payment.title,
        is_whole=payment.status == PaymentStatus.REFUNDED,
    )
    emit(session, OutboxMessage, told, aggregate_id=payment.id, now=now)


async def fail(
    session: Session, payment_id: UUID, refund_id: UUID, *, failure: Failure, now: datetime
) -> None:
    """Take note that a refund was refused for good; what it reserved is free again. Once; locks the payment."""
    await payments.get_locked(session, payment_id)
    refund = await _get_locked(session, refund_id)
    if refund.status != RefundStatus.PENDING:
        return
    refund.failure_code, refund.failure_message = failure.code, failure.message
    _move(refund, RefundStatus.FAILED, now=now)
    log.error("refund failed", refund_id=str(refund.id), code=failure.code)


async def _get_locked(session: Session, refund_id: UUID) -> Refund:
    return await session.get_one(Refund, refund_id, with_for_update=True, populate_existing=True)


def _move(refund: Refund, to: RefundStatus, *, now: datetime) -> None:
    if to not in REFUND_TRANSITIONS[RefundStatus(refund.status)]:
        raise AssertionError(f"refund {refund.id} cannot become {to} from {refund.status}")
    refund.status = to
    refund.settled_at = now
    refund.next_ask_at = None


def _lines(payment: Payment, refund: Refund, *, counts: bool) -> list[ledger.Line]:
    given = Money(refund.amount_minor, refund.currency)
    back = [ledger.credit(ledger.cash(refund.provider), given)]
    if not counts:
        return [*back, ledger.Line(ledger.UNALLOCATED, given)]
    shares = share_of_refund(
        [item.total_minor - item.discount_minor for item in payment.items],
        before=payment.refunded_minor,
        amount=refund.amount_minor,
    )
    reversed_sales = [
        ledger.Line(ledger.revenue(item.kind), Money(share, payment.currency))
        for item, share in zip(payment.items, shares, strict=True)
    ]
    return [*back, *reversed_sales]


async def ask_due(sessions: Sessions, client: PaymentClient, *, now: datetime) -> int:
    """Send again pending refunds whose outcome is still unknown; gives how many."""
    async with sessions.begin() as session:
        due = [refund.id for refund in await _claim_due(session, now=now)]
    for refund_id in due:
        try:
            await send(sessions, client, refund_id, now=now)
        except (Unknown, Refused) as error:
            log.warning("refund not answered for yet", refund_id=str(refund_id), error=repr(error))
    return len(due)


async def _claim_due(session: Session, *, now: datetime) -> Sequence[Refund]:
    statement = (
        select(Refund)
        .where(Refund.status == RefundStatus.PENDING, Refund.next_ask_at <= now)
        .order_by(Refund.next_ask_at)
        .limit(ASK_BATCH)
        .with_for_update(skip_locked=True)
    )
    due = (await session.scalars(statement)).all()
    for refund in due:
        waited = now - refund.created_at
        refund.next_ask_at = now + min(max(waited, ASK_AFTER), ASK_AT_MOST_EVERY)
    return due
