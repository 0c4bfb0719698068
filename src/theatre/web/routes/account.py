"""What belongs to the user: rights to watch, subscriptions, payments."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Response

from theatre.kit.fields import Line, Word
from theatre.kit.routing import StrictRoute
from theatre.web import accounts, purchases, shop
from theatre.web.errors import Declined
from theatre.web.resources import PAYMENTS, CurrentVisit, House, User, own_form, see_other
from theatre.web.rights import merge

ACCOUNT = "/account"

router = APIRouter(prefix=ACCOUNT, route_class=StrictRoute, include_in_schema=False)


@router.get("")
async def show_account(
    house: House,
    visit: CurrentVisit,
    user: User,
    *,
    note: Annotated[Word | None, Query()] = None,
    fault: Annotated[Word | None, Query()] = None,
) -> Response:
    """Show who is signed in, what they may watch and until when, and what will be charged."""
    me, products, subscriptions, entitlements = await asyncio.gather(
        accounts.get_me(house.auth, user),
        shop.list_products(house.billing, user),
        shop.list_subscriptions(house.billing, user),
        shop.list_entitlements(house.billing, user),
    )
    names = {product.id: product.name for product in products}
    given = {"me": me, "names": names, "subscriptions": subscriptions, "rights": merge(entitlements)}
    given |= {"note": note, "fault": fault}
    return house.pages.render(visit, "account.html", given)


@router.post("/subscriptions/{subscription_id}/cancel", dependencies=[Depends(own_form)])
async def cancel_subscription(
    house: House, user: User, subscription_id: UUID, *, key: Annotated[Word, Form()]
) -> Response:
    """Let a plan end with what is paid for."""
    try:
        await shop.cancel_subscription(house.billing, user, subscription_id, key=f"{key}-cancel")
    except Declined as declined:
        return see_other(ACCOUNT, fault=declined.word)
    return see_other(ACCOUNT, note="subscription_canceled")


@router.post("/subscriptions/{subscription_id}/resume", dependencies=[Depends(own_form)])
async def resume_subscription(
    house: House, user: User, subscription_id: UUID, *, key: Annotated[Word, Form()]
) -> Response:
    """Take the cancel of a plan back."""
    try:
        await shop.resume_subscription(house.billing, user, subscription_id, key=f"{key}-resume")
    except Declined as declined:
        return see_other(ACCOUNT, fault=declined.word)
    return see_other(ACCOUNT, note="subscription_resumed")


@router.get("/payments")
async def show_payments(
    house: House,
    visit: CurrentVisit,
    user: User,
    *,
    cursor: Annotated[Line | None, Query()] = None,
    note: Annotated[Word | None, Query()] = None,
    fault: Annotated[Word | None, Query()] = None,
) -> Response:
    """Show the user's payments and what can be done about each."""
    payments = await shop.list_payments(house.billing, user, cursor)
    refunds = await purchases.find_open_refunds(house, user, payments.items)
    given = {
        "payments": payments,
        "refunds": refunds,
        "cursor": cursor,
        "note": note,
        "fault": fault,
    }
    return house.pages.render(visit, "payments.html", given)


@router.get("/payments/{payment_id}/receipt.pdf")
async def save_receipt(house: House, user: User, payment_id: UUID) -> Response:
    """Give the receipt of a payment to be kept."""
    try:
        drawn = await shop.draw_receipt(house.billing, user, payment_id)
    except Declined as declined:
        return see_other(PAYMENTS, fault=declined.word)
    headers = {"Content-Disposition": f'attachment; filename="receipt-{payment_id}.pdf"'}
    return Response(drawn, media_type="application/pdf", headers=headers)


@router.post("/payments/{payment_id}/cancel", dependencies=[Depends(own_form)])
async def cancel(house: House, user: User, payment_id: UUID, *, key: Annotated[Word, Form()]) -> Response:
    """Give a payment up."""
    try:
        payment = await shop.cancel(house.billing, user, payment_id=payment_id, key=f"{key}-cancel")
    except Declined as declined:
        return see_other(PAYMENTS, fault=declined.word)
    return see_other(PAYMENTS, note="canceled" if payment.status == "canceled" else "cancel_requested")


@router.post("/payments/{payment_id}/refund", dependencies=[Depends(own_form)])
async def refund(
    house: House,
    user: User,
    payment_id: UUID,
    *,
    key: Annotated[Word, Form()],
    reason: Annotated[Line, Form()],
) -> Response:
    """Ask for the money back, all that is left of it."""
    try:
        refund = await shop.refund(
            house.billing, user, payment_id=payment_id, reason=reason, key=f"{key}-refund"
        )
    except Declined as declined:
        return see_other(PAYMENTS, fault=declined.word)
    return see_other(PAYMENTS, note=f"refund_{refund.status}")
