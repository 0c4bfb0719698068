"""Buying: from the press of a button to the payment system's page."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from theatre.kit.errors import NotFound, Transient
from theatre.web import shop
from theatre.web.errors import Declined
from theatre.web.resources import Resources
from theatre.web.schemas import Payment, Preview, Price, Product
from theatre.web.upstream import Headers

OPEN_REFUNDS = {"requested", "pending"}


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody is about to buy, with what a promo code makes of it, or why the code does not hold (`fault`)."""

    product: Product
    price: Price
    typed: str
    preview: Preview | None
    fault: str


async def prepare(house: Resources, who: Headers, *, price_id: UUID, typed: str) -> Order:
    """Reckon what somebody is about to buy, with the promo code they typed in; nothing is bought.

    Raises:
        NotFound: it is not sold (any more).
    """
    sold = await shop.list_products(house.billing, who)
    found = [(product, price) for product in sold for price in product.prices if price.id == price_id]
    if not found:
        raise NotFound
    product, price = found[0]
    preview, fault = None, ""
    try:
        if typed:
            preview = await shop.preview(house.billing, who, price_id=price_id, promo_code=typed)
    except Declined as declined:
        fault = declined.word
    except NotFound:  # the price is there: what was typed in cannot even stand in an address
        fault = "billing.promo_code_unknown"
    return Order(product, price, typed, preview, fault)


async def start(
    house: Resources,
    who: Headers,
    *,
    price_id: UUID,
    promo_code: str | None = None,
    save_method: bool = False,
    key: str,
) -> str:
    """Buy at a price and tell where to go next; the same key buys once. Where nothing is left to pay, it is paid.

    Raises:
        Declined, NotFound: it is not sold (any more), or the promo code does not hold for it.
    """
    payment = await shop.create_payment(
        house.billing, who, price_id=price_id, promo_code=promo_code, key=f"{key}-payment"
    )
    if payment.status != "unpaid":
        return return_path(payment.id)
    return await go_on(house, who, payment_id=payment.id, save_method=save_method, key=key)


async def go_on(
    house: Resources, who: Headers, *, payment_id: UUID, save_method: bool | None = None, key: str
) -> str:
    """Tell where a payment is paid; when that cannot be known now, its own page, where it can be tried again.

    Raises:
        Declined: there is nothing to pay (any more).
        NotFound: no such payment of this user.
    """
    path = return_path(payment_id)
    try:
        return await shop.check_out(
            house.billing,
            who,
            payment_id=payment_id,
            return_url=house.settings.public_url.rstrip("/") + path,
            save_method=save_method,
            key=f"{key}-checkout",
        )
    except Transient:
        return path


async def find_open_refunds(house: Resources, who: Headers, payments: Sequence[Payment]) -> dict[UUID, str]:
    """Tell which payments have money on its way back, and how far it is."""
    paid = [payment.id for payment in payments if payment.status == "paid"]
    found = await asyncio.gather(*(shop.list_refunds(house.billing, who, payment_id) for payment_id in paid))
    return {
        payment_id: refund.status
        for payment_id, refunds in zip(paid, found, strict=True)
        for refund in refunds
        if refund.status in OPEN_REFUNDS
    }


def return_path(payment_id: UUID) -> str:
    """Give the page that shows how a payment ends."""
    return f"/return/{payment_id}"
