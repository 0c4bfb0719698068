"""Sending refunds: payment-service is asked for each, outside any transaction, until the outcome is known."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from theatre.billing import refunds
from theatre.billing.models import Refund, RefundStatus
from theatre.contracts.money import Amount
from theatre.contracts.payment import Failure, PaymentClient, RefundStart, RefundState
from theatre.contracts.payment import RefundStatus as ProviderRefundStatus
from theatre.kit.db import Session, Sessions
from theatre.kit.http import Refused, Unknown
from theatre.kit.logging import get_logger

log = get_logger(__name__)

ASK_AT_MOST_EVERY = timedelta(hours=1)
ASK_BATCH = 50
REFUSED = Failure(code="refused", message="The payment system refused.")
NEVER_BEGUN = frozenset({"payment.attempt_not_found", "payment.nothing_captured", "payment.refund_too_large"})
"""With these words payment-service says that it has not begun a refund and never will."""


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
            await refunds.succeed(session, refund.payment_id, refund_id, now=now)
        elif state.status is ProviderRefundStatus.FAILED:
            await refunds.fail(
                session, refund.payment_id, refund_id, failure=state.failure or REFUSED, now=now
            )


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
        refund.next_ask_at = now + min(max(waited, refunds.ASK_AFTER), ASK_AT_MOST_EVERY)
    return due
