"""Links that come by mail: a new password, a verified address. Opening one changes nothing: its page asks first."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Response

from theatre.kit.fields import Line, Word
from theatre.kit.routing import StrictRoute
from theatre.web import accounts
from theatre.web.errors import Declined
from theatre.web.resources import CurrentVisit, House, own_form, see_other
from theatre.web.routes.security import Password

MAX_TOKEN = 512

Token = Annotated[str, Query(min_length=1, max_length=MAX_TOKEN)]
FormToken = Annotated[str, Form(min_length=1, max_length=MAX_TOKEN)]

router = APIRouter(route_class=StrictRoute, include_in_schema=False)


@router.get("/forgot")
async def show_forgot(
    house: House, visit: CurrentVisit, *, note: Annotated[Word | None, Query()] = None
) -> Response:
    """Show the form that asks for a link, or say that one is on its way."""
    return house.pages.render(visit, "forgot.html", {"is_sent": note == "sent"})


@router.post("/forgot", dependencies=[Depends(own_form)])
async def forgot(house: House, visit: CurrentVisit, *, email: Annotated[Line, Form()]) -> Response:
    """Have a link sent, if the address is anybody's."""
    try:
        await accounts.forget_password(house.auth, visit.headers, email)
    except Declined as declined:
        given = {"is_sent": False, "email": email, "declined": declined}
        return house.pages.render(visit, "forgot.html", given, status=400)
    return see_other("/forgot", note="sent")


@router.get("/reset")
async def show_reset(house: House, visit: CurrentVisit, *, token: Token) -> Response:
    """Show the form that sets a new password."""
    return house.pages.render(visit, "reset.html", {"token": token})


@router.post("/reset", dependencies=[Depends(own_form)])
async def reset(house: House, visit: CurrentVisit, *, token: FormToken, password: Password) -> Response:
    """Set a new password, then ask to sign in with it."""
    try:
        await accounts.reset_password(house.auth, visit.headers, token=token, password=password)
    except Declined as declined:
        return house.pages.render(visit, "reset.html", {"token": token, "declined": declined}, status=400)
    visit.sign_out()
    return see_other("/signin", note="password_set")


@router.get("/verify")
async def show_verify(house: House, visit: CurrentVisit, *, token: Token) -> Response:
    """Ask whether the address is to be verified."""
    return house.pages.render(visit, "verify.html", {"token": token, "is_done": False})


@router.post("/verify", dependencies=[Depends(own_form)])
async def verify(house: House, visit: CurrentVisit, *, token: FormToken) -> Response:
    """Verify the address."""
    try:
        await accounts.verify_email(house.auth, visit.headers, token)
    except Declined as declined:
        given = {"token": token, "is_done": False, "declined": declined}
        return house.pages.render(visit, "verify.html", given, status=400)
    return house.pages.render(visit, "verify.html", {"is_done": True})
