"""People and roles as the admin panel reads them at auth's doors for staff."""

from datetime import datetime
from uuid import UUID

from theatre.web.account_schemas import DeviceSession, LoginAttempt
from theatre.web.schemas import Read


class RoleMention(Read):
    """A role by its name."""

    id: UUID
    name: str


class Role(RoleMention):
    """A role with what it permits; a seeded one keeps its name and stays."""

    permissions: list[str]
    is_seeded: bool


class Permission(Read):
    """Something that can be permitted, and what it is for, by language."""

    name: str
    description: dict[str, str]


class PermissionList(Read):
    """All of them."""

    items: list[Permission]


class PersonLine(Read):
    """Somebody's account in a list."""

    id: UUID
    login: str
    email: str
    email_verified: bool
    is_superuser: bool
    is_active: bool
    created_at: datetime
    roles: list[RoleMention]

    @property
    def state(self) -> str:
        """Whether the account lets anybody in."""
        return "active" if self.is_active else "blocked"


class StaffLoginAttempt(LoginAttempt):
    """A try to sign in, and how it ended."""

    result: str


class Person(PersonLine):
    """Somebody's account; `waits_until`: it is kept waiting for too many wrong passwords."""

    sessions: list[DeviceSession]
    last_sign_in: StaffLoginAttempt | None
    waits_until: datetime | None
