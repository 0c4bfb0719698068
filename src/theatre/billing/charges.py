"""Charges: attempts by which a saved method pays, without anybody at a page. Payment-service is asked by a message."""

from datetime import datetime

from theatre.billing import payments
from theatre.billing.models import OutboxMessage, Payment, PaymentMethod, PaymentStatus
from theatre.contracts.billing import ChargeRequested
from theatre.contracts.money import Amount
from theatre.contracts.payment_methods import ChargeStart
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.outbox import emit


def begin(session: Session, payment: Payment, method: PaymentMethod, *, reason: str, now: datetime) -> None:
    """Make a locked unpaid payment *pending* with a charge of a method that stays until the transaction ends."""
    payment.payment_method_id, payment.provider = method.id, method.provider
    payment.return_url, payment.save_method = None, False
    payment.failure_code = payment.failure_message = None
    attempt_id = payment.open_attempt_id = new_id()
    payment.next_ask_at = now + payments.ASK_AFTER
    payments.move(session, payment, PaymentStatus.PENDING, reason=reason, now=now, attempt_id=attempt_id)
    told = ChargeRequested(attempt_id=attempt_id, payment_id=payment.id)
    emit(session, OutboxMessage, told, aggregate_id=payment.id, now=now)


def question_of(payment: Payment, method: PaymentMethod) -> ChargeStart:
    """Write what payment-service is asked about a payment that is being charged: each time in the same words."""
    if payment.open_attempt_id is None:
        raise AssertionError(f"payment {payment.id} is pending without an attempt")
    return ChargeStart(
        id=payment.open_attempt_id,
        payment_id=payment.id,
        user_id=payment.user_id,
        total=Amount.of(payments.owed(payment)),
        description=payment.title,
        provider=method.provider,
        method_reference=method.reference,
    )
