"""What the pages of the account read in the answers of auth; fields they do not show are left out."""

from datetime import datetime
from uuid import UUID

from theatre.web.schemas import Read


class DeviceSession(Read):
    """A device on which the user is signed in."""

    id: UUID
    address: str
    user_agent: str
    created_at: datetime
    last_used_at: datetime
    is_current: bool


class DeviceSessionList(Read):
    """A page of them."""

    items: list[DeviceSession]
    next_cursor: str | None = None


class LoginAttempt(Read):
    """A try to sign in as the user."""

    succeeded: bool
    address: str
    user_agent: str
    occurred_at: datetime


class LoginAttemptList(Read):
    """The latest of them."""

    items: list[LoginAttempt]
