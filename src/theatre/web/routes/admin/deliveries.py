"""Deliveries: how each went, and trying one again; and what staff did to all that people are told."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response

from theatre.kit.fields import Line
from theatre.kit.routing import StrictRoute
from theatre.web.admin_message_lists import DELIVERIES, LETTER_AUDIT
from theatre.web.desk import Act, CurrentDesk, Said
from theatre.web.resources import own_form
from theatre.web.staff_doors import NOTIFICATION

router = APIRouter(prefix="/admin", route_class=StrictRoute, include_in_schema=False)


@router.get("/deliveries")
async def show_deliveries(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show how each delivery went."""
    return desk.show("deliveries.html", {"listed": await desk.list(DELIVERIES, request.query_params), **said})


@router.post("/deliveries/{delivery_id}/retry", dependencies=[Depends(own_form)])
async def retry(
    desk: CurrentDesk, delivery_id: UUID, *, back: Annotated[Line, Form(alias="next")] = DELIVERIES.path
) -> Response:
    """Try a delivery again."""
    act = Act(path=f"/deliveries/{delivery_id}/retry", doors=NOTIFICATION)
    return await desk.act_and_return(act, back=back, note="delivery_retried")


@router.get("/audit/letters")
async def show_letter_audit(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show what staff did to templates, mailings and deliveries."""
    listed = await desk.list(LETTER_AUDIT, request.query_params)
    return desk.show("letter_audit.html", {"listed": listed, **said})
