"""Customers at a glance, and plans of all of them."""

import asyncio
from uuid import UUID

from fastapi import APIRouter, Request, Response

from theatre.kit.routing import StrictRoute
from theatre.web.admin_customer_schemas import Summary
from theatre.web.admin_lists import PAYMENTS, SUBSCRIPTIONS
from theatre.web.desk import CurrentDesk, Said

router = APIRouter(prefix="/admin", route_class=StrictRoute, include_in_schema=False)


@router.get("/users")
async def show_users(desk: CurrentDesk, said: Said) -> Response:
    """Show the box that finds customers, and those who bought last."""
    newest = (await desk.list(PAYMENTS, {})).items
    last = {payment.user_id: payment for payment in reversed(newest)}
    return desk.show("users.html", {"last": list(reversed(last.values())), **said})


@router.get("/users/{user_id}")
async def show_user(desk: CurrentDesk, said: Said, user_id: UUID) -> Response:
    """Show one customer: money, plans, rights, disputes, cases and the newest payments."""
    summary, payments = await asyncio.gather(
        desk.read(f"/users/{user_id}/summary", Summary), desk.list(PAYMENTS, {"user_id": str(user_id)})
    )
    return desk.show("user.html", {"summary": summary, "payments": payments, **said})


@router.get("/subscriptions")
async def show_subscriptions(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show plans of all users."""
    listed = await desk.list(SUBSCRIPTIONS, request.query_params)
    return desk.show("subscriptions.html", {"listed": listed, **said})
