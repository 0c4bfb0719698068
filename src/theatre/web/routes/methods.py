"""Saved ways to pay."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Response

from theatre.kit.fields import Word
from theatre.kit.routing import StrictRoute
from theatre.web import shop
from theatre.web.resources import CurrentVisit, House, User, own_form, see_other

METHODS = "/account/methods"

router = APIRouter(prefix=METHODS, route_class=StrictRoute, include_in_schema=False)


@router.get("")
async def show_methods(
    house: House, visit: CurrentVisit, user: User, *, note: Annotated[Word | None, Query()] = None
) -> Response:
    """Show the saved ways to pay, masked."""
    methods = await shop.list_methods(house.billing, user)
    return house.pages.render(visit, "methods.html", {"methods": methods, "note": note})


@router.post("/{method_id}/default", dependencies=[Depends(own_form)])
async def prefer(house: House, user: User, method_id: UUID, *, key: Annotated[Word, Form()]) -> Response:
    """Charge this one from now on."""
    await shop.prefer_method(house.billing, user, method_id, key=f"{key}-default")
    return see_other(METHODS, note="preferred")


@router.post("/{method_id}/remove", dependencies=[Depends(own_form)])
async def remove(house: House, user: User, method_id: UUID) -> Response:
    """Forget one: it is never charged again."""
    await shop.remove_method(house.billing, user, method_id)
    return see_other(METHODS, note="removed")
