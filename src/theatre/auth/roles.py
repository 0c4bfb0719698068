"""Roles of our staff and what each may do.

Rights are in tokens, so whoever loses some loses the sessions too, which every service knows within five seconds.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from theatre.auth.errors import RoleAlreadyExists, RoleNotFound, RoleSeeded
from theatre.auth.models import Role, RolePermission, User, UserRole
from theatre.auth.tokens import Holder
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.listing import Listing

STAFF_ROLES = {
    "support": ("auth.read", "billing.read", "billing.refund"),
    "finance": ("auth.read", "billing.read", "billing.refund", "billing.manage"),
    "content": ("movies.manage", "ugc.moderate"),
    "marketing": ("notification.manage",),
}


async def seed(session: Session, *, now: datetime) -> None:
    """Make the staff roles that are missing. A role that exists keeps what staff have made of it."""
    for name, permissions in STAFF_ROLES.items():
        await _insert(session, name, permissions, is_seeded=True, now=now)


async def _insert(
    session: Session, name: str, permissions: Collection[str], *, is_seeded: bool, now: datetime
) -> Role | None:
    row = {"id": new_id(), "name": name, "is_seeded": is_seeded, "created_at": now}
    made: Role | None = await session.scalar(
        insert(Role).values(row).on_conflict_do_nothing().returning(Role)
    )
    if made is not None:
        await _set_permissions(session, made.id, permissions)
    return made


async def _set_permissions(session: Session, role_id: UUID, permissions: Collection[str]) -> None:
    await session.execute(delete(RolePermission).where(RolePermission.role_id == role_id))
    rows = [{"role_id": role_id, "permission": permission} for permission in sorted(set(permissions))]
    if rows:
        await session.execute(insert(RolePermission).values(rows))


async def get_holder(session: Session, user: User) -> Holder:
    """Read what the tokens of a user say."""
    query = (
        select(func.array_agg(Role.name.distinct()), func.array_agg(RolePermission.permission.distinct()))
        .select_from(UserRole)
        .join(Role, Role.id == UserRole.role_id)
        .outerjoin(RolePermission, RolePermission.role_id == Role.id)
        .where(UserRole.user_id == user.id)
    )
    roles, permissions = (await session.execute(query)).one()
    named = sorted(permission for permission in permissions or () if permission)
    return Holder(user.id, user.is_superuser, sorted(roles or ()), named)


def find_all() -> Listing[Role]:
    """List the roles by name."""
    return Listing(select(Role), keys=(Role.name,), is_rising=True)


async def get_role(session: Session, role_id: UUID, *, lock: bool = False) -> Role:
    """Read a role.

    Raises:
        RoleNotFound
    """
    role = await session.get(Role, role_id, with_for_update=lock)
    if role is None:
        raise RoleNotFound
    return role


async def read_permissions(session: Session, role_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """Read what each of these roles may do."""
    query = (
        select(RolePermission).where(RolePermission.role_id.in_(role_ids)).order_by(RolePermission.permission)
    )
    found: defaultdict[UUID, list[str]] = defaultdict(list)
    for row in await session.scalars(query):
        found[row.role_id].append(row.permission)
    return found


async def read_roles(session: Session, user_ids: Collection[UUID]) -> dict[UUID, list[Role]]:
    """Read which roles each of these users has."""
    query = select(UserRole.user_id, Role).join(Role, Role.id == UserRole.role_id).order_by(Role.name)
    found: defaultdict[UUID, list[Role]] = defaultdict(list)
    for user_id, role in await session.execute(query.where(UserRole.user_id.in_(user_ids))):
        found[user_id].append(role)
    return found


async def create(session: Session, name: str, permissions: Collection[str], *, now: datetime) -> Role:
    """Make a role.

    Raises:
        RoleAlreadyExists
    """
    made = await _insert(session, name, permissions, is_seeded=False, now=now)
    if made is None:
        raise RoleAlreadyExists
    return made


async def rename(session: Session, role: Role, name: str) -> None:
    """Give a locked role another name.

    Raises:
        RoleSeeded, RoleAlreadyExists
    """
    if name == role.name:
        return
    if role.is_seeded:
        raise RoleSeeded
    if await session.scalar(select(Role.id).where(Role.name == name)):
        raise RoleAlreadyExists
    role.name = name
    await session.flush()


async def replace_permissions(session: Session, role: Role, permissions: Collection[str]) -> Sequence[UUID]:
    """Let a locked role permit these things and no others. Gives, and locks, the users who lose something by it."""
    before = (await read_permissions(session, [role.id])).get(role.id, [])
    await _set_permissions(session, role.id, permissions)
    return await lock_users_with(session, role.id) if set(before) - set(permissions) else []


async def lock_users_with(session: Session, role_id: UUID) -> Sequence[UUID]:
    """Lock the users who have a role, so that none of them signs in meanwhile; give their ids."""
    query = select(User.id).join(UserRole, UserRole.user_id == User.id).where(UserRole.role_id == role_id)
    return (await session.scalars(query.order_by(User.id).with_for_update(of=User))).all()


async def remove(session: Session, role: Role) -> Sequence[UUID]:
    """Delete a locked role. Gives, and locks, the users who had it.

    Raises:
        RoleSeeded
    """
    if role.is_seeded:
        raise RoleSeeded
    losers = await lock_users_with(session, role.id)
    await session.delete(role)
    await session.flush()
    return losers


async def grant(session: Session, *, user_id: UUID, role: str) -> None:
    """Give a user a role by name; once or twice is the same."""
    role_id = (await session.scalars(select(Role.id).where(Role.name == role))).one()
    await give(session, user_id, role_id)


async def give(session: Session, user_id: UUID, role_id: UUID) -> None:
    """Give a user a role; once or twice is the same. It is in the next access token."""
    await session.execute(insert(UserRole).values(user_id=user_id, role_id=role_id).on_conflict_do_nothing())


async def take(session: Session, user_id: UUID, role_id: UUID) -> bool:
    """Take a role from a user; tell whether the user had it."""
    had = (UserRole.user_id == user_id, UserRole.role_id == role_id)
    return await session.scalar(delete(UserRole).where(*had).returning(UserRole.role_id)) is not None
