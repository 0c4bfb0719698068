"""Refunds at Stripe's face: whole or in parts, never more than was taken."""

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from theatre.kit.db import Session
from theatre.sandbox import disputes, refunds
from theatre.sandbox.errors import ChargeDisputed, InvalidRequest, NoSuchObject
from theatre.sandbox.keys import Call
from theatre.sandbox.models import Payment, PaymentStatus, Refund, RefundStatus
from theatre.sandbox.object_ids import new_refund_id
from theatre.sandbox.stripe import sessions
from theatre.sandbox.stripe.listing import Page, list_page
from theatre.sandbox.stripe.schemas import RefundFilter, RefundOrder
from theatre.sandbox.stripe_objects import CHARGE, INTENT, REFUND, read_id


async def create(session: Session, order: RefundOrder, call: Call, *, delay: timedelta) -> Refund:
    """Give money back, at once or after `delay` as the payment's scenario says; locks the payment.

    Raises:
        NoSuchObject, InvalidRequest
        ChargeDisputed: the payer's bank wants it back, or has it.
    """
    payment = await sessions.get_locked(session, call.shop.id, _paid_by(order.payment_intent, order.charge))
    if await disputes.is_locked(session, payment):
        raise ChargeDisputed
    amount_minor = _checked(order, payment)
    refund = Refund(
        id=new_refund_id(call.now),
        shop_id=call.shop.id,
        payment_id=payment.id,
        status=RefundStatus.PENDING,
        amount_minor=amount_minor,
        currency=payment.currency,
        description=order.reason,
        details=order.metadata,
        rrn=f"{secrets.randbelow(10**12):012d}",
        idempotence_key=call.key,
        created_at=call.now,
    )
    refunds.begin(session, refund, payment, delay=delay)
    await session.flush()
    return refund


def _paid_by(intent: str | None, charge: str | None) -> UUID:
    return read_id(intent, INTENT) if intent else read_id(charge or "", CHARGE)


def _checked(order: RefundOrder, payment: Payment) -> int:
    if payment.status != PaymentStatus.SUCCEEDED:
        raise InvalidRequest("This payment has no successful charge to refund", parameter="payment_intent")
    left_minor = payment.amount_minor - payment.refunded_minor - payment.refunding_minor
    amount_minor = left_minor if order.amount is None else order.amount
    if amount_minor > left_minor or amount_minor == 0:
        raise InvalidRequest("The refund is greater than what is left of the charge", parameter="amount")
    return amount_minor


async def get(session: Session, shop_id: str, refund_id: UUID) -> Refund:
    """Read a refund of an account.

    Raises:
        NoSuchObject
    """
    refund = await session.get(Refund, refund_id)
    if refund is None or refund.shop_id != shop_id:
        raise NoSuchObject
    return refund


async def list_refunds(session: Session, shop_id: str, wanted: RefundFilter) -> Page[Refund]:
    """List an account's refunds, newest first.

    Raises:
        InvalidRequest, NoSuchObject
    """
    query = select(Refund).where(Refund.shop_id == shop_id)
    if wanted.payment_intent or wanted.charge:
        query = query.where(Refund.payment_id == _paid_by(wanted.payment_intent, wanted.charge))
    return await list_page(session, query, table=Refund, wanted=wanted, prefix=REFUND)
