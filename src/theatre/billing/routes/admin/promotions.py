"""Promo codes: made, read, switched off, and their ends and caps moved."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from theatre.billing import promo_codes
from theatre.billing.routes.doors import Money
from theatre.billing.routes.staff import Manager, Reader, Wanted
from theatre.billing.schemas.promo_codes import PromoCodeAnswer, PromoCodeChange, PromoCodeCreate
from theatre.kit.db import InTransaction
from theatre.kit.fields import Line
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.kit.sheets import IN_OPENAPI

router = APIRouter(
    prefix="/billing/api/v1/admin/promo_codes", tags=["billing: staff"], route_class=StrictRoute
)


@router.get(
    "",
    response_model=PageAnswer[PromoCodeAnswer],
    responses=IN_OPENAPI,
    summary="All promo codes, newest first",
)
async def list_promo_codes(
    staff: Reader,
    wanted: Wanted,
    is_active: bool | None = None,
    code: Annotated[Line | None, Query()] = None,
) -> Response | PageAnswer[PromoCodeAnswer]:
    listing = promo_codes.find(is_active=is_active, code=code)
    return await wanted.give(staff, "promo_codes", listing, PromoCodeAnswer.of)


@router.post("", status_code=201, response_model=PromoCodeAnswer, summary="Make a promo code")
async def create_promo_code(body: PromoCodeCreate, staff: Manager, asked: Money) -> Response:
    act, now = staff.act("promo_code.create"), staff.now
    return await asked.once.run(
        lambda session: promo_codes.create(session, body.wanted(now), act=act, now=now),
        answer=PromoCodeAnswer.of,
    )


@router.get("/{promo_code_id}", summary="One promo code")
async def get_promo_code(promo_code_id: UUID, _: Reader, session: InTransaction) -> PromoCodeAnswer:
    return PromoCodeAnswer.of(await promo_codes.get(session, promo_code_id))


@router.patch("/{promo_code_id}", summary="Switch a promo code on or off, move its end or its caps")
async def change_promo_code(
    promo_code_id: UUID, body: PromoCodeChange, staff: Manager, session: InTransaction
) -> PromoCodeAnswer:
    changes = body.model_dump(exclude_unset=True)
    act = staff.act("promo_code.change")
    promo = await promo_codes.change(session, promo_code_id, changes, act=act, now=staff.now)
    return PromoCodeAnswer.of(promo)
