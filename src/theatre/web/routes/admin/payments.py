"""Payments of all users: found, read whole, given back."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response

from theatre.kit.fields import Line, Word
from theatre.kit.routing import StrictRoute
from theatre.web.admin_lists import PAYMENTS
from theatre.web.admin_payment_schemas import PaymentRow
from theatre.web.desk import Act, CurrentDesk, Said
from theatre.web.resources import own_form

router = APIRouter(prefix="/admin/payments", route_class=StrictRoute, include_in_schema=False)


@router.get("")
async def show_payments(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show payments of all users."""
    return desk.show("payments.html", {"listed": await desk.list(PAYMENTS, request.query_params), **said})


@router.get("/{payment_id}")
async def show_payment(desk: CurrentDesk, said: Said, payment_id: UUID) -> Response:
    """Show one payment."""
    payment = await desk.read(f"/payments/{payment_id}", PaymentRow)
    return desk.show("payment.html", {"payment": payment, **said})


@router.post("/{payment_id}/refund", dependencies=[Depends(own_form)])
async def refund(
    desk: CurrentDesk, payment_id: UUID, *, key: Annotated[Word, Form()], reason: Annotated[Line, Form()]
) -> Response:
    """Give all that is left of a payment back."""
    act = Act(path=f"/payments/{payment_id}/refunds", key=f"{key}-refund", body={"reason": reason})
    return await desk.act_and_return(act, back=f"/admin/payments/{payment_id}", note="refund_asked")
