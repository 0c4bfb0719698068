"""From a button to the payment system's page, and back."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Response
from fastapi.responses import RedirectResponse

from theatre.kit.fields import Word
from theatre.kit.routing import StrictRoute
from theatre.web import purchases, shop
from theatre.web.errors import Declined
from theatre.web.resources import PAYMENTS, CurrentVisit, House, User, own_form, see_other

MAX_TYPED = 200

router = APIRouter(route_class=StrictRoute, include_in_schema=False)


@router.get("/order")
async def show_order(
    house: House,
    visit: CurrentVisit,
    user: User,
    *,
    price_id: UUID,
    promo_code: Annotated[str, Query(max_length=MAX_TYPED)] = "",
) -> Response:
    """Show what is about to be bought, and what a promo code makes of it."""
    order = await purchases.prepare(house, user, price_id=price_id, typed=promo_code.strip())
    return house.pages.render(visit, "order.html", {"order": order})


@router.post("/buy", dependencies=[Depends(own_form)])
async def buy(
    house: House,
    user: User,
    *,
    price_id: Annotated[UUID, Form()],
    promo_code: Annotated[Word | None, Form()] = None,
    save_method: Annotated[bool, Form()] = False,
    key: Annotated[Word, Form()],
) -> Response:
    """Buy, and go where it is paid; the same form sent twice buys once. With `save_method` the card pays renewals."""
    try:
        address = await purchases.start(
            house, user, price_id=price_id, promo_code=promo_code, save_method=save_method, key=key
        )
    except Declined as declined:
        if promo_code and declined.word.startswith("billing.promo_code"):
            return see_other("/order", price_id=str(price_id), promo_code=promo_code)
        return see_other(PAYMENTS, fault=declined.word)
    return RedirectResponse(address, status_code=303)


@router.post("/account/payments/{payment_id}/pay", dependencies=[Depends(own_form)])
async def pay(house: House, user: User, payment_id: UUID, *, key: Annotated[Word, Form()]) -> Response:
    """Go on with a payment."""
    try:
        address = await purchases.go_on(house, user, payment_id=payment_id, key=key)
    except Declined as declined:
        return see_other(PAYMENTS, fault=declined.word)
    return RedirectResponse(address, status_code=303)


@router.get("/return/{payment_id}")
async def show_outcome(
    house: House,
    visit: CurrentVisit,
    user: User,
    payment_id: UUID,
    *,
    look: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> Response:
    """Show how a payment ends; while that is open the page looks again by itself."""
    payment = await shop.get_payment(house.billing, user, payment_id)
    return house.pages.render(visit, "return.html", {"payment": payment, "look": look})
