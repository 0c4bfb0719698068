"""Joining, signing in and signing out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Response

from theatre.kit.fields import Line, Word
from theatre.kit.routing import StrictRoute
from theatre.web import sessions
from theatre.web.errors import Declined
from theatre.web.resources import CurrentVisit, House, own_form, see_other
from theatre.web.visits import own_path

AFTER_JOINING = "/plans"
AFTER_SIGNING_IN = "/account"

router = APIRouter(route_class=StrictRoute, include_in_schema=False)


@router.get("/signup")
async def show_sign_up(
    house: House, visit: CurrentVisit, *, next_path: Annotated[Line, Query(alias="next")] = AFTER_JOINING
) -> Response:
    """Show the form that opens an account."""
    if visit.has_session:
        return see_other(own_path(next_path))
    return house.pages.render(visit, "signup.html", {"next_path": own_path(next_path)})


@router.post("/signup", dependencies=[Depends(own_form)])
async def sign_up(
    house: House,
    visit: CurrentVisit,
    *,
    login: Annotated[Line, Form()],
    email: Annotated[Line, Form()],
    password: Annotated[Line, Form()],
    next_path: Annotated[Line, Form(alias="next")] = AFTER_JOINING,
) -> Response:
    """Open an account and sign in."""
    try:
        await sessions.join(visit, house.auth, login=login, email=email, password=password)
    except Declined as declined:
        given = {"next_path": own_path(next_path), "login": login, "email": email, "declined": declined}
        return house.pages.render(visit, "signup.html", given, status=400)
    return see_other(own_path(next_path))


@router.get("/signin")
async def show_sign_in(
    house: House,
    visit: CurrentVisit,
    *,
    next_path: Annotated[Line, Query(alias="next")] = AFTER_SIGNING_IN,
    note: Annotated[Word | None, Query()] = None,
) -> Response:
    """Show the form that starts a session."""
    if visit.has_session:
        return see_other(own_path(next_path))
    return house.pages.render(visit, "signin.html", {"next_path": own_path(next_path), "note": note})


@router.post("/signin", dependencies=[Depends(own_form)])
async def sign_in(
    house: House,
    visit: CurrentVisit,
    *,
    login: Annotated[Line, Form()],
    password: Annotated[Line, Form()],
    next_path: Annotated[Line, Form(alias="next")] = AFTER_SIGNING_IN,
) -> Response:
    """Start a session."""
    try:
        await sessions.start(visit, house.auth, login=login, password=password)
    except Declined as declined:
        given = {"next_path": own_path(next_path), "login": login, "declined": declined}
        return house.pages.render(visit, "signin.html", given, status=400)
    return see_other(own_path(next_path))


@router.post("/signout", dependencies=[Depends(own_form)])
async def sign_out(house: House, visit: CurrentVisit) -> Response:
    """End the session."""
    await sessions.end(visit, house.auth, house.clock)
    return see_other("/")
