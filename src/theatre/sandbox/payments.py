"""Payments as merchants make, read, capture and give them up."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, insert, inspect, select
from sqlalchemy.sql.dml import ReturningInsert

from theatre.kit.db import Session
from theatre.kit.pagination import Page
from theatre.sandbox import keys, listing, payment_methods, receipts, settlement
from theatre.sandbox.cards import CANCELED_BY_MERCHANT, PERMISSION_REVOKED, SCENARIOS, SUCCESS
from theatre.sandbox.errors import InvalidRequest, NoSuchObject, NotAllowed
from theatre.sandbox.keys import Call
from theatre.sandbox.models import Payment, PaymentMethod, PaymentStatus
from theatre.sandbox.object_ids import new_payment_id
from theatre.sandbox.payment_methods import BANK_CARD, TERMS
from theatre.sandbox.schemas import AmountField, CaptureOrder, PaymentFilter, PaymentOrder

COLUMNS = {one.columns[0].name: one.key for one in inspect(Payment).column_attrs}


def _inserting() -> ReturningInsert[Any]:
    table = cast(Table, Payment.__table__)
    claimed = keys.CLAIMING.cte("claimed")
    values = select(*(bindparam(name, type_=table.c[name].type) for name in COLUMNS)).select_from(claimed)
    return insert(table).from_select(list(COLUMNS), values).returning(table.c.id)


# Claims the key and inserts the payment, if the key was free. Hot, so it is put together once.
INSERTING = _inserting()


async def create(session: Session, order: PaymentOrder, call: Call) -> Payment:
    """Make a payment that waits for its payer. One statement, so that no transaction need be open around it.

    Raises:
        InvalidRequest, NotAllowed
    """
    check_order(order, call)
    payment = _made(order, call)
    payment.due_at = call.now + payment_methods.terms_of(payment).pay
    values = {name: getattr(payment, key) for name, key in COLUMNS.items()}
    made = await session.scalar(INSERTING, {**values, **keys.parameters(call, str(payment.id))})
    if made is None:
        return await get(session, call.shop.id, UUID(await keys.get_made(session, call)))
    return payment


async def charge(session: Session, order: PaymentOrder, method_id: UUID, *, call: Call) -> Payment:
    """Make a payment by a saved method: it is final, or held, at once.

    Raises:
        InvalidRequest, NotAllowed
    """
    check_order(order, call)
    payment = _made(order, call)
    if (twin := await keys.claim(session, call, str(payment.id))) is not None:
        return await get(session, call.shop.id, UUID(twin))
    method = await payment_methods.get_saved(session, call.shop.id, method_id)
    await _charge(session, payment, method, now=call.now)
    session.add(payment)
    return payment


def check_order(order: PaymentOrder, call: Call) -> None:
    """Check what no single field can tell.

    Raises:
        InvalidRequest, NotAllowed
    """
    if (
        sum(bool(way) for way in (order.payment_token, order.payment_method_id, order.payment_method_data))
        > 1
    ):
        raise InvalidRequest("Only one of payment token, method id and method data may be given")
    if order.payment_token:
        raise InvalidRequest("Payment token not found", parameter="payment_token")
    if order.payment_method_data and order.payment_method_data.card is not None:
        raise NotAllowed("Card data is accepted on the payment page only")
    if order.recipient and order.recipient.gateway_id not in {None, call.shop.gateway_id}:
        raise InvalidRequest("No such recipient", parameter="recipient.gateway_id")
    if order.payment_method_id is None and order.confirmation is None:
        raise InvalidRequest("Confirmation is missing", parameter="confirmation")
    _check_terms(order)
    if order.receipt:
        receipts.check_sum(order.receipt, order.amount.amount_minor)


def _check_terms(order: PaymentOrder) -> None:
    terms = TERMS[order.payment_method_data.type if order.payment_method_data else BANK_CARD]
    if terms.hold is None and not order.capture:
        raise InvalidRequest("The payment method has no two-stage payments", parameter="capture")
    is_above = terms.max_minor is not None and order.amount.amount_minor > terms.max_minor
    if is_above and order.amount.currency == "RUB":
        raise InvalidRequest("Amount is above the limit of the payment method", parameter="amount.value")


def _made(order: PaymentOrder, call: Call) -> Payment:
    payment_id = new_payment_id(call.now)
    data = order.payment_method_data
    method: dict[str, Any] | None = None
    if data is not None and data.type != BANK_CARD:
        method = {"type": data.type, "id": str(payment_id)}
    return Payment(
        id=payment_id,
        shop_id=call.shop.id,
        gateway_id=call.shop.gateway_id,
        status=PaymentStatus.PENDING,
        amount_minor=order.amount.amount_minor,
        refunded_minor=0,
        refunding_minor=0,
        currency=order.amount.currency,
        description=order.description,
        details=order.metadata or {},
        merchant_customer_id=order.merchant_customer_id,
        captures_at_once=order.capture,
        saves_method=order.save_payment_method,
        confirmation=order.confirmation.model_dump(exclude_none=True) if order.confirmation else None,
        method=method,
        is_method_saved=False,
        is_challenged=False,
        is_processing=False,
        receipt=order.receipt.to_content() if order.receipt else None,
        idempotence_key=call.key,
        created_at=call.now,
    )


async def _charge(session: Session, payment: Payment, method: PaymentMethod, *, now: datetime) -> None:
    payment.confirmation = None
    payment.method = method.method
    payment.is_method_saved = True
    payment.saves_method = None
    payment.scenario = SUCCESS
    refusal = PERMISSION_REVOKED if method.is_revoked else SCENARIOS[method.scenario].charge_refusal
    if refusal is not None:
        settlement.refuse(session, payment, refusal, now=now)
    else:
        await settlement.authorise(session, payment, with_code=False, now=now)


async def get(session: Session, shop_id: str, payment_id: UUID) -> Payment:
    """Read a payment of a shop.

    Raises:
        NoSuchObject
    """
    payment = await session.get(Payment, payment_id)
    if payment is None or payment.shop_id != shop_id:
        raise NoSuchObject
    return payment


async def get_locked(session: Session, shop_id: str, payment_id: UUID) -> Payment:
    """Read a payment of a shop and lock its row.

    Raises:
        NoSuchObject
    """
    payment = await session.get(Payment, payment_id, with_for_update=True, populate_existing=True)
    if payment is None or payment.shop_id != shop_id:
        raise NoSuchObject
    return payment


async def list_page(session: Session, shop_id: str, wanted: PaymentFilter) -> Page[Payment]:
    """List a shop's payments, newest first.

    Raises:
        BadCursor
    """
    query = select(Payment).where(Payment.shop_id == shop_id, *listing.captured_within(wanted))
    if wanted.status:
        query = query.where(Payment.status == wanted.status)
    if wanted.payment_method:
        query = query.where(Payment.method["type"].astext == wanted.payment_method)
    return await listing.list_page(session, query, table=Payment, wanted=wanted)


async def capture(session: Session, payment_id: UUID, order: CaptureOrder, *, call: Call) -> Payment:
    """Take held money, all or a part; the rest goes back to the payer and `amount` becomes what was taken.

    Raises:
        NoSuchObject, InvalidRequest
    """
    if await keys.claim(session, call, str(payment_id)) is not None:
        return await get(session, call.shop.id, payment_id)
    payment = await get_locked(session, call.shop.id, payment_id)
    _check_held(payment, call)
    if order.amount is not None:
        _check_part(payment, order.amount)
        payment.amount_minor = order.amount.amount_minor
    if order.receipt is not None:
        receipts.check_sum(order.receipt, payment.amount_minor)
        payment.receipt = order.receipt.to_content()
    payment.capture_key = call.key
    settlement.succeed(session, payment, now=call.now)
    return payment


def _check_part(payment: Payment, amount: AmountField) -> None:
    if amount.currency != payment.currency:
        raise InvalidRequest("The currency differs from the payment's", parameter="amount.currency")
    if amount.amount_minor > payment.amount_minor:
        raise InvalidRequest("The amount is above what is held", parameter="amount.value")


async def cancel(session: Session, payment_id: UUID, call: Call) -> Payment:
    """Give up held money. A payment that still waits for its payer cannot be canceled.

    Raises:
        NoSuchObject, InvalidRequest
    """
    if await keys.claim(session, call, str(payment_id)) is not None:
        return await get(session, call.shop.id, payment_id)
    payment = await get_locked(session, call.shop.id, payment_id)
    _check_held(payment, call)
    settlement.refuse(session, payment, CANCELED_BY_MERCHANT, now=call.now)
    return payment


def _check_held(payment: Payment, call: Call) -> None:
    if payment.status != PaymentStatus.WAITING_FOR_CAPTURE:
        raise InvalidRequest(f"The payment is {payment.status}, not waiting_for_capture")
    if payment.due_at is not None and payment.due_at <= call.now:
        raise InvalidRequest("The hold is over")
