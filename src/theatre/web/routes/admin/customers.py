"""Customers at a glance: money as billing has it, the account as auth has it; and plans of all of them."""

import asyncio
from uuid import UUID

from fastapi import APIRouter, Request, Response

from theatre.kit.routing import StrictRoute
from theatre.web import people
from theatre.web.admin_customer_schemas import Summary
from theatre.web.admin_lists import PAYMENTS, SUBSCRIPTIONS
from theatre.web.admin_payment_schemas import PaymentRow
from theatre.web.desk import CurrentDesk, Desk, Said
from theatre.web.listings import Listed
from theatre.web.panel import AUTH_READ, READ

router = APIRouter(prefix="/admin", route_class=StrictRoute, include_in_schema=False)


@router.get("/users")
async def show_users(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show the box that finds customers with all accounts; for who may not see these, those who bought last."""
    listed = await people.list_people(desk, request.query_params) if desk.visit.may(AUTH_READ) else None
    last = [] if listed or _is_only_of_auth(desk) else await _list_last_buyers(desk)
    return desk.show("users.html", {"listed": listed, "last": last, **said})


def _is_only_of_auth(desk: Desk) -> bool:
    return desk.visit.may(AUTH_READ) and not desk.visit.may(READ)


async def _list_last_buyers(desk: Desk) -> list[PaymentRow]:
    newest = (await desk.list(PAYMENTS, {})).items
    last = {payment.user_id: payment for payment in reversed(newest)}
    return list(reversed(last.values()))


@router.get("/users/{user_id}")
async def show_user(desk: CurrentDesk, said: Said, user_id: UUID) -> Response:
    """Show one customer: the account; money, plans, rights, disputes, cases and the newest payments."""
    (summary, payments), sight = await asyncio.gather(_read_money(desk, user_id), _look_at(desk, user_id))
    given = {"user_id": user_id, "summary": summary, "payments": payments, "sight": sight}
    return desk.show("user.html", {**given, **said})


async def _read_money(desk: Desk, user_id: UUID) -> tuple[Summary | None, Listed[PaymentRow] | None]:
    if _is_only_of_auth(desk):
        return None, None
    return await asyncio.gather(
        desk.read(f"/users/{user_id}/summary", Summary), desk.list(PAYMENTS, {"user_id": str(user_id)})
    )


async def _look_at(desk: Desk, user_id: UUID) -> people.Sight | None:
    return await people.look_at(desk, user_id) if desk.visit.may(AUTH_READ) else None


@router.get("/subscriptions")
async def show_subscriptions(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show plans of all users."""
    listed = await desk.list(SUBSCRIPTIONS, request.query_params)
    return desk.show("subscriptions.html", {"listed": listed, **said})
