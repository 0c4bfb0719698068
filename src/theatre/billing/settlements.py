"""Settlements: what becomes of money that a provider has captured. Every kopeck of it is in the ledger."""

from datetime import datetime

from theatre.billing import attempts, entitlements, ledger, payments, products, promo_codes, refunds
from theatre.billing.models import OutboxMessage, Payment, PaymentStatus, RefundSource
from theatre.billing.settings import BillingSettings
from theatre.contracts.billing import PaymentPaid
from theatre.contracts.money import Amount
from theatre.contracts.payment import AttemptSucceeded, Failure
from theatre.kit.db import Session
from theatre.kit.logging import get_logger
from theatre.kit.money import Money
from theatre.kit.outbox import emit

log = get_logger(__name__)

AMOUNT_MISMATCH = Failure(
    code="amount_mismatch", message="Another amount arrived than was asked for; support will write to you."
)


async def settle(
    session: Session, event: AttemptSucceeded, *, settings: BillingSettings, now: datetime
) -> None:
    """Take note that a provider has captured money. The same attempt again has no effect; locks the payment.

    Open payment and the right sum: *paid*, rights granted, and given back at once where the user had asked to cancel.
    Another sum: kept as unallocated. A payment that cannot take it any more: given back by rule.
    """
    payment = await payments.get_locked(session, event.payment_id)
    fits = event.captured.to_money() == payments.owed(payment)
    takes = fits and payment.status in {PaymentStatus.UNPAID, PaymentStatus.PENDING}
    lines = _lines(payment, event, takes=takes)
    key = f"capture:{event.attempt_id}"
    if not await ledger.post(session, key, lines, kind="capture", payment_id=payment.id, now=now):
        return
    if takes:
        await _pay(session, payment, event, settings=settings, now=now)
    elif fits:
        refunds.give_back_late(session, payment, event, now=now)
    else:
        log.error("captured amount differs", payment_id=str(payment.id), attempt_id=str(event.attempt_id))
        if payment.open_attempt_id == event.attempt_id:
            await attempts.end(session, payment, AMOUNT_MISMATCH, attempt_id=event.attempt_id, now=now)


async def settle_free(
    session: Session, payment: Payment, *, settings: BillingSettings, now: datetime
) -> None:
    """Make paid a new payment of which its promo code took everything: no provider, no attempt, the same rights.

    The code's use is taken here, between subscriptions and ledger in the order of locks.

    Raises:
        what `promo_codes.take` raises; then nothing is granted
    """
    await _pay(session, payment, None, settings=settings, now=now)
    await promo_codes.take(session, payment, now=now)
    given = Money(payment.discount_minor, payment.currency)
    sold = [
        ledger.credit(ledger.revenue(item.kind), Money(item.total_minor, payment.currency))
        for item in payment.items
    ]
    lines = [ledger.Line("promo", given), *sold]
    await ledger.post(session, f"free:{payment.id}", lines, kind="free", payment_id=payment.id, now=now)


def _lines(payment: Payment, event: AttemptSucceeded, *, takes: bool) -> list[ledger.Line]:
    captured = event.captured.to_money()
    cash = ledger.Line(ledger.cash(event.provider), captured)
    if not takes:
        return [cash, ledger.credit(ledger.UNALLOCATED, captured)]
    sold = [
        ledger.credit(
            ledger.revenue(item.kind), Money(item.total_minor - item.discount_minor, payment.currency)
        )
        for item in payment.items
    ]
    return [cash, *sold]


async def _pay(
    session: Session,
    payment: Payment,
    event: AttemptSucceeded | None,
    *,
    settings: BillingSettings,
    now: datetime,
) -> None:
    prices = await products.find_prices(session, [item.price_id for item in payment.items])
    for item in payment.items:
        await entitlements.grant(
            session, payment, item, price=prices[item.price_id], settings=settings, now=now
        )
    payment.paid_at = now
    payment.failure_code = payment.failure_message = None
    if event is None:
        payments.move(session, payment, PaymentStatus.PAID, reason="nothing to pay", now=now)
    else:
        payment.paid_attempt_id, payment.provider = event.attempt_id, event.provider
        payments.move(
            session, payment, PaymentStatus.PAID, reason="captured", now=now, attempt_id=event.attempt_id
        )
    told = PaymentPaid(
        payment_id=payment.id,
        user_id=payment.user_id,
        total=Amount.of(payments.owed(payment)),
        title=payment.title,
        paid_at=now,
    )
    emit(session, OutboxMessage, told, aggregate_id=payment.id, now=now)
    if payment.cancel_requested_at is not None:
        await session.flush()
        claim = refunds.Claim(RefundSource.USER, payment.user_id, "canceled before the money came")
        await refunds.request(session, payment.id, claim, settings=settings, now=now)
