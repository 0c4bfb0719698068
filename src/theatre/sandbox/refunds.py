"""Refunds: whole or in parts, never more than was taken."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from theatre.kit.db import Session
from theatre.kit.pagination import Page
from theatre.sandbox import keys, listing, notifications, payment_methods, payments, receipts
from theatre.sandbox.cards import REFUND_REJECTED, REFUND_WITHOUT_FUNDS, SCENARIOS, RefundCourse
from theatre.sandbox.errors import InvalidRequest, NoSuchObject
from theatre.sandbox.keys import Call
from theatre.sandbox.models import Payment, PaymentStatus, Refund, RefundStatus
from theatre.sandbox.object_ids import new_refund_id
from theatre.sandbox.schemas import RefundFilter, RefundOrder


async def create(session: Session, order: RefundOrder, call: Call, *, delay: timedelta) -> Refund:
    """Give money back, at once or after `delay` as the payment's scenario says; locks the payment.

    Raises:
        InvalidRequest
    """
    refund_id = new_refund_id(call.now)
    if (twin := await keys.claim(session, call, str(refund_id))) is not None:
        return await get(session, call.shop.id, UUID(twin))
    payment = await _get_refundable(session, order, call)
    _check_amount(order, payment)
    if order.receipt:
        receipts.check_sum(order.receipt, order.amount.amount_minor)
    return begin(session, _made(order, call, refund_id), payment, delay=delay)


def begin(session: Session, refund: Refund, payment: Payment, *, delay: timedelta) -> Refund:
    """Have a new refund go as its payment's scenario says. The payment must be locked."""
    now = refund.created_at
    session.add(refund)
    payment.refunding_minor += refund.amount_minor
    match SCENARIOS[str(payment.scenario)].refunds:
        case RefundCourse.REFUSED:
            refund.cancellation = REFUND_WITHOUT_FUNDS.to_object()
        case RefundCourse.LATER:
            refund.due_at = now + delay
        case RefundCourse.REJECTED_LATER:
            refund.cancellation = REFUND_REJECTED.to_object()
            refund.due_at = now + delay
    if refund.due_at is None:
        conclude(session, refund, payment, now=now)
    else:
        notifications.tell_of_refund(session, refund, payment, now=now)
    return refund


async def _get_refundable(session: Session, order: RefundOrder, call: Call) -> Payment:
    try:
        payment = await payments.get_locked(session, call.shop.id, order.payment_id)
    except NoSuchObject as error:
        raise InvalidRequest("Payment not found", parameter="payment_id") from error
    if payment.status != PaymentStatus.SUCCEEDED:
        raise InvalidRequest(f"The payment is {payment.status}, not succeeded", parameter="payment_id")
    return payment


def _check_amount(order: RefundOrder, payment: Payment) -> None:
    terms = payment_methods.terms_of(payment)
    left_minor = payment.amount_minor - payment.refunded_minor - payment.refunding_minor
    if not terms.is_refundable:
        raise InvalidRequest("The payment method has no refunds", parameter="payment_id")
    if order.amount.currency != payment.currency:
        raise InvalidRequest("The currency differs from the payment's", parameter="amount.currency")
    if order.amount.amount_minor > left_minor:
        raise InvalidRequest("The amount is above what is left of the payment", parameter="amount.value")
    if order.amount.amount_minor < left_minor and not terms.is_partly_refundable:
        raise InvalidRequest("The payment method has no partial refunds", parameter="amount.value")


def _made(order: RefundOrder, call: Call, refund_id: UUID) -> Refund:
    return Refund(
        id=refund_id,
        shop_id=call.shop.id,
        payment_id=order.payment_id,
        status=RefundStatus.PENDING,
        amount_minor=order.amount.amount_minor,
        currency=order.amount.currency,
        description=order.description,
        details=order.metadata or {},
        receipt=order.receipt.to_content() if order.receipt else None,
        rrn=f"{secrets.randbelow(10**12):012d}",
        idempotence_key=call.key,
        created_at=call.now,
    )


def conclude(session: Session, refund: Refund, payment: Payment, *, now: datetime) -> None:
    """End a refund: refused if a reason is already noted, else given back. The payment must be locked."""
    payment.refunding_minor -= refund.amount_minor
    refund.due_at = None
    if refund.cancellation is not None:
        refund.status = RefundStatus.CANCELED
    else:
        refund.status = RefundStatus.SUCCEEDED
        payment.refunded_minor += refund.amount_minor
        receipts.register_for_refund(session, refund, now)
    notifications.tell_of_refund(session, refund, payment, now=now)


async def get(session: Session, shop_id: str, refund_id: UUID) -> Refund:
    """Read a refund of a shop.

    Raises:
        NoSuchObject
    """
    refund = await session.get(Refund, refund_id)
    if refund is None or refund.shop_id != shop_id:
        raise NoSuchObject
    return refund


async def list_page(session: Session, shop_id: str, wanted: RefundFilter) -> Page[Refund]:
    """List a shop's refunds, newest first.

    Raises:
        BadCursor
    """
    query = select(Refund).where(Refund.shop_id == shop_id)
    if wanted.payment_id:
        query = query.where(Refund.payment_id == wanted.payment_id)
    if wanted.status:
        query = query.where(Refund.status == wanted.status)
    return await listing.list_page(session, query, table=Refund, wanted=wanted)
