"""Doors by which staff find users, see them, block them and give them roles."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from theatre.auth import accounts, login_history, roles, staff
from theatre.auth.models import LoginAttempt
from theatre.auth.routes.staff import Manager, Paging, Reader
from theatre.auth.schemas import LoginAttemptAnswer
from theatre.auth.staff_schemas import AccountAnswer, AccountChange, AccountLineAnswer
from theatre.auth.users import get_user
from theatre.contracts.auth import PUBLIC
from theatre.kit.fields import Line, Word
from theatre.kit.pagination import Page, PageAnswer
from theatre.kit.routing import StrictRoute

router = APIRouter(prefix=f"{PUBLIC}/users", tags=["staff: users"], route_class=StrictRoute)

RIGHTS = "`auth.beyond_your_rights` (403) where the account may do more than who asks."


@router.get(
    "",
    summary="Find users",
    description=(
        "Needs `auth.read`. `q` is an id, or how a login or an e-mail address begins, in any letter case: then in the "
        "order of these names, else the newest first. `role` is the name of one."
    ),
)
async def list_users(
    by: Reader,
    page: Paging,
    q: Annotated[Line | None, Query()] = None,
    is_active: bool | None = None,
    role: Annotated[Word | None, Query()] = None,
) -> PageAnswer[AccountLineAnswer]:
    found = await accounts.search(by.session, accounts.Wanted(q=q, is_active=is_active, role=role), page)
    held = await roles.read_roles(by.session, [user.id for user in found.items])
    items = [AccountLineAnswer.of(user, held.get(user.id, [])) for user in found.items]
    return PageAnswer(items=items, next_cursor=found.next_cursor)


@router.get(
    "/{user_id}",
    summary="One user, with roles, sessions and the last sign-in",
    description="Needs `auth.read`; that somebody looked is written down.",
)
async def read_user(user_id: UUID, by: Reader) -> AccountAnswer:
    card = await accounts.get_card(by.session, user_id, now=by.now)
    await by.record("user.read", user_id)
    return AccountAnswer.of_card(card)


@router.get(
    "/{user_id}/login_history",
    response_model=PageAnswer[LoginAttemptAnswer],
    summary="Tries to sign in as this user",
    description="Needs `auth.read`.",
)
async def list_login_attempts(user_id: UUID, by: Reader, page: Paging) -> Page[LoginAttempt]:
    await get_user(by.session, user_id)
    return await login_history.list_own(by.session, user_id, page)


@router.patch(
    "/{user_id}",
    summary="Block a user, or let one in again",
    description=(
        f"Needs `auth.manage`. A block ends all sessions. {RIGHTS} `auth.own_account`, `auth.last_superuser` (409)."
    ),
)
async def change_user(user_id: UUID, body: AccountChange, by: Manager) -> AccountAnswer:
    verb = staff.unblock if body.is_active else staff.block
    is_changed = await verb(by.session, by.holder, user_id, now=by.now)
    card = await accounts.get_card(by.session, user_id, now=by.now)
    if is_changed:
        before, after = {"is_active": not body.is_active}, {"is_active": body.is_active}
        action = "user.unblock" if body.is_active else "user.block"
        await by.record(action, user_id, reason=body.reason, before=before, after=after)
    return AccountAnswer.of_card(card)


@router.delete(
    "/{user_id}/throttle",
    status_code=204,
    summary="Forget the wrong passwords for which a user is kept waiting",
    description=f"Needs `auth.manage`. {RIGHTS}",
)
async def unlock_user(user_id: UUID, by: Manager) -> None:
    await staff.unlock(by.session, by.holder, user_id)
    await by.record("user.unlock", user_id)


@router.delete(
    "/{user_id}/sessions",
    status_code=204,
    summary="Sign a user out everywhere",
    description=f"Needs `auth.manage`. {RIGHTS}",
)
async def end_sessions(user_id: UUID, by: Manager) -> None:
    await staff.end_sessions(by.session, by.holder, user_id, now=by.now)
    await by.record("user.end_sessions", user_id)


@router.delete(
    "/{user_id}/sessions/{session_id}",
    status_code=204,
    summary="Sign a user out on one device",
    description=f"Needs `auth.manage`. {RIGHTS}",
)
async def end_session(user_id: UUID, session_id: UUID, by: Manager) -> None:
    await staff.end_session(by.session, by.holder, user_id, session_id=session_id, now=by.now)
    await by.record("user.end_session", user_id, before={"session_id": session_id})


@router.put(
    "/{user_id}/roles/{role_id}",
    status_code=204,
    summary="Give a user a role",
    description=f"Needs `auth.manage`, and all that the role permits. {RIGHTS} In effect from the next refresh on.",
)
async def give_role(user_id: UUID, role_id: UUID, by: Manager) -> None:
    role = await staff.give_role(by.session, by.holder, user_id, role_id=role_id)
    await by.record("user.give_role", user_id, after={"role": role.name})


@router.delete(
    "/{user_id}/roles/{role_id}",
    status_code=204,
    summary="Take a role from a user",
    description=f"Needs `auth.manage`. {RIGHTS} If rights go with it, all sessions of the user end.",
)
async def take_role(user_id: UUID, role_id: UUID, by: Manager) -> None:
    role = await staff.take_role(by.session, by.holder, user_id, role_id=role_id, now=by.now)
    await by.record("user.take_role", user_id, before={"role": role.name})
