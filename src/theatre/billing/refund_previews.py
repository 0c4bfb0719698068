"""What a refund by staff would do, found out by doing it in a rehearsal: so the preview is exactly what would be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from theatre.billing import ledger, payments, refund_items, refund_limits, refunds
from theatre.billing.errors import RefundAmountInvalid
from theatre.billing.models import (
    Entitlement,
    LedgerEntry,
    Payment,
    PaymentItem,
    PaymentStatus,
    RefundItem,
    RefundSource,
    RefundStatus,
)
from theatre.billing.refunds import Claim
from theatre.billing.settings import BillingSettings
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.money import Money, MoneyError, from_decimal


@dataclass(frozen=True, slots=True)
class Preview:
    """What a refund would do once it has arrived; `left` is what could be given back at all."""

    amount: Money
    left: Money
    needs_second_person: bool
    makes_refunded: bool
    parts: Sequence[tuple[PaymentItem, RefundItem]]
    ended: Sequence[Entitlement]
    entries: Sequence[LedgerEntry]


async def rehearse(
    session: Session,
    payment_id: UUID,
    *,
    amount: str | None,
    takes_rights: bool,
    staff_id: UUID,
    settings: BillingSettings,
    now: datetime,
) -> Preview:
    """Give money back in a rehearsal: `session` must never be committed. `amount` is in the payment's currency; without
    one, all that is left. Locks the payment.

    Raises:
        PaymentUnknown, PaymentNotRefundable, PaymentDisputed, RefundAmountInvalid, RefundExceedsPayment
    """
    payment = await payments.get(session, payment_id)
    left_minor = payment.total_minor - await refund_limits.reserved(session, payment.id)
    claim = Claim(RefundSource.STAFF, staff_id, "preview", _read(payment, amount), takes_rights)
    refund = await refunds.request(session, payment_id, claim, settings=settings, now=now)
    needs_second_person = refund.status == RefundStatus.REQUESTED
    if needs_second_person:
        await refunds.approve(session, refund.id, staff_id=new_id(), now=now)
    await refunds.succeed(session, payment_id, refund.id, now=now)
    await session.flush()
    parts = {part.payment_item_id: part for part in await refund_items.list_of(session, refund.id)}
    entries = await ledger.list_entries(session, payment_id)
    ended = select(Entitlement).where(
        Entitlement.payment_id == payment_id, Entitlement.revoked_at == now, ~Entitlement.is_disputed
    )
    return Preview(
        amount=Money(refund.amount_minor, refund.currency),
        left=Money(left_minor, payment.currency),
        needs_second_person=needs_second_person,
        makes_refunded=payment.status == PaymentStatus.REFUNDED,
        parts=[(item, parts[item.id]) for item in payment.items if item.id in parts],
        ended=(await session.scalars(ended)).all(),
        entries=[entry for entry in entries if entry.refund_id == refund.id],
    )


def _read(payment: Payment, amount: str | None) -> Money | None:
    try:
        return None if amount is None else from_decimal(amount, payment.currency)
    except MoneyError as error:
        raise RefundAmountInvalid from error
