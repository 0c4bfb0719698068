"""Roles of our staff and what each may do."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from theatre.auth.models import Role, RolePermission, User, UserRole
from theatre.auth.tokens import Holder
from theatre.kit.db import Session
from theatre.kit.ids import new_id

STAFF_ROLES = {
    "support": ("billing.read", "billing.refund"),
    "finance": ("billing.read", "billing.refund", "billing.manage"),
    "content": ("movies.manage", "ugc.moderate"),
    "marketing": ("notification.manage",),
}


async def seed(session: Session, *, now: datetime) -> None:
    """Make the staff roles that are missing. A role that exists keeps what staff have made of it."""
    for name, permissions in STAFF_ROLES.items():
        row = {"id": new_id(), "name": name, "created_at": now}
        made = await session.scalar(insert(Role).values(row).on_conflict_do_nothing().returning(Role.id))
        if made:
            session.add_all(RolePermission(role_id=made, permission=permission) for permission in permissions)


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


async def grant(session: Session, *, user_id: UUID, role: str) -> None:
    """Give a user a role by name; once or twice is the same."""
    role_id = (await session.scalars(select(Role.id).where(Role.name == role))).one()
    await session.execute(insert(UserRole).values(user_id=user_id, role_id=role_id).on_conflict_do_nothing())
