"""Auth's tables."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from theatre.auth.devices import name_of
from theatre.kit import db
from theatre.kit.audit import AuditColumns
from theatre.kit.outbox import OutboxColumns

# the same order on every database, and one index for equal names and for beginnings of names
Key = Text(collation="C")


class EndReason(StrEnum):
    """Why a session was ended before its time."""

    LOGOUT = "logout"
    ENDED = "ended"
    TOKEN_REUSED = "token_reused"  # noqa: S105
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    BLOCKED = "blocked"
    ENDED_BY_STAFF = "ended_by_staff"
    RIGHTS_CHANGED = "rights_changed"


class LoginMethod(StrEnum):
    """How somebody tried to sign in."""

    PASSWORD = "password"  # noqa: S105


class LoginResult(StrEnum):
    """How a try to sign in ended. `throttled`: it was not looked at, after too many wrong ones."""

    SUCCEEDED = "succeeded"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105
    BLOCKED = "blocked"
    THROTTLED = "throttled"


class Base(DeclarativeBase):
    """Catalogue of schema `auth`."""

    metadata = db.metadata("auth")
    type_annotation_map = db.TYPES


class User(Base):
    """An account. The `_key` columns hold the folded names, by which they are unique and found."""

    __tablename__ = "user"
    __table_args__ = (
        CheckConstraint("locale IN ('ru', 'en')", name="locale"),
        CheckConstraint("position('@' in login_key) = 0", name="login_is_no_address"),
        CheckConstraint("position('@' in email_key) > 1", name="email_is_address"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    login: Mapped[str]
    login_key: Mapped[str] = mapped_column(Key, unique=True)
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(Key, unique=True)
    email_verified: Mapped[bool]
    password_hash: Mapped[str]
    locale: Mapped[str]
    is_superuser: Mapped[bool]
    is_active: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Role(Base):
    """A named set of permissions. One that `is_seeded` keeps its name and cannot be deleted."""

    __tablename__ = "role"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    is_seeded: Mapped[bool]
    created_at: Mapped[datetime]


class RolePermission(Base):
    """One permission of a role."""

    __tablename__ = "role_permission"

    role_id: Mapped[UUID] = mapped_column(ForeignKey(Role.id, ondelete="CASCADE"), primary_key=True)
    permission: Mapped[str] = mapped_column(primary_key=True)


class UserRole(Base):
    """A role given to a user."""

    __tablename__ = "user_role"
    __table_args__ = (Index(None, "role_id", "user_id"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    role_id: Mapped[UUID] = mapped_column(ForeignKey(Role.id, ondelete="CASCADE"), primary_key=True)


class UserSession(Base):
    """One login on one device, and the family of refresh tokens that grows from it.

    `generation` counts the refresh tokens; the last one alone holds. `rotated_at` and `access_jti` are
    those of the pair given last, which is made again from them for whoever lost the answer.
    """

    __tablename__ = "session"
    __table_args__ = (
        CheckConstraint("generation >= 1", name="generation"),
        CheckConstraint(
            "(revoked_at IS NULL) = (end_reason IS NULL) AND end_reason"
            " IN ('logout', 'ended', 'token_reused', 'password_changed', 'blocked', 'ended_by_staff',"
            " 'rights_changed')",
            name="end_reason",
        ),
        Index(None, "user_id", "address"),
        Index(None, "expires_at"),
        Index(None, "revoked_at", postgresql_where=text("revoked_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    generation: Mapped[int]
    access_jti: Mapped[UUID]
    address: Mapped[str]
    user_agent: Mapped[str]
    created_at: Mapped[datetime]
    rotated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]

    @property
    def device(self) -> str:
        """Name the device as its user knows it."""
        return name_of(self.user_agent)


class LoginAttempt(Base):
    """A try to log in; without a user where the name is nobody's."""

    __tablename__ = "login_attempt"
    __table_args__ = (
        CheckConstraint("method IN ('password')", name="method"),
        CheckConstraint("result IN ('succeeded', 'wrong_password', 'blocked', 'throttled')", name="result"),
        Index(None, "user_id", "id"),
        Index(None, "occurred_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    method: Mapped[str]
    result: Mapped[str]
    address: Mapped[str]
    user_agent: Mapped[str]
    occurred_at: Mapped[datetime]

    @property
    def succeeded(self) -> bool:
        """Tell whether it was let in."""
        return self.result == LoginResult.SUCCEEDED

    @property
    def device(self) -> str:
        """Name the device as its user knows it."""
        return name_of(self.user_agent)


class KnownDevice(Base):
    """A kind of device and a network from which a user has signed in before; `digest` is of both."""

    __tablename__ = "known_device"
    __table_args__ = (Index(None, "last_seen_at"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    last_seen_at: Mapped[datetime]


class Guesses(Base):
    """Passwords tried for one name since it was last right; `subject` is a digest, not the name."""

    __tablename__ = "guesses"
    __table_args__ = (CheckConstraint("count >= 0", name="count"), Index(None, "last_at"))

    subject: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    last_at: Mapped[datetime]
    next_at: Mapped[datetime]


class Notice(Base):
    """What a user is to be written about the account, to the address it concerns.

    With a link it has `expires_at`, and `used_at` when the link does not hold any more. Its token is not stored: it is
    made from the id again.
    """

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('verify_email', 'reset_password', 'email_changed', 'password_changed', 'session_stolen',"
            " 'new_device')",
            name="kind",
        ),
        CheckConstraint(
            "(kind IN ('verify_email', 'reset_password')) = (expires_at IS NOT NULL)", name="link_expires"
        ),
        CheckConstraint("used_at IS NULL OR expires_at IS NOT NULL", name="only_links_are_used"),
        Index(None, "user_id", "kind"),
        Index(None, "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    kind: Mapped[str]
    email: Mapped[str]
    address: Mapped[str | None]
    user_agent: Mapped[str | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class LinkRequest(Base):
    """Somebody asked for a link to an address, which may be nobody's: the door that takes it does not look."""

    __tablename__ = "link_request"
    __table_args__ = (CheckConstraint("kind IN ('verify_email', 'reset_password')", name="kind"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    email_key: Mapped[str]
    created_at: Mapped[datetime]


class AuditRecord(AuditColumns, Base):
    """What staff did here and looked at."""

    __tablename__ = "audit_record"


class OutboxMessage(OutboxColumns, Base):
    """Facts of auth waiting to be sent."""

    __tablename__ = "outbox_message"
