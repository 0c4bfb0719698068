"""Doors of a signed-in user: account, devices, history."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from theatre.auth import login_history, user_sessions, users
from theatre.auth.models import EndReason, LoginAttempt
from theatre.auth.models import User as Account
from theatre.auth.resources import Given
from theatre.auth.schemas import LoginAttemptAnswer, SessionAnswer, UserAnswer, UserChange
from theatre.contracts.auth import PUBLIC
from theatre.kit.access import User
from theatre.kit.db import InTransaction
from theatre.kit.pagination import Page, PageAnswer, PageRequest, page_request
from theatre.kit.routing import StrictRoute

router = APIRouter(prefix=f"{PUBLIC}/users/me", tags=["me"], route_class=StrictRoute)

Paging = Annotated[PageRequest, Depends(page_request)]


@router.get("", response_model=UserAnswer, summary="Who I am")
async def read_me(session: InTransaction, user: User) -> Account:
    return await user_sessions.get_owner(session, user)


@router.patch(
    "",
    response_model=UserAnswer,
    summary="Change my account",
    description=(
        "`auth.wrong_password` (403) when login, e-mail or password are to change without the right current "
        "one; `auth.name_taken` (409); `auth.weak_password` (422). A new password ends every other session; a new "
        "e-mail is unverified, is sent a link, and the old address is told."
    ),
)
async def change_me(body: UserChange, resources: Given, user: User) -> Account:
    changes = users.Changes(login=body.login, email=body.email, password=body.password, locale=body.locale)
    return await users.change(resources, user, changes, current_password=body.current_password)


@router.get("/login_history", response_model=PageAnswer[LoginAttemptAnswer], summary="Tries to sign in as me")
async def list_login_attempts(session: InTransaction, user: User, page: Paging) -> Page[LoginAttempt]:
    owner = await user_sessions.get_owner(session, user)
    return await login_history.list_own(session, owner.id, page)


@router.get("/sessions", summary="Where I am signed in")
async def list_sessions(
    session: InTransaction, resources: Given, user: User, *, page: Paging
) -> PageAnswer[SessionAnswer]:
    owner = await user_sessions.get_owner(session, user)
    live = await user_sessions.list_live(session, owner.id, page, now=resources.now())
    items = [SessionAnswer.model_validate(row) for row in live.items]
    marked = [item.model_copy(update={"is_current": item.id == user.session_id}) for item in items]
    return PageAnswer(items=marked, next_cursor=live.next_cursor)


@router.delete(
    "/sessions",
    status_code=204,
    summary="Sign out everywhere, also here unless `keep_current` says otherwise",
)
async def end_sessions(
    session: InTransaction, resources: Given, user: User, *, keep_current: bool = False
) -> None:
    owner = await user_sessions.get_owner(session, user)
    kept = user.session_id if keep_current else None
    await user_sessions.revoke_all(session, owner.id, reason=EndReason.ENDED, now=resources.now(), kept=kept)


@router.delete("/sessions/{session_id}", status_code=204, summary="Sign out on one device")
async def end_session(session_id: UUID, session: InTransaction, resources: Given, *, user: User) -> None:
    await user_sessions.get_owner(session, user)
    await user_sessions.revoke_one(session, user, session_id, now=resources.now())
