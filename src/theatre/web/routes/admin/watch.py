"""The watch over the house: the audit of staff, and messages that could not be delivered."""

from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from theatre.kit.routing import StrictRoute
from theatre.web.admin_book_schemas import Chain
from theatre.web.admin_lists import AUDIT, DEAD_MESSAGES
from theatre.web.desk import Act, CurrentDesk, Said
from theatre.web.resources import own_form

router = APIRouter(prefix="/admin", route_class=StrictRoute, include_in_schema=False)


@router.get("/audit")
async def show_audit(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show what staff did and looked at."""
    listed = await desk.list(AUDIT, request.query_params)
    return desk.show("audit.html", {"listed": listed, "chain": None, **said})


@router.get("/audit/verify")
async def verify_audit(desk: CurrentDesk, said: Said) -> Response:
    """Show whether every record is as it was written."""
    chain = await desk.read("/audit/verify", Chain)
    return desk.show("audit.html", {"listed": await desk.list(AUDIT, {}), "chain": chain, **said})


@router.get("/messages")
async def show_messages(desk: CurrentDesk, said: Said) -> Response:
    """Show messages that were put aside."""
    return desk.show("messages.html", {"listed": await desk.list(DEAD_MESSAGES, {}), **said})


@router.post("/messages/{message_id}/replay", dependencies=[Depends(own_form)])
async def replay(desk: CurrentDesk, message_id: UUID) -> Response:
    """Send a message on its way again."""
    act = Act(path=f"/messages/dead/{message_id}/replay")
    return await desk.act_and_return(act, back=DEAD_MESSAGES.path, note="message_replayed")
