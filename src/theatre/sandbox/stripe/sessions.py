"""Checkout sessions as merchants make, read, list and expire them."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, not_, or_, select

from theatre.kit.db import Session
from theatre.sandbox import settlement
from theatre.sandbox.cards import CANCELED_BY_MERCHANT
from theatre.sandbox.errors import InvalidRequest, NoSuchObject
from theatre.sandbox.keys import Call
from theatre.sandbox.models import Payment, PaymentStatus
from theatre.sandbox.object_ids import new_payment_id
from theatre.sandbox.stripe.listing import Page, list_page
from theatre.sandbox.stripe.schemas import SessionFilter, SessionOrder, moment_of
from theatre.sandbox.stripe_objects import (
    INTENT,
    NOT_PAID_IN_TIME,
    SESSION,
    read_id,
    seconds,
    session_status,
    written_id,
)

SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=24)
ID_PLACE = "{CHECKOUT_SESSION_ID}"


async def create(session: Session, order: SessionOrder, call: Call, *, world_now: datetime) -> Payment:
    """Make a session that waits for its payer.

    Its end is named by the clock of the merchant, who lives in the world; the time until then passes by ours.

    Raises:
        InvalidRequest
    """
    expires_at = world_now + LONGEST if order.expires_at is None else moment_of(order.expires_at)
    term = expires_at - world_now
    # they count whole seconds
    if not SHORTEST - timedelta(seconds=1) <= term <= LONGEST:
        raise InvalidRequest(
            "expires_at must be between 30 minutes and 24 hours from now", parameter="expires_at"
        )
    payment_id = new_payment_id(call.now)
    success_url = order.success_url.replace(ID_PLACE, written_id(SESSION, payment_id))
    payment = Payment(
        id=payment_id,
        shop_id=call.shop.id,
        gateway_id=call.shop.gateway_id,
        status=PaymentStatus.PENDING,
        amount_minor=order.total_units,
        refunded_minor=0,
        refunding_minor=0,
        currency=order.currency,
        description=order.line_items[0].price_data.product_data.name,
        details=order.metadata,
        captures_at_once=True,
        saves_method=order.payment_intent_data.setup_future_usage is not None,
        confirmation={
            "type": "redirect",
            "return_url": success_url,
            "cancel_url": order.cancel_url,
            "client_reference_id": order.client_reference_id,
            "customer_email": order.customer_email,
            "expires_at": seconds(expires_at),
            "intent_metadata": order.payment_intent_data.metadata,
            "stripe_locale": order.locale,
        },
        is_method_saved=False,
        is_challenged=False,
        is_processing=False,
        idempotence_key=call.key,
        created_at=call.now,
        due_at=call.now + term,
    )
    session.add(payment)
    await session.flush()
    return payment


async def get(session: Session, shop_id: str, payment_id: UUID) -> Payment:
    """Read the payment behind a session or an intent of an account.

    Raises:
        NoSuchObject
    """
    return _owned(await session.get(Payment, payment_id), shop_id)


async def get_locked(session: Session, shop_id: str, payment_id: UUID) -> Payment:
    """Read it and lock its row.

    Raises:
        NoSuchObject
    """
    found = await session.get(Payment, payment_id, with_for_update=True, populate_existing=True)
    return _owned(found, shop_id)


def _owned(payment: Payment | None, shop_id: str) -> Payment:
    if payment is None or payment.shop_id != shop_id:
        raise NoSuchObject
    return payment


async def expire(session: Session, payment_id: UUID, call: Call) -> Payment:
    """Make the page of a session worthless; only of one that is open.

    Raises:
        NoSuchObject, InvalidRequest
    """
    payment = await get_locked(session, call.shop.id, payment_id)
    status = session_status(payment)
    if status != "open":
        raise InvalidRequest(f"Only sessions that are open can be expired; this one is {status}")
    settlement.refuse(session, payment, CANCELED_BY_MERCHANT, now=call.now)
    await session.flush()
    return payment


async def list_sessions(session: Session, shop_id: str, wanted: SessionFilter) -> Page[Payment]:
    """List an account's sessions, newest first.

    Raises:
        InvalidRequest, NoSuchObject
    """
    query = select(Payment).where(Payment.shop_id == shop_id)
    if wanted.payment_intent:
        query = query.where(Payment.id == read_id(wanted.payment_intent, INTENT))
    if wanted.status:
        query = query.where(_has_status(wanted.status))
    return await list_page(session, query, table=Payment, wanted=wanted, prefix=SESSION)


def _has_status(status: str) -> ColumnElement[bool]:
    waits = Payment.status == PaymentStatus.PENDING
    is_expired = and_(
        Payment.status == PaymentStatus.CANCELED,
        or_(false(), *(Payment.cancellation["reason"].astext == reason for reason in NOT_PAID_IN_TIME)),
    )
    is_open = and_(waits, not_(Payment.is_processing))
    if status == "open":
        return is_open
    return is_expired if status == "expired" else and_(not_(is_open), not_(is_expired))
