"""Refunds of all payments, and the second person's word where it is much."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response

from theatre.kit.fields import Line, Word
from theatre.kit.routing import StrictRoute
from theatre.web.admin_lists import REFUNDS
from theatre.web.desk import Act, CurrentDesk, Said
from theatre.web.resources import own_form

WAITING = "/admin/refunds?status=requested"
Back = Annotated[Line, Form(alias="next")]

router = APIRouter(prefix="/admin/refunds", route_class=StrictRoute, include_in_schema=False)


@router.get("")
async def show_refunds(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show refunds of all payments; those that wait are decided here."""
    return desk.show("refunds.html", {"listed": await desk.list(REFUNDS, request.query_params), **said})


@router.post("/{refund_id}/approve", dependencies=[Depends(own_form)])
async def approve(
    desk: CurrentDesk, refund_id: UUID, *, key: Annotated[Word, Form()], back: Back = WAITING
) -> Response:
    """Agree, as the second person."""
    act = Act(path=f"/refunds/{refund_id}/approve", key=f"{key}-approve")
    return await desk.act_and_return(act, back=back, note="refund_approved")


@router.post("/{refund_id}/reject", dependencies=[Depends(own_form)])
async def reject(
    desk: CurrentDesk,
    refund_id: UUID,
    *,
    key: Annotated[Word, Form()],
    reason: Annotated[Line, Form()],
    back: Back = WAITING,
) -> Response:
    """Refuse, as the second person."""
    act = Act(path=f"/refunds/{refund_id}/reject", key=f"{key}-reject", body={"reason": reason})
    return await desk.act_and_return(act, back=back, note="refund_rejected")
