"""Payments of all users: found, read whole, given back."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from theatre.kit.fields import Line, Word
from theatre.kit.routing import StrictRoute
from theatre.web import admin_refunds
from theatre.web.admin_lists import PAYMENTS
from theatre.web.admin_payment_schemas import PaymentRecord, PaymentRow
from theatre.web.desk import CurrentDesk, Said, go_to
from theatre.web.errors import Declined
from theatre.web.resources import own_form
from theatre.web.timeline import tell

Amount = Annotated[str, Query(max_length=24)]

router = APIRouter(prefix="/admin/payments", route_class=StrictRoute, include_in_schema=False)


@router.get("")
async def show_payments(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show payments of all users."""
    return desk.show("payments.html", {"listed": await desk.list(PAYMENTS, request.query_params), **said})


@router.get("/{payment_id}")
async def show_payment(desk: CurrentDesk, said: Said, payment_id: UUID) -> Response:
    """Show one payment: its money, all that happened to it, and what can be done."""
    payment = await desk.read(f"/payments/{payment_id}", PaymentRecord)
    return desk.show("payment.html", {"payment": payment, "story": tell(payment), **said})


@router.get("/{payment_id}/refund")
async def show_refund(
    desk: CurrentDesk, payment_id: UUID, *, amount: Amount = "", takes_rights: bool = False
) -> Response:
    """Show what giving money back would do, before it is done."""
    payment = await desk.read(f"/payments/{payment_id}", PaymentRow)
    given = {"payment": payment, "amount": amount, "takes_rights": takes_rights, "preview": None}
    try:
        given["preview"] = await admin_refunds.preview(
            desk, payment_id, amount=amount.strip(), takes_rights=takes_rights
        )
    except Declined as declined:
        given["fault"] = declined.word
    return desk.show("refund.html", given)


@router.post("/{payment_id}/refund", dependencies=[Depends(own_form)])
async def refund(
    desk: CurrentDesk,
    payment_id: UUID,
    *,
    key: Annotated[Word, Form()],
    reason: Annotated[Line, Form()],
    amount: Annotated[str, Form(max_length=24)],
    currency: Annotated[Word, Form()],
    takes_rights: Annotated[bool, Form()] = False,
) -> Response:
    """Give money back, as the preview showed it."""
    claim = admin_refunds.Claim(payment_id, amount, currency, takes_rights, reason)
    try:
        made = await admin_refunds.ask(desk, claim, key=key)
    except Declined as declined:
        return go_to(f"/admin/payments/{payment_id}", fault=declined.word)
    return go_to(f"/admin/payments/{payment_id}", note=f"refund_{made.status}")
