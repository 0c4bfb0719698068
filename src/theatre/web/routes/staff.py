"""What staff do: see everybody's payments and give money back."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Response

from theatre.kit.fields import Line, Word
from theatre.kit.routing import StrictRoute
from theatre.web import shop
from theatre.web.errors import Declined
from theatre.web.resources import CurrentVisit, House, User, own_form, see_other

ALL_PAYMENTS = "/admin/payments"

router = APIRouter(prefix="/admin", route_class=StrictRoute, include_in_schema=False)


@router.get("")
async def show_panel() -> Response:
    """Lead to the payments."""
    return see_other(ALL_PAYMENTS)


@router.get("/payments")
async def show_payments(
    house: House,
    visit: CurrentVisit,
    user: User,
    *,
    cursor: Annotated[Line | None, Query()] = None,
    note: Annotated[Word | None, Query()] = None,
    fault: Annotated[Word | None, Query()] = None,
) -> Response:
    """Show everybody's payments."""
    payments = await shop.list_all_payments(house.billing, user, cursor)
    given = {"payments": payments, "cursor": cursor, "note": note, "fault": fault}
    return house.pages.render(visit, "staff.html", given)


@router.post("/payments/{payment_id}/refund", dependencies=[Depends(own_form)])
async def refund(
    house: House,
    user: User,
    payment_id: UUID,
    *,
    key: Annotated[Word, Form()],
    reason: Annotated[Line, Form()],
) -> Response:
    """Give all that is left of a payment back."""
    try:
        refund = await shop.refund_as_staff(
            house.billing, user, payment_id=payment_id, reason=reason, key=f"{key}-refund"
        )
    except Declined as declined:
        return see_other(ALL_PAYMENTS, fault=declined.word)
    return see_other(ALL_PAYMENTS, note=f"refund_{refund.status}")
