"""Accounts: found, blocked and let in again, signed out, given roles."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from pydantic import StringConstraints

from theatre.kit.fields import Line, Storable
from theatre.kit.routing import StrictRoute
from theatre.web import people
from theatre.web.desk import Act, CurrentDesk, Said, go_to
from theatre.web.errors import Declined
from theatre.web.people_lists import PEOPLE, logins_of
from theatre.web.resources import own_form
from theatre.web.staff_doors import AUTH

Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), Storable, Form()
]
Cursor = Annotated[str, Form(max_length=512)]

router = APIRouter(prefix="/admin/users", route_class=StrictRoute, include_in_schema=False)


@router.post("/find", dependencies=[Depends(own_form)])
async def find_people(desk: CurrentDesk, *, word: Annotated[Line, Form()], cursor: Cursor = "") -> Response:
    """Go to the one whom a word means, or show all whom it may mean. The word never stands in an address."""
    try:
        found = await people.search(desk, word.strip(), cursor)
    except Declined as declined:
        return go_to(PEOPLE.path, fault=declined.word)
    if not found.items:
        return go_to(PEOPLE.path, fault="admin.nobody_found")
    if len(found.items) == 1 and not cursor:
        return go_to(f"{PEOPLE.path}/{found.items[0].id}")
    return desk.show("found.html", {"found": found, "word": word})


@router.get("/{user_id}/logins")
async def show_logins(desk: CurrentDesk, said: Said, request: Request, user_id: UUID) -> Response:
    """Show all tries to sign in as somebody."""
    listed = await desk.list(logins_of(user_id), request.query_params)
    return desk.show("logins.html", {"listed": listed, "user_id": user_id, **said})


@router.post("/{user_id}/block", dependencies=[Depends(own_form)])
async def block(desk: CurrentDesk, user_id: UUID, *, reason: Reason) -> Response:
    """Let nobody in by an account any more."""
    return await people.act_on(
        desk, user_id, _change(user_id, reason, is_active=False), note="person_blocked"
    )


@router.post("/{user_id}/unblock", dependencies=[Depends(own_form)])
async def unblock(desk: CurrentDesk, user_id: UUID, *, reason: Reason) -> Response:
    """Let somebody in again."""
    return await people.act_on(
        desk, user_id, _change(user_id, reason, is_active=True), note="person_unblocked"
    )


def _change(user_id: UUID, reason: str, *, is_active: bool) -> Act:
    body = {"is_active": is_active, "reason": reason}
    return Act(method="PATCH", path=f"/users/{user_id}", body=body, doors=AUTH)


@router.post("/{user_id}/unlock", dependencies=[Depends(own_form)])
async def unlock(desk: CurrentDesk, user_id: UUID) -> Response:
    """Forget the wrong passwords for which somebody is kept waiting."""
    act = Act(method="DELETE", path=f"/users/{user_id}/throttle", doors=AUTH)
    return await people.act_on(desk, user_id, act, note="person_unlocked")


@router.post("/{user_id}/sessions/end", dependencies=[Depends(own_form)])
async def end_sessions(desk: CurrentDesk, user_id: UUID) -> Response:
    """Sign somebody out everywhere."""
    act = Act(method="DELETE", path=f"/users/{user_id}/sessions", doors=AUTH)
    return await people.act_on(desk, user_id, act, note="sessions_ended")


@router.post("/{user_id}/sessions/{session_id}/end", dependencies=[Depends(own_form)])
async def end_session(desk: CurrentDesk, user_id: UUID, session_id: UUID) -> Response:
    """Sign somebody out on one device."""
    act = Act(method="DELETE", path=f"/users/{user_id}/sessions/{session_id}", doors=AUTH)
    return await people.act_on(desk, user_id, act, note="sessions_ended")


@router.post("/{user_id}/roles", dependencies=[Depends(own_form)])
async def give_role(desk: CurrentDesk, user_id: UUID, *, role_id: Annotated[UUID, Form()]) -> Response:
    """Give somebody a role."""
    act = Act(method="PUT", path=f"/users/{user_id}/roles/{role_id}", doors=AUTH)
    return await people.act_on(desk, user_id, act, note="role_given")


@router.post("/{user_id}/roles/{role_id}/take", dependencies=[Depends(own_form)])
async def take_role(desk: CurrentDesk, user_id: UUID, role_id: UUID) -> Response:
    """Take a role from somebody."""
    act = Act(method="DELETE", path=f"/users/{user_id}/roles/{role_id}", doors=AUTH)
    return await people.act_on(desk, user_id, act, note="role_taken")
