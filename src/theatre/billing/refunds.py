"""Refunds: money given back, never more than was paid, each once.

A refund reserves its sum from the moment it is asked for, under the payment's lock. Once agreed to (*pending*) the
ledger owes it to the buyer; it is paid out when the provider says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from theatre.billing import (
    cases,
    dispute_bookings,
    disputes,
    entitlements,
    ledger,
    payments,
    receipts,
    refund_items,
    refund_limits,
)
from theatre.billing.cases import Trouble
from theatre.billing.errors import (
    CaseNotRefundable,
    CaseUnknown,
    PaymentNotRefundable,
    RefundNotRequested,
    RefundUnknown,
    RefundUsed,
    RefundWindowClosed,
    SecondPersonNeeded,
)
from theatre.billing.ledger import Entry, Line, credit, debit
from theatre.billing.models import (
    REFUND_TRANSITIONS,
    Case,
    CaseKind,
    OutboxMessage,
    Payment,
    PaymentStatus,
    Refund,
    RefundSource,
    RefundStatus,
)
from theatre.billing.settings import BillingSettings
from theatre.contracts.billing import PaymentRefunded, RefundRequested
from theatre.contracts.money import Amount
from theatre.contracts.payment import AttemptSucceeded, Failure
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.metrics import REFUNDED, on_commit
from theatre.kit.money import Money, from_decimal, to_decimal
from theatre.kit.outbox import emit

ASK_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants how much back, and why; without an amount, all that is left. `takes_rights`: also a part ends them."""

    source: RefundSource
    requested_by: UUID
    reason: str
    amount: Money | None = None
    takes_rights: bool = False


@dataclass(frozen=True, slots=True)
class Unsold:
    """Money of an attempt that bought nothing; the ledger holds it as unallocated."""

    attempt_id: UUID
    provider: str
    money: Money

    @classmethod
    def of(cls, event: AttemptSucceeded) -> "Unsold":
        return cls(event.attempt_id, event.provider, event.captured.to_money())

    @classmethod
    def read(cls, details: Mapping[str, Any]) -> "Unsold":
        """Read it from the details of a case."""
        captured = details["captured"]
        money = from_decimal(captured["amount"], captured["currency"])
        return cls(UUID(details["attempt_id"]), details["provider"], money)

    def details(self) -> dict[str, Any]:
        """Write it as details of a case."""
        captured = {"amount": to_decimal(self.money), "currency": self.money.currency}
        return {"attempt_id": str(self.attempt_id), "provider": self.provider, "captured": captured}


async def request(
    session: Session, payment_id: UUID, claim: Claim, *, settings: BillingSettings, now: datetime
) -> Refund:
    """Reserve money to be given back, and have it sent unless a second person must agree. Locks the payment.

    Raises:
        PaymentUnknown: there is none, or it is not the asking user's.
        PaymentNotRefundable: not paid, or nothing is left.
        PaymentDisputed: the payer's bank wants it back, or has it.
        RefundWindowClosed, RefundUsed: a user asks too late, or has watched it; staff still may.
        RefundAmountInvalid, RefundExceedsPayment
    """
    by_user = claim.source is RefundSource.USER
    payment = await payments.get_locked(session, payment_id, user_id=claim.requested_by if by_user else None)
    if payment.status != PaymentStatus.PAID or payment.paid_at is None:
        raise PaymentNotRefundable
    await disputes.check_refundable(session, payment.paid_attempt_id)
    if by_user and now - payment.paid_at > timedelta(days=settings.refund_window_days):
        raise RefundWindowClosed
    reserved = await refund_limits.reserved(session, payment.id)
    amount_minor = refund_limits.checked_amount(payment, claim.amount, reserved=reserved)
    if by_user and await entitlements.is_used(session, payment.id):
        raise RefundUsed
    if payment.paid_attempt_id is None or payment.provider is None:
        raise AssertionError(f"payment {payment.id} took money by no attempt")
    refund = Refund(
        id=new_id(),
        payment_id=payment.id,
        attempt_id=payment.paid_attempt_id,
        provider=payment.provider,
        status=RefundStatus.REQUESTED,
        source=claim.source,
        amount_minor=amount_minor,
        currency=payment.currency,
        reason=claim.reason,
        takes_rights=claim.takes_rights,
        requested_by=claim.requested_by,
        created_at=now,
    )
    needs_second_person = await refund_limits.needs_second_person(session, refund, settings)
    session.add(refund)
    await session.flush()
    if not needs_second_person:
        await _accept(session, payment, refund, now=now)
    return refund


async def approve(session: Session, refund_id: UUID, *, staff_id: UUID, now: datetime) -> Refund:
    """Agree, as the second person, to a refund that waits for one. Locks the payment.

    Raises:
        RefundUnknown, RefundNotRequested, SecondPersonNeeded
        PaymentDisputed: the payer's bank wants this money back, or has it.
    """
    payment, refund = await _decide(session, refund_id, staff_id=staff_id, now=now)
    await disputes.check_refundable(session, refund.attempt_id)
    await _accept(session, payment, refund, now=now)
    return refund


async def reject(session: Session, refund_id: UUID, *, staff_id: UUID, now: datetime) -> Refund:
    """Refuse, as the second person, a refund that waits for one; what it reserved is free again. Locks the payment.

    Raises:
        RefundUnknown, RefundNotRequested, SecondPersonNeeded
    """
    _, refund = await _decide(session, refund_id, staff_id=staff_id, now=now)
    _move(refund, RefundStatus.REJECTED, now=now)
    return refund


async def _decide(
    session: Session, refund_id: UUID, *, staff_id: UUID, now: datetime
) -> tuple[Payment, Refund]:
    payment_id = await session.scalar(select(Refund.payment_id).where(Refund.id == refund_id))
    if payment_id is None:
        raise RefundUnknown
    payment = await payments.get_locked(session, payment_id)
    refund = await _get_locked(session, refund_id)
    if refund.status != RefundStatus.REQUESTED:
        raise RefundNotRequested
    if refund.requested_by == staff_id:
        raise SecondPersonNeeded
    refund.decided_by, refund.decided_at = staff_id, now
    return payment, refund


async def give_back(session: Session, payment: Payment, unsold: Unsold, *, now: datetime) -> Refund:
    """Give back money that came for a locked payment and bought nothing, by rule."""
    refund = _late(payment, unsold, reason=f"arrived when the payment was {payment.status}", now=now)
    session.add(refund)
    await session.flush()
    await _accept(session, payment, refund, now=now)
    return refund


async def give_back_unallocated(
    session: Session, case_id: UUID, *, staff_id: UUID, note: str, settings: BillingSettings, now: datetime
) -> Refund:
    """Close a case by giving back the money that bought nothing, unless a second person must agree. Locks its payment.

    Raises:
        CaseUnknown, CaseNotOpen
        CaseNotRefundable: it is not about money that came and bought nothing.
        PaymentDisputed: the payer's bank wants this money back, or has it.
    """
    case = await session.get(Case, case_id)
    if case is None:
        raise CaseUnknown
    if case.payment_id is None or "captured" not in case.details:
        raise CaseNotRefundable
    payment = await payments.get_locked(session, case.payment_id)
    unsold = Unsold.read(case.details)
    await disputes.check_refundable(session, unsold.attempt_id)
    case = await cases.resolve(session, case_id, staff_id=staff_id, note=note, now=now)
    refund = _late(payment, unsold, reason=note, now=now)
    refund.requested_by = staff_id
    needs_second_person = await refund_limits.needs_second_person(session, refund, settings)
    session.add(refund)
    await session.flush()
    if not needs_second_person:
        await _accept(session, payment, refund, now=now)
    return refund


def _late(payment: Payment, unsold: Unsold, *, reason: str, now: datetime) -> Refund:
    return Refund(
        id=new_id(),
        payment_id=payment.id,
        attempt_id=unsold.attempt_id,
        provider=unsold.provider,
        status=RefundStatus.REQUESTED,
        source=RefundSource.LATE,
        amount_minor=unsold.money.amount_minor,
        currency=unsold.money.currency,
        reason=reason,
        created_at=now,
    )


async def _accept(session: Session, payment: Payment, refund: Refund, *, now: datetime) -> None:
    """Agree to a refund: from now on we owe it, and it is sent."""
    _move(refund, RefundStatus.PENDING, now=now)
    refund.next_ask_at = now + ASK_AFTER
    lines = await _sale_taken_back(session, payment, refund)
    await _post(session, refund, kind="refund_accepted", lines=lines, now=now)
    told = RefundRequested(refund_id=refund.id, payment_id=payment.id)
    emit(session, OutboxMessage, told, aggregate_id=payment.id, now=now)


async def _sale_taken_back(session: Session, payment: Payment, refund: Refund) -> list[Line]:
    owed = credit(ledger.REFUNDS_PAYABLE, _money(refund))
    if refund.source == RefundSource.LATE:
        return [debit(ledger.UNALLOCATED, _money(refund)), owed]
    parts = await refund_items.put(session, payment, refund)
    return [*refund_items.lines_of(payment, parts), owed]


async def list_of(session: Session, payment_id: UUID) -> Sequence[Refund]:
    """List a payment's refunds, oldest first."""
    statement = select(Refund).where(Refund.payment_id == payment_id).order_by(Refund.id)
    return (await session.scalars(statement)).all()


async def succeed(session: Session, payment_id: UUID, refund_id: UUID, *, now: datetime) -> None:
    """Take note that a refund reached the buyer, also one believed failed. Once; locks the payment.

    When the refunds reach the total, the payment becomes *refunded* and loses its rights in this transaction. One that
    had failed and succeeded after all may be more than is left by now: then the ledger says so, as unallocated, and
    staff get a case.
    """
    payment = await payments.get_locked(session, payment_id)
    refund = await _get_locked(session, refund_id)
    if refund.status == RefundStatus.SUCCEEDED:
        return
    counts, owed_again = refund.source != RefundSource.LATE, list[Line]()
    if refund.status == RefundStatus.FAILED:
        fits, owed_again = await _owe_again(session, payment, refund, now=now)
        counts = counts and fits
    refund.failure_code = refund.failure_message = None
    _move(refund, RefundStatus.SUCCEEDED, now=now)
    on_commit(session, REFUNDED.labels(refund.currency), refund.amount_minor)
    if counts:
        await _count(session, payment, refund, now=now)
    await dispute_bookings.follow(session, payment, now=now)
    if owed_again:
        await _post(session, refund, kind="refund_accepted", lines=owed_again, now=now, again=":again")
    lines = [
        debit(ledger.REFUNDS_PAYABLE, _money(refund)),
        credit(ledger.cash(refund.provider), _money(refund)),
    ]
    await _post(session, refund, kind="refund", lines=lines, now=now)


async def _owe_again(
    session: Session, payment: Payment, refund: Refund, *, now: datetime
) -> tuple[bool, list[Line]]:
    """Write what is owed again for what was paid out; False if it is not the payment's, or more than was left."""
    is_of_payment = (refund.attempt_id, refund.currency) == (payment.paid_attempt_id, payment.currency)
    reserved = await refund_limits.reserved(session, payment.id)
    fits = is_of_payment and reserved + refund.amount_minor <= payment.total_minor
    fits = fits or refund.source == RefundSource.LATE
    if fits:
        lines = await _sale_taken_back(session, payment, refund)
    else:
        await refund_items.forget(session, refund.id)
        lines = [
            debit(ledger.UNALLOCATED, _money(refund)),
            credit(ledger.REFUNDS_PAYABLE, _money(refund)),
        ]
        trouble = Trouble(CaseKind.REFUND_UNEXPECTED, f"refund:{refund.id}:unexpected", payment.id, refund.id)
        await cases.open_once(session, trouble, now=now)
    return fits, lines


async def _count(session: Session, payment: Payment, refund: Refund, *, now: datetime) -> None:
    await receipts.request_return(session, payment, refund, now=now)
    payment.refunded_minor += refund.amount_minor
    if payment.refunded_minor == payment.total_minor:
        payments.move(session, payment, PaymentStatus.REFUNDED, reason=refund.reason, now=now)
    if payment.status == PaymentStatus.REFUNDED or refund.takes_rights:
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
    """Take note that a refund was refused for good. Once; locks the payment.

    What it reserved is free again, the ledger takes back what was recorded, and staff get a case: the buyer is still
    without the money. A dispute that met it on its way takes the money from now on.
    """
    payment = await payments.get_locked(session, payment_id)
    refund = await _get_locked(session, refund_id)
    if refund.status != RefundStatus.PENDING:
        return
    refund.failure_code, refund.failure_message = failure.code, failure.message
    _move(refund, RefundStatus.FAILED, now=now)
    await dispute_bookings.follow(session, payment, now=now)
    recorded = await ledger.get_lines(session, f"refund_accepted:{refund.id}")
    lines = ledger.reversed_lines(recorded)
    await _post(session, refund, kind="refund_reversed", lines=lines, now=now)
    await refund_items.undo(session, payment, refund, now=now)
    details = {"code": failure.code, "message": failure.message}
    if refund.source == RefundSource.LATE:
        details |= Unsold(refund.attempt_id, refund.provider, _money(refund)).details()
    trouble = Trouble(
        CaseKind.REFUND_FAILED,
        f"refund:{refund.id}:failed",
        payment_id=payment.id,
        refund_id=refund.id,
        details=details,
    )
    await cases.open_once(session, trouble, now=now)


async def _post(
    session: Session, refund: Refund, *, kind: str, lines: Sequence[Line], now: datetime, again: str = ""
) -> None:
    key = f"{kind}:{refund.id}{again}"
    entry = Entry(key, kind, lines, payment_id=refund.payment_id, refund_id=refund.id)
    if key not in await ledger.post(session, [entry], now=now):
        raise AssertionError(f"{key} was posted before")


async def _get_locked(session: Session, refund_id: UUID) -> Refund:
    return await session.get_one(Refund, refund_id, with_for_update=True, populate_existing=True)


def _move(refund: Refund, to: RefundStatus, *, now: datetime) -> None:
    if to not in REFUND_TRANSITIONS[RefundStatus(refund.status)]:
        raise AssertionError(f"refund {refund.id} cannot become {to} from {refund.status}")
    refund.status = to
    refund.next_ask_at = None
    if to is not RefundStatus.PENDING:
        refund.settled_at = now


def _money(refund: Refund) -> Money:
    return Money(refund.amount_minor, refund.currency)
