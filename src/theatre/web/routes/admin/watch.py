"""The watch over the house: the audit of staff, and messages that could not be delivered."""

from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from theatre.kit.routing import StrictRoute
from theatre.web.admin_book_schemas import Chain
from theatre.web.admin_lists import AUDIT, DEAD_MESSAGES
from theatre.web.desk import Act, CurrentDesk, Said, go_to
from theatre.web.panel import AUTH_MANAGE, MANAGE
from theatre.web.people_lists import ACCOUNT_AUDIT
from theatre.web.resources import own_form
from theatre.web.staff_doors import AUTH

router = APIRouter(prefix="/admin", route_class=StrictRoute, include_in_schema=False)


@router.get("/audit")
async def show_audit(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show what staff did with money and looked at; who may see only what is done to accounts goes there."""
    if desk.visit.may(AUTH_MANAGE) and not desk.visit.may(MANAGE):
        return go_to(ACCOUNT_AUDIT.path)
    listed = await desk.list(AUDIT, request.query_params)
    return desk.show("audit.html", {"listed": listed, "chain": None, **said})


@router.get("/audit/verify")
async def verify_audit(desk: CurrentDesk, said: Said) -> Response:
    """Show whether every record is as it was written."""
    chain = await desk.read("/audit/verify", Chain)
    return desk.show("audit.html", {"listed": await desk.list(AUDIT, {}), "chain": chain, **said})


@router.get("/audit/accounts")
async def show_account_audit(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show what staff did to accounts and roles and looked at."""
    listed = await desk.list(ACCOUNT_AUDIT, request.query_params)
    return desk.show("audit.html", {"listed": listed, "chain": None, **said})


@router.get("/audit/accounts/verify")
async def verify_account_audit(desk: CurrentDesk, said: Said) -> Response:
    """Show whether every record about accounts is as it was written."""
    chain = await desk.read("/audit/verify", Chain, doors=AUTH)
    return desk.show("audit.html", {"listed": await desk.list(ACCOUNT_AUDIT, {}), "chain": chain, **said})


@router.get("/messages")
async def show_messages(desk: CurrentDesk, said: Said) -> Response:
    """Show messages that were put aside."""
    return desk.show("messages.html", {"listed": await desk.list(DEAD_MESSAGES, {}), **said})


@router.post("/messages/{message_id}/replay", dependencies=[Depends(own_form)])
async def replay(desk: CurrentDesk, message_id: UUID) -> Response:
    """Send a message on its way again."""
    act = Act(path=f"/messages/dead/{message_id}/replay")
    return await desk.act_and_return(act, back=DEAD_MESSAGES.path, note="message_replayed")
