"""What auth's doors for staff take and give."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from theatre.auth.accounts import Card
from theatre.auth.models import Role, User
from theatre.auth.names import Locale
from theatre.auth.schemas import LoginAttemptAnswer, SessionAnswer
from theatre.kit.fields import Answer, Body, Line

RoleName = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_-]{1,62}$")]
PermissionWord = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=64)]
Permissions = Annotated[list[PermissionWord], Field(max_length=100)]


class RoleBody(Body):
    """A role to be."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "night-shift", "permissions": ["billing.read"]}]}
    )

    name: RoleName
    permissions: Permissions


class RoleChange(Body):
    """What is to change of a role; what is absent stays."""

    name: RoleName | None = None
    permissions: Permissions | None = None


class AccountChange(Body):
    """Block an account, or let it in again; the reason goes into the audit."""

    is_active: bool = Field(strict=True)
    reason: Line | None = None


class RoleMention(Answer):
    """A role by its name."""

    id: UUID
    name: str


class RoleAnswer(RoleMention):
    """A role with what it permits."""

    permissions: list[str]
    is_seeded: bool
    created_at: datetime

    @classmethod
    def of(cls, role: Role, permissions: list[str]) -> Self:
        return cls(
            id=role.id,
            name=role.name,
            permissions=permissions,
            is_seeded=role.is_seeded,
            created_at=role.created_at,
        )


class PermissionAnswer(Answer):
    """A permission, and what it is for, by language."""

    name: str
    description: dict[str, str]


class PermissionsAnswer(Answer):
    """All permissions."""

    items: list[PermissionAnswer]


class AccountLineAnswer(Answer):
    """An account in a list."""

    id: UUID
    login: str
    email: str
    email_verified: bool
    locale: Locale
    is_superuser: bool
    is_active: bool
    created_at: datetime
    roles: list[RoleMention]

    @classmethod
    def of(cls, user: User, roles: list[Role]) -> Self:
        shown = {name: getattr(user, name) for name in cls.model_fields if name != "roles"}
        return cls(**shown, roles=[RoleMention.model_validate(role) for role in roles])


class AccountAnswer(AccountLineAnswer):
    """An account as staff see it. `waits_until`: it is kept waiting for too many wrong passwords."""

    permissions: list[str]
    sessions: list[SessionAnswer]
    last_sign_in: LoginAttemptAnswer | None
    waits_until: datetime | None

    @classmethod
    def of_card(cls, card: Card) -> Self:
        line = AccountLineAnswer.of(card.user, card.roles)
        last = card.last_sign_in
        return cls(
            **dict(line),
            permissions=card.holder.permissions,
            sessions=[SessionAnswer.model_validate(row) for row in card.sessions],
            last_sign_in=None if last is None else LoginAttemptAnswer.model_validate(last),
            waits_until=card.waits_until,
        )


class AuditAnswer(Answer):
    """What a member of staff did or looked at."""

    number: int
    occurred_at: datetime
    actor_id: UUID
    action: str
    subject_kind: str
    subject_id: str | None
    reason: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str


class ChainAnswer(Answer):
    """Whether every record is as it was written: `broken_number` is the first that is missing or was changed."""

    length: int
    broken_number: int | None
