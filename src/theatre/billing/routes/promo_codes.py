"""Billing's doors for promo codes: what a purchase would cost, and for staff the codes themselves."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from theatre.billing import payments, promo_codes
from theatre.billing.audit import Act
from theatre.billing.payments import Purchase, Terms, Wish
from theatre.billing.promo_schemas import (
    PreviewAnswer,
    PromoCodeAnswer,
    PromoCodeChange,
    PromoCodeCreate,
)
from theatre.billing.routes.doors import Held, Locale, Money, guessing, own_id
from theatre.billing.schemas import CodeWord
from theatre.kit.access import Principal, User, having
from theatre.kit.db import InTransaction, transaction
from theatre.kit.pagination import PageAnswer, PageRequest, page_request
from theatre.kit.routing import StrictRoute

router = APIRouter(prefix="/billing/api/v1/promo_codes", tags=["billing"], route_class=StrictRoute)
staff = APIRouter(
    prefix="/billing/api/v1/admin/promo_codes", tags=["billing: staff"], route_class=StrictRoute
)

Reader = Annotated[Principal, Depends(having("billing.read"))]
Manager = Annotated[Principal, Depends(having("billing.manage"))]
PageWanted = Annotated[PageRequest, Depends(page_request)]


@router.get("/{code}/preview", summary="What a purchase would cost with a promo code")
async def preview(code: CodeWord, price_id: UUID, user: User, held: Held, locale: Locale) -> PreviewAnswer:
    purchase = Purchase([Wish(price_id, 1)], promo_code=code)
    terms = Terms(locale, held.settings, held.clock.now())
    async with guessing(held, own_id(user), code) as watch, transaction(held.sessions) as session:
        payment = await watch(payments.reckon(session, own_id(user), purchase, terms=terms))
    return PreviewAnswer.of(payment)


@staff.get("", summary="All promo codes, newest first")
async def list_promo_codes(
    _: Reader, session: InTransaction, page: PageWanted
) -> PageAnswer[PromoCodeAnswer]:
    found = await promo_codes.list_all(session, page)
    items = [PromoCodeAnswer.of(promo) for promo in found.items]
    return PageAnswer(items=items, next_cursor=found.next_cursor)


@staff.post("", status_code=201, response_model=PromoCodeAnswer, summary="Make a promo code")
async def create_promo_code(body: PromoCodeCreate, _: Manager, asked: Money) -> Response:
    now = asked.held.clock.now()
    act = act_of(asked.once.request, asked.user_id, "promo_code.create")
    return await asked.once.run(
        lambda session: promo_codes.create(session, body.wanted(now), act=act, now=now),
        answer=PromoCodeAnswer.of,
    )


@staff.get("/{promo_code_id}", summary="One promo code")
async def get_promo_code(promo_code_id: UUID, _: Reader, session: InTransaction) -> PromoCodeAnswer:
    return PromoCodeAnswer.of(await promo_codes.get(session, promo_code_id))


@staff.patch("/{promo_code_id}", summary="Switch a promo code on or off, move its end or its caps")
async def change_promo_code(
    promo_code_id: UUID,
    body: PromoCodeChange,
    manager: Manager,
    session: InTransaction,
    held: Held,
    request: Request,
) -> PromoCodeAnswer:
    act = act_of(request, own_id(manager), "promo_code.change")
    changes = body.model_dump(exclude_unset=True)
    promo = await promo_codes.change(session, promo_code_id, changes, act=act, now=held.clock.now())
    return PromoCodeAnswer.of(promo)


def act_of(request: Request, actor_id: UUID, action: str) -> Act:
    """Say who does what to a promo code, before it is known to which."""
    return Act(
        actor_id=actor_id,
        action=action,
        subject_kind="promo_code",
        subject_id=None,
        request_id=request.scope["request_id"],
    )
