"""Who can get into the account: sessions, tries to sign in, password, names."""

import asyncio
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Response

from theatre.kit.fields import Line, Word
from theatre.kit.routing import StrictRoute
from theatre.web import accounts
from theatre.web.errors import Declined
from theatre.web.resources import CurrentVisit, House, User, own_form, see_other
from theatre.web.upstream import Headers

SECURITY = "/account/security"
MAX_PASSWORD = 512

Password = Annotated[str, Form(min_length=1, max_length=MAX_PASSWORD)]

router = APIRouter(prefix=SECURITY, route_class=StrictRoute, include_in_schema=False)


async def show(
    house: House,
    visit: CurrentVisit,
    user: Headers,
    *,
    cursor: str | None = None,
    note: str | None = None,
    declined: Declined | None = None,
    form: str = "",
) -> Response:
    """Show everything about who can get in; `declined` is said at the `form` that it was about."""
    me, devices, attempts = await asyncio.gather(
        accounts.get_me(house.auth, user),
        accounts.list_sessions(house.auth, user, cursor),
        accounts.list_login_attempts(house.auth, user),
    )
    given = {
        "me": me,
        "devices": devices,
        "attempts": attempts,
        "note": note,
        "declined": declined,
        "form": form,
    }
    return house.pages.render(visit, "security.html", given, status=400 if declined else 200)


@router.get("")
async def show_security(
    house: House,
    visit: CurrentVisit,
    user: User,
    *,
    cursor: Annotated[Line | None, Query()] = None,
    note: Annotated[Word | None, Query()] = None,
) -> Response:
    """Show devices, tries to sign in, and the forms that change how one signs in."""
    return await show(house, visit, user, cursor=cursor, note=note)


@router.post("/password", dependencies=[Depends(own_form)])
async def change_password(
    house: House, visit: CurrentVisit, user: User, *, current_password: Password, password: Password
) -> Response:
    """Change the password: all other devices are signed out, this one goes on."""
    try:
        await accounts.change_me(house.auth, user, current_password=current_password, password=password)
    except Declined as declined:
        return await show(house, visit, user, declined=declined, form="password")
    return see_other(SECURITY, note="password_changed")


@router.post("/name", dependencies=[Depends(own_form)])
async def change_name(
    house: House,
    visit: CurrentVisit,
    user: User,
    *,
    field: Annotated[Literal["login", "email"], Form()],
    value: Annotated[Line, Form()],
    current_password: Password,
) -> Response:
    """Change the login or the e-mail address."""
    try:
        await accounts.change_me(house.auth, user, current_password=current_password, **{field: value})
    except Declined as declined:
        return await show(house, visit, user, declined=declined, form=field)
    return see_other(SECURITY, note=f"{field}_changed")


@router.post("/verify", dependencies=[Depends(own_form)])
async def ask_verification(house: House, user: User) -> Response:
    """Have a link sent that verifies the address."""
    me = await accounts.get_me(house.auth, user)
    await accounts.ask_verification(house.auth, user, me.email)
    return see_other(SECURITY, note="link_sent")


@router.post("/sessions/{session_id}/end", dependencies=[Depends(own_form)])
async def end_session(house: House, user: User, session_id: UUID) -> Response:
    """Sign out on one device."""
    await accounts.end_session(house.auth, user, session_id)
    return see_other(SECURITY, note="session_ended")


@router.post("/sessions/end_others", dependencies=[Depends(own_form)])
async def end_other_sessions(house: House, user: User) -> Response:
    """Sign out everywhere else."""
    await accounts.end_sessions(house.auth, user, keep_current=True)
    return see_other(SECURITY, note="others_ended")


@router.post("/sessions/end", dependencies=[Depends(own_form)])
async def end_sessions(house: House, visit: CurrentVisit, user: User) -> Response:
    """Sign out everywhere, also here."""
    await accounts.end_sessions(house.auth, user)
    visit.sign_out()
    return see_other("/signin", next=SECURITY)
