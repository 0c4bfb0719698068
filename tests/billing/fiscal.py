"""What tests of fiscal receipts do again and again."""

from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select, text

from tests.billing.acts import NOW, buy, pay
from tests.billing.desk import Answer, receipt
from theatre.billing import receipts
from theatre.billing.models import Case, Payment, Receipt
from theatre.billing.settings import BillingSettings
from theatre.kit.db import Session, Sessions

Make = Any


async def discount(session: Session, payment: Payment, *discounts_minor: int) -> None:
    """Take something off each line of an unpaid payment, as a promo code does."""
    for item, discount_minor in zip(payment.items, discounts_minor, strict=True):
        item.discount_minor = discount_minor
    payment.discount_minor = sum(discounts_minor)
    payment.total_minor -= payment.discount_minor
    await session.flush()


async def kept(session: Session, payment: Payment) -> list[Receipt]:
    """List a payment's receipts."""
    return list(await receipts.list_of(session, payment.id))


async def sold(
    sessions: Sessions,
    settings: BillingSettings,
    *kinds: str,
    user_id: UUID | None = None,
    now: datetime = NOW,
) -> UUID:
    """Sell and be paid; gives the receipt that is to be registered, and lets no other be due."""
    async with sessions.begin() as session:
        await session.execute(text("UPDATE billing.receipt SET next_try_at = NULL"))
        payment = await buy(session, settings, *kinds or ("film",), user_id=user_id, now=now)
        await pay(session, settings, payment, now=now)
        (made,) = await kept(session, payment)
        return made.id


async def stored(sessions: Sessions, receipt_id: UUID) -> Receipt:
    """Read a receipt's row."""
    async with sessions() as session:
        return await session.get_one(Receipt, receipt_id)


async def cases_of(sessions: Sessions, receipt_id: UUID) -> list[Case]:
    """List the cases that a receipt has opened."""
    async with sessions() as session:
        made = await session.get_one(Receipt, receipt_id)
        found = select(Case).where(Case.payment_id == made.payment_id).order_by(Case.id)
        return list(await session.scalars(found))


def answering(status: str, **changes: Any) -> Answer:
    """Let payment-service say that every receipt stands so."""
    import orjson

    return lambda request: httpx.Response(
        200, json=receipt(orjson.loads(request.content), status=status, **changes)
    )


def silent(_: httpx.Request) -> httpx.Response:
    """Let payment-service not know."""
    return httpx.Response(503, json={"code": "payment.outcome_unknown"})
