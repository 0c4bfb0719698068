"""Receipts: registered with the money they belong to, or sent by the shop afterwards; registration is imitated."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import false, select

from theatre.kit.db import Session
from theatre.kit.pagination import Page
from theatre.sandbox import keys, listing
from theatre.sandbox.errors import InvalidRequest, NoSuchObject
from theatre.sandbox.keys import Call
from theatre.sandbox.models import Payment, Receipt, Refund
from theatre.sandbox.object_ids import new_receipt_id
from theatre.sandbox.schemas import ReceiptData, ReceiptFilter, ReceiptOrder

KEPT = ("items", "settlements", "tax_system_code", "on_behalf_of", "timezone", "internet")


def check_sum(receipt: ReceiptData, amount_minor: int) -> None:
    """Require that unit prices times quantities, each line rounded half up, make the operation's amount.

    Raises:
        InvalidRequest
    """
    lines = (item.amount.amount_minor * item.quantity for item in receipt.items)
    total_minor = sum(int(line.quantize(Decimal(1), ROUND_HALF_UP)) for line in lines)
    if total_minor != amount_minor:
        raise InvalidRequest(
            "The sum of the receipt's items differs from the amount", parameter="receipt.items"
        )


def register_for_payment(session: Session, payment: Payment, now: datetime) -> None:
    """Register the receipt that came with a payment, if one did."""
    if payment.receipt is not None:
        session.add(_made(payment.shop_id, "payment", payment.receipt, payment_id=payment.id, now=now))


def register_for_refund(session: Session, refund: Refund, now: datetime) -> None:
    """Register the receipt that came with a refund, if one did."""
    if refund.receipt is not None:
        session.add(_made(refund.shop_id, "refund", refund.receipt, refund_id=refund.id, now=now))


def _made(shop_id: str, kind: str, content: dict[str, Any], *, now: datetime, **owner: UUID) -> Receipt:
    kept = {name: content[name] for name in KEPT if name in content}
    return Receipt(id=new_receipt_id(now), shop_id=shop_id, type=kind, content=kept, created_at=now, **owner)


async def create(session: Session, order: ReceiptOrder, call: Call) -> Receipt:
    """Register a receipt of its own.

    Raises:
        InvalidRequest: the payment or refund is not this shop's, or the key belongs to another request.
    """
    shop_id = call.shop.id
    owner = {"payment_id": order.payment_id} if order.payment_id else {"refund_id": order.refund_id}
    receipt = _made(shop_id, order.type, order.to_content(), now=call.now, **owner)
    if (twin := await keys.claim(session, call, receipt.id)) is not None:
        return await get(session, shop_id, twin)
    if order.payment_id:
        found: Payment | Refund | None = await session.get(Payment, order.payment_id)
    else:
        found = await session.get(Refund, order.refund_id)
    if found is None or found.shop_id != shop_id:
        raise InvalidRequest("No such operation", parameter=next(iter(owner)))
    session.add(receipt)
    return receipt


async def get(session: Session, shop_id: str, receipt_id: str) -> Receipt:
    """Read a receipt of a shop.

    Raises:
        NoSuchObject
    """
    receipt = await session.get(Receipt, receipt_id)
    if receipt is None or receipt.shop_id != shop_id:
        raise NoSuchObject
    return receipt


async def list_page(session: Session, shop_id: str, wanted: ReceiptFilter) -> Page[Receipt]:
    """List a shop's receipts, newest first; all of them are registered at once."""
    query = select(Receipt).where(Receipt.shop_id == shop_id)
    if wanted.payment_id:
        query = query.where(Receipt.payment_id == wanted.payment_id)
    if wanted.refund_id:
        query = query.where(Receipt.refund_id == wanted.refund_id)
    if wanted.status and wanted.status != "succeeded":
        query = query.where(false())
    return await listing.list_page(session, query, table=Receipt, wanted=wanted)
