"""How much of a payment may still be given back, and how much of it by one person alone."""

from uuid import UUID

from sqlalchemy import func, select

from theatre.billing.errors import PaymentNotRefundable, RefundAmountInvalid, RefundExceedsPayment
from theatre.billing.models import RESERVING, Payment, Refund, RefundSource
from theatre.billing.settings import BillingSettings
from theatre.kit.db import Session
from theatre.kit.money import Money


async def reserved(session: Session, payment_id: UUID, *, source: RefundSource | None = None) -> int:
    """Sum the refunds that count against a payment, or those of one source."""
    statement = select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
        Refund.payment_id == payment_id,
        Refund.status.in_(RESERVING),
        Refund.source != RefundSource.LATE if source is None else Refund.source == source,
    )
    return int(await session.scalar(statement) or 0)


def checked_amount(payment: Payment, amount: Money | None, *, reserved: int) -> int:
    """Give what is to be given back; without an amount, all that is left.

    Raises:
        PaymentNotRefundable: nothing is left.
        RefundAmountInvalid, RefundExceedsPayment
    """
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


async def needs_second_person(session: Session, refund: Refund, settings: BillingSettings) -> bool:
    """Tell whether staff may not give this back alone: summed over the payment, so that splitting does not help."""
    if refund.source == RefundSource.USER or refund.requested_by is None:
        return False
    limit_minor = settings.refund_limits.get(refund.currency, 0)
    before = await reserved(session, refund.payment_id, source=RefundSource(refund.source))
    return before + refund.amount_minor > limit_minor
