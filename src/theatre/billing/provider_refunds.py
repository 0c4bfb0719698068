"""Refunds that a provider made without us, in its own cabinet: we only hear of them."""

from datetime import datetime

from theatre.billing import payments, refunds
from theatre.billing.models import Refund, RefundSource, RefundStatus
from theatre.contracts.payment import RefundSucceeded
from theatre.kit.db import Session


async def recognize(session: Session, event: RefundSucceeded, *, now: datetime) -> None:
    """Take note that a refund reached the buyer, also one that we never asked for. Once; locks the payment.

    Within what is left of the payment such a one is a refund like any other; beyond that the ledger says so, as
    unallocated, and staff get a case.
    """
    await payments.get_locked(session, event.payment_id)
    if await session.get(Refund, event.refund_id) is None:
        refund = Refund(
            id=event.refund_id,
            payment_id=event.payment_id,
            attempt_id=event.attempt_id,
            provider=event.provider,
            # as one that reserves nothing, and whose money went all the same
            status=RefundStatus.FAILED,
            source=RefundSource.PROVIDER,
            amount_minor=event.amount.amount_minor,
            currency=event.amount.currency,
            reason="made in the provider's cabinet",
            created_at=now,
        )
        session.add(refund)
        await session.flush()
    await refunds.succeed(session, event.payment_id, event.refund_id, now=now)
