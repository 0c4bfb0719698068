"""Who may do what to whom among staff, looked up as it is now and not as it was when a token was made."""

from collections.abc import Collection

from theatre.auth import user_sessions
from theatre.auth.errors import BeyondYourRights
from theatre.auth.roles import get_holder
from theatre.auth.tokens import Holder
from theatre.kit.access import Principal
from theatre.kit.db import Session
from theatre.kit.errors import Forbidden


async def get_live(session: Session, principal: Principal, permission: str) -> Holder:
    """Read what a caller holds at this moment.

    Raises:
        Unauthenticated: the session has ended or the account is blocked.
        Forbidden: the permission was taken away.
    """
    holder = await get_holder(session, await user_sessions.get_owner(session, principal))
    if not holder.is_superuser and permission not in holder.permissions:
        raise Forbidden(f"This needs the permission {permission}.")
    return holder


def check_may_give(actor: Holder, permissions: Collection[str]) -> None:
    """Let nobody hand out what they do not hold.

    Raises:
        BeyondYourRights
    """
    if not actor.is_superuser and not set(permissions) <= set(actor.permissions):
        raise BeyondYourRights


def check_may_touch(actor: Holder, target: Holder) -> None:
    """Let nobody act on an account that may do more than theirs.

    Raises:
        BeyondYourRights
    """
    if target.is_superuser and not actor.is_superuser:
        raise BeyondYourRights
    check_may_give(actor, target.permissions)
