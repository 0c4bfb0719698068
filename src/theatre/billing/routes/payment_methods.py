"""Billing's doors for users' saved ways to pay."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from theatre.billing import payment_methods
from theatre.billing.routes.doors import Held, own_id
from theatre.billing.schemas import PaymentMethodAnswer
from theatre.kit.access import User
from theatre.kit.db import InTransaction
from theatre.kit.pagination import PageAnswer, PageRequest, page_request
from theatre.kit.routing import StrictRoute

router = APIRouter(prefix="/billing/api/v1/payment_methods", tags=["billing"], route_class=StrictRoute)


@router.get("", summary="One's own saved ways to pay, newest first")
async def list_methods(
    session: InTransaction, user: User, page: Annotated[PageRequest, Depends(page_request)]
) -> PageAnswer[PaymentMethodAnswer]:
    found = await payment_methods.list_own(session, own_id(user), page)
    items = [PaymentMethodAnswer.of(method) for method in found.items]
    return PageAnswer(items=items, next_cursor=found.next_cursor)


@router.get("/{method_id}", summary="One of one's own saved ways to pay")
async def get_method(method_id: UUID, session: InTransaction, user: User) -> PaymentMethodAnswer:
    return PaymentMethodAnswer.of(await payment_methods.get(session, own_id(user), method_id))


@router.delete("/{method_id}", status_code=HTTPStatus.NO_CONTENT, summary="Never be charged by it again")
async def remove_method(method_id: UUID, session: InTransaction, user: User, held: Held) -> None:
    await payment_methods.remove(session, own_id(user), method_id, now=held.clock.now())


@router.post("/{method_id}/default", summary="Have renewals charged to it")
async def make_default(
    method_id: UUID, session: InTransaction, user: User, held: Held
) -> PaymentMethodAnswer:
    now = held.clock.now()
    return PaymentMethodAnswer.of(
        await payment_methods.make_default(session, own_id(user), method_id, now=now)
    )
