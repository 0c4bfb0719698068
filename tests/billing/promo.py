"""Promo codes in tests: made by staff through their door, products with prices of any size, uses counted."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import select

from tests.billing.conftest import Caller
from theatre.billing.models import Price, Product, PromoCode, PromoRedemption, PromoUser
from theatre.kit.clock import Clock
from theatre.kit.db import Sessions
from theatre.kit.ids import new_id

Make = Callable[..., Caller]
TRIES = 20


def new_code() -> str:
    return f"T-{uuid4().hex[:12]}".upper()


async def make_code(make_caller: Make, **terms: Any) -> dict[str, Any]:
    """Make a promo code, half off if nothing else is said; gives the answer."""
    body = {"code": new_code(), **terms}
    if "amount" in body:
        body["amount"] = {"amount": body["amount"], "currency": body.pop("currency", "RUB")}
    elif "percent" not in body:
        body["percent"] = 50
    answer = await make_caller("billing.manage").post("/admin/promo_codes", body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def change_code(make_caller: Make, made: dict[str, Any], **changes: Any) -> httpx.Response:
    staff = make_caller("billing.manage")
    return await staff.http.patch(f"/billing/api/v1/admin/promo_codes/{made['id']}", json=changes)


async def make_price(
    sessions: Sessions, amount_minor: int, *, currency: str = "RUB", clock: Clock, kind: str = "gift"
) -> Price:
    """Put a product with one price on sale; a present, so that it is not the cheapest film of other tests."""
    async with sessions.begin() as session:
        product = Product(
            id=new_id(),
            code=f"test-{uuid4()}",
            kind=kind,
            names={"en": "A present"},
            descriptions={"en": ""},
            film_id=uuid4(),
            is_active=True,
            created_at=clock.now(),
        )
        price = Price(
            id=new_id(),
            product_id=product.id,
            amount_minor=amount_minor,
            currency=currency,
            trial_days=0,
            is_active=True,
            created_at=clock.now(),
        )
        session.add(product)
        await session.flush()
        session.add(price)
    return price


async def buy(
    caller: Caller, code: str | None, *price_ids: object, quantity: int = 1, key: str | None = None
) -> httpx.Response:
    """Buy; who is told that the database is busy comes again under the same key, as the answer asks for."""
    items = [{"price_id": str(price_id), "quantity": quantity} for price_id in price_ids]
    body, key = {"items": items, "promo_code": code}, key or str(uuid4())
    answer = await caller.post("/payments", body, key=key)
    for _ in range(TRIES):
        if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
            break
        answer = await caller.post("/payments", body, key=key)
    return answer


async def uses_of(sessions: Sessions, made: dict[str, Any]) -> tuple[int, int, int]:
    """Count a code's uses three ways: by its own count, by its users' counts, by the redemptions that hold."""
    async with sessions() as session:
        promo = await session.get_one(PromoCode, UUID(made["id"]))
        users = await session.scalars(select(PromoUser.used_count).where(PromoUser.promo_code_id == promo.id))
        held = await session.scalars(
            select(PromoRedemption).where(
                PromoRedemption.promo_code_id == promo.id, PromoRedemption.returned_at.is_(None)
            )
        )
        return promo.used_count, sum(users), len(held.all())
