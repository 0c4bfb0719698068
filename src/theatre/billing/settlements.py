"""Settlements: what becomes of money that a provider has captured. Every kopeck of it is in the ledger."""

from datetime import datetime

from theatre.billing import (
    attempts,
    cases,
    entitlements,
    ledger,
    payment_methods,
    payments,
    products,
    promo_codes,
    receipts,
    refunds,
    renewals,
)
from theatre.billing.cases import Trouble
from theatre.billing.ledger import Entry, credit, debit
from theatre.billing.models import CaseKind, OutboxMessage, Payment, PaymentStatus, RefundSource
from theatre.billing.settings import BillingSettings
from theatre.contracts.billing import PaymentPaid
from theatre.contracts.money import Amount
from theatre.contracts.payment import AttemptSucceeded, Failure
from theatre.kit.db import Session
from theatre.kit.metrics import CAPTURED, on_commit
from theatre.kit.money import Money, to_decimal
from theatre.kit.outbox import emit

AMOUNT_MISMATCH = Failure(
    code="amount_mismatch", message="Another amount arrived than was asked for; support will write to you."
)


async def settle(
    session: Session, event: AttemptSucceeded, *, settings: BillingSettings, now: datetime
) -> None:
    """Take note that a provider has captured money. The same attempt again has no effect; locks the payment.

    Open payment and the right sum: *paid*, rights granted, and given back at once where the user had asked to cancel.
    Another sum: kept as unallocated, with a case for staff. A payment that cannot take it any more: given back by rule.
    """
    payment = await payments.get_locked(session, event.payment_id)
    fits = event.captured.to_money() == payments.owed(payment)
    takes = fits and payment.status in {PaymentStatus.UNPAID, PaymentStatus.PENDING}
    if takes:
        # its money cannot be booked yet: what was booked for it and fitted has made it paid
        await _settle_paid(session, payment, event, settings=settings, now=now)
        return
    entries = [_capture(event, ledger.UNALLOCATED), *_fee(event)]
    if entries[0].operation_key not in await ledger.post(session, entries, now=now):
        return
    _count(session, event)
    if fits:
        await refunds.give_back(session, payment, refunds.Unsold.of(event), now=now)
    else:
        await _keep_unallocated(session, payment, event, now=now)


async def settle_free(
    session: Session, payment: Payment, *, settings: BillingSettings, now: datetime
) -> None:
    """Make paid a new payment of which its promo code took everything: no provider, no attempt, the same rights.

    The code's use is taken here, between subscriptions and ledger in the order of locks.

    Raises:
        what `promo_codes.take` raises; then nothing is granted
    """
    await _pay(session, payment, reason="nothing to pay", settings=settings, now=now)
    await promo_codes.take(session, payment, now=now)
    await ledger.post(session, [sale(payment)], now=now)


def _capture(event: AttemptSucceeded, source: str) -> Entry:
    captured = event.captured.to_money()
    lines = [debit(ledger.cash(event.provider), captured), credit(source, captured)]
    return Entry(
        f"capture:{event.attempt_id}",
        "capture",
        lines,
        payment_id=event.payment_id,
        provider_reference=event.provider_reference,
    )


def _fee(event: AttemptSucceeded) -> list[Entry]:
    """Book what the provider keeps; it is not given back with a refund (R15)."""
    if event.fee is None:
        return []
    kept = event.fee.to_money()
    lines = [debit(ledger.fees(event.provider), kept), credit(ledger.cash(event.provider), kept)]
    return [Entry(f"fee:{event.attempt_id}", "fee", lines, payment_id=event.payment_id)]


def sale(payment: Payment) -> Entry:
    """Say what a payment sold: each line before its discount, the discount, and what the buyer owes for it."""
    currency = payment.currency
    sold = [credit(ledger.sold(item.kind), Money(item.total_minor, currency)) for item in payment.items]
    discount = debit(ledger.PROMO, Money(payment.discount_minor, currency))
    lines = [debit(ledger.RECEIVABLE, payments.owed(payment)), discount, *sold]
    return Entry(f"sale:{payment.id}", "sale", lines, payment_id=payment.id)


async def _settle_paid(
    session: Session, payment: Payment, event: AttemptSucceeded, *, settings: BillingSettings, now: datetime
) -> None:
    if payment.open_attempt_id not in {None, event.attempt_id}:
        payments.abandon_attempt(session, payment, now=now)
    await renewals.check_wanted(session, payment, now=now)
    payment.paid_attempt_id = event.attempt_id
    payment.provider = event.provider
    await _pay(session, payment, reason="captured", settings=settings, now=now)
    await session.flush()
    await payment_methods.save(session, payment.user_id, event, now=now)
    entries = [_capture(event, ledger.RECEIVABLE), *_fee(event), sale(payment)]
    if len(await ledger.post(session, entries, now=now)) != len(entries):
        raise AssertionError(f"payment {payment.id} was settled before")
    _count(session, event)
    if payment.cancel_requested_at is not None:
        claim = refunds.Claim(RefundSource.USER, payment.user_id, "canceled before the money came")
        await refunds.request(session, payment.id, claim, settings=settings, now=now)


def _count(session: Session, event: AttemptSucceeded) -> None:
    on_commit(session, CAPTURED.labels(event.captured.currency), event.captured.amount_minor)


async def _pay(
    session: Session, payment: Payment, *, reason: str, settings: BillingSettings, now: datetime
) -> None:
    prices = await products.find_prices(session, [item.price_id for item in payment.items])
    for item in payment.items:
        await entitlements.grant(
            session, payment, item, price=prices[item.price_id], settings=settings, now=now
        )
    payment.paid_at = now
    payment.failure_code = payment.failure_message = None
    payments.move(
        session, payment, PaymentStatus.PAID, reason=reason, now=now, attempt_id=payment.paid_attempt_id
    )
    await receipts.request_income(session, payment, now=now)
    told = PaymentPaid(
        payment_id=payment.id,
        user_id=payment.user_id,
        total=Amount.of(payments.owed(payment)),
        title=payment.title,
        paid_at=now,
        is_renewal=payment.subscription_id is not None,
    )
    emit(session, OutboxMessage, told, aggregate_id=payment.id, now=now)


async def _keep_unallocated(
    session: Session, payment: Payment, event: AttemptSucceeded, *, now: datetime
) -> None:
    owed = payments.owed(payment)
    details = {
        **refunds.Unsold.of(event).details(),
        "provider_reference": event.provider_reference,
        "owed": {"amount": to_decimal(owed), "currency": owed.currency},
    }
    trouble = Trouble(
        CaseKind.UNALLOCATED_MONEY, f"capture:{event.attempt_id}", payment_id=payment.id, details=details
    )
    await cases.open_once(session, trouble, now=now)
    if payment.open_attempt_id == event.attempt_id:
        await attempts.end(session, payment, AMOUNT_MISMATCH, attempt_id=event.attempt_id, now=now)
