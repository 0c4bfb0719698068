"""What the pages of the account read in the answers of other services; fields they do not show are left out."""

from datetime import datetime
from uuid import UUID

from theatre.web.schemas import Read


class DeviceSession(Read):
    """A device on which the user is signed in."""

    id: UUID
    address: str
    device: str
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
    device: str
    occurred_at: datetime


class LoginAttemptList(Read):
    """The latest of them."""

    items: list[LoginAttempt]


class Expiry(Read):
    """Until the end of which month a card is good."""

    month: int
    year: int


class PaymentMethod(Read):
    """A saved way to pay, masked."""

    id: UUID
    kind: str
    title: str
    expiry: Expiry | None = None
    is_default: bool
    is_usable: bool = True


class PaymentMethodList(Read):
    """The saved ways to pay of a user."""

    items: list[PaymentMethod]


class InboxItem(Read):
    """What the user was told; `link` is a path of ours."""

    id: UUID
    title: str
    text: str
    link: str
    created_at: datetime
    read_at: datetime | None = None


class Inbox(Read):
    """A page of it, and how much of the whole is unread."""

    items: list[InboxItem]
    next_cursor: str | None = None
    unread: int


class Unread(Read):
    """How much of the inbox is unread."""

    unread: int


class Channels(Read):
    """Whether a category comes by e-mail, too."""

    email: bool


class QuietHours(Read):
    """From when to when, by the clock of a zone, only what is critical is sent."""

    starts: str
    ends: str
    zone: str


class Preferences(Read):
    """What the user is told by e-mail; `critical` categories cannot be switched off."""

    channels: dict[str, Channels]
    quiet_hours: QuietHours | None = None
    critical: list[str]
