"""What staff do to accounts and roles. Each checks that who does it may, and ends the sessions of who loses rights."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from theatre.auth import permissions as words
from theatre.auth import roles, throttle, user_sessions
from theatre.auth.errors import LastSuperuser, OwnAccount, UserNotFound
from theatre.auth.models import EndReason, Role, User
from theatre.auth.rights import check_may_give, check_may_touch
from theatre.auth.tokens import Holder
from theatre.kit.db import Session


async def lock_account(session: Session, actor: Holder, user_id: UUID) -> User:
    """Lock an account that somebody wants to act on.

    Raises:
        UserNotFound
        BeyondYourRights: it may do more than who acts.
    """
    user = await session.get(User, user_id, with_for_update=True)
    if user is None:
        raise UserNotFound
    check_may_touch(actor, await roles.get_holder(session, user))
    return user


async def block(session: Session, actor: Holder, user_id: UUID, *, now: datetime) -> bool:
    """Let nobody in by an account any more: sessions end, links do not hold. Tells whether anything changed.

    Raises:
        UserNotFound, BeyondYourRights
        OwnAccount, LastSuperuser
    """
    if user_id == actor.user_id:
        raise OwnAccount
    # all of them, in one order: two superusers who block each other wait for each other
    superusers = select(User.id).where(User.is_superuser, User.is_active).order_by(User.id).with_for_update()
    active = set((await session.scalars(superusers)).all())
    user = await lock_account(session, actor, user_id)
    if user.is_superuser and not active - {user_id}:
        raise LastSuperuser
    was_active, user.is_active = user.is_active, False
    if was_active:
        user.updated_at = now
        await user_sessions.revoke_all(session, user_id, reason=EndReason.BLOCKED, now=now)
    return was_active


async def unblock(session: Session, actor: Holder, user_id: UUID, *, now: datetime) -> bool:
    """Let somebody in again. Tells whether anything changed.

    Raises:
        UserNotFound, BeyondYourRights
    """
    user = await lock_account(session, actor, user_id)
    was_active, user.is_active = user.is_active, True
    if not was_active:
        user.updated_at = now
    return not was_active


async def unlock(session: Session, actor: Holder, user_id: UUID) -> None:
    """Forget the wrong tries by which an account is kept waiting.

    Raises:
        UserNotFound, BeyondYourRights
    """
    await throttle.forget_user(session, await lock_account(session, actor, user_id))


async def end_sessions(session: Session, actor: Holder, user_id: UUID, *, now: datetime) -> None:
    """End all sessions of a user.

    Raises:
        UserNotFound, BeyondYourRights
    """
    await lock_account(session, actor, user_id)
    await user_sessions.revoke_all(session, user_id, reason=EndReason.ENDED_BY_STAFF, now=now)


async def end_session(
    session: Session, actor: Holder, user_id: UUID, *, session_id: UUID, now: datetime
) -> None:
    """End one session of a user.

    Raises:
        UserNotFound, BeyondYourRights, SessionNotFound
    """
    await lock_account(session, actor, user_id)
    row = await user_sessions.get_live(session, user_id, session_id, now=now)
    user_sessions.revoke(session, row, reason=EndReason.ENDED_BY_STAFF, now=now)


async def give_role(session: Session, actor: Holder, user_id: UUID, *, role_id: UUID) -> Role:
    """Give a user a role; once or twice is the same.

    Raises:
        UserNotFound, RoleNotFound
        BeyondYourRights: the role or the user may do more than who gives it.
    """
    await lock_account(session, actor, user_id)
    role = await roles.get_role(session, role_id)
    check_may_give(actor, (await roles.read_permissions(session, [role_id])).get(role_id, ()))
    await roles.give(session, user_id, role_id)
    return role


async def take_role(session: Session, actor: Holder, user_id: UUID, *, role_id: UUID, now: datetime) -> Role:
    """Take a role from a user, whose sessions end if rights go with it.

    Raises:
        UserNotFound, RoleNotFound, BeyondYourRights
    """
    user = await lock_account(session, actor, user_id)
    role = await roles.get_role(session, role_id)
    before = await roles.get_holder(session, user)
    await roles.take(session, user_id, role_id)
    after = await roles.get_holder(session, user)
    if set(before.permissions) - set(after.permissions):
        await user_sessions.revoke_all(session, user_id, reason=EndReason.RIGHTS_CHANGED, now=now)
    return role


async def create_role(
    session: Session, actor: Holder, name: str, *, permissions: Collection[str], now: datetime
) -> Role:
    """Make a role.

    Raises:
        UnknownPermission, BeyondYourRights, RoleAlreadyExists
    """
    words.refuse_unknown(permissions)
    check_may_give(actor, permissions)
    return await roles.create(session, name, permissions, now=now)


async def change_role(
    session: Session,
    actor: Holder,
    role_id: UUID,
    *,
    name: str | None,
    permissions: Collection[str] | None,
    now: datetime,
) -> Role:
    """Change a role; None stays as it is. The sessions end of who loses rights by it.

    Raises:
        RoleNotFound, RoleSeeded, RoleAlreadyExists, UnknownPermission
        BeyondYourRights: it may, or shall, do more than who changes it.
    """
    role = await lock_role(session, actor, role_id)
    if name is not None:
        await roles.rename(session, role, name)
    if permissions is not None:
        words.refuse_unknown(permissions)
        check_may_give(actor, permissions)
        losers = await roles.replace_permissions(session, role, permissions)
        await user_sessions.revoke_many(session, losers, reason=EndReason.RIGHTS_CHANGED, now=now)
    return role


async def delete_role(session: Session, actor: Holder, role_id: UUID, *, now: datetime) -> None:
    """Delete a role; the sessions end of who had it.

    Raises:
        RoleNotFound, RoleSeeded, BeyondYourRights
    """
    losers = await roles.remove(session, await lock_role(session, actor, role_id))
    await user_sessions.revoke_many(session, losers, reason=EndReason.RIGHTS_CHANGED, now=now)


async def lock_role(session: Session, actor: Holder, role_id: UUID) -> Role:
    """Lock a role that somebody wants to change.

    Raises:
        RoleNotFound
        BeyondYourRights: it may do more than who changes it.
    """
    role = await roles.get_role(session, role_id, lock=True)
    check_may_give(actor, (await roles.read_permissions(session, [role_id])).get(role_id, ()))
    return role
