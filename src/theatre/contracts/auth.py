"""What auth promises to other services: keys, revocations, service tokens, contact data, and the facts it tells."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ConfigDict

from theatre.kit.access import Access, Keys, Revocations
from theatre.kit.clock import Clock
from theatre.kit.events import Event
from theatre.kit.http import HttpClient, ServiceClient, ServiceToken
from theatre.kit.settings import ServiceSettings

PUBLIC = "/auth/api/v1"
INTERNAL = "/auth/internal/v1"


class UserRegistered(Event):
    """An account was made."""

    key: ClassVar[str] = "auth.user.registered"

    user_id: UUID
    login: str
    locale: str


class SessionRevoked(Event):
    """A session was ended before its time.

    `reason` is `logout`, `ended` (from another device), `token_reused` (somebody may have stolen it),
    `password_changed`, or what staff did: `blocked`, `ended_by_staff`, `rights_changed`.
    """

    key: ClassVar[str] = "auth.session.revoked"

    session_id: UUID
    user_id: UUID
    reason: str


class NoticeKind(StrEnum):
    """What a user is written about the account; the first two carry a link."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105
    EMAIL_CHANGED = "email_changed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    SESSION_STOLEN = "session_stolen"
    NEW_DEVICE = "new_device"


class NoticeRequested(Event):
    """A user is to be written about the account.

    To which address and with which link is asked of auth when the mail is written (`AuthClient.notice`): neither is
    for a queue.
    """

    key: ClassVar[str] = "auth.notice.requested"

    notice_id: UUID
    user_id: UUID
    kind: NoticeKind


class _KeySet(BaseModel):
    keys: list[dict[str, Any]]


class RevocationsAnswer(BaseModel):
    """Sessions ended since a moment whose access tokens may still be alive; ask again from `until`."""

    model_config = ConfigDict(frozen=True)

    session_ids: list[UUID]
    until: datetime


class Contact(BaseModel):
    """Where and in which language to write to a user."""

    model_config = ConfigDict(frozen=True)

    user_id: UUID
    login: str
    email: str
    locale: str
    is_active: bool


class NoticeAnswer(BaseModel):
    """What stands in a notice: `contact` is where it goes, `path` the page of web that its link opens, with a token."""

    model_config = ConfigDict(frozen=True)

    kind: NoticeKind
    contact: Contact
    occurred_at: datetime
    path: str | None
    life_minutes: int | None
    device: str | None
    address: str | None


class Reader(BaseModel):
    """Somebody who may be written to."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    locale: str


class ReadersAnswer(BaseModel):
    """Active accounts in the order of their ids: ask again from the last; fewer than were asked for are the last."""

    model_config = ConfigDict(frozen=True)

    items: list[Reader]


class CountAnswer(BaseModel):
    """How many there are."""

    model_config = ConfigDict(frozen=True)

    count: int


class FoundUsers(BaseModel):
    """Whom a login, an e-mail address or an id belongs to: at most a few, nobody if it is no one's."""

    model_config = ConfigDict(frozen=True)

    user_ids: list[UUID]


class AuthClient:
    """Auth's public keys and internal doors, as other services call them."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def keys(self) -> Keys:
        """Read the public keys (JWKS)."""
        return (await self._client.get(f"{PUBLIC}/.well-known/jwks.json", _KeySet)).keys

    async def revocations(self, since: datetime | None) -> Revocations:
        """Read the sessions ended since a moment (None: all that still matter)."""
        params = {"since": since.isoformat()} if since else None
        answer = await self._client.get(f"{INTERNAL}/revocations", RevocationsAnswer, params=params)
        return Revocations(frozenset(answer.session_ids), answer.until)

    async def contact(self, user_id: UUID) -> Contact:
        """Read where to write to a user.

        Raises:
            Unknown, Refused: 404 where there is no such user.
        """
        return await self._client.get(f"{INTERNAL}/users/{user_id}/contact", Contact)

    async def notice(self, notice_id: UUID) -> NoticeAnswer:
        """Read what to write in a notice; for notification alone.

        Raises:
            Unknown, Refused: 404 where there is nothing to write any more.
        """
        return await self._client.get(f"{INTERNAL}/notices/{notice_id}", NoticeAnswer)

    async def list_users(self, *, after: UUID | None, limit: int) -> list[Reader]:
        """List active accounts in the order of their ids, from one on; fewer than `limit` are the last.

        Raises:
            Unknown, Refused
        """
        params = {"limit": str(limit)} | ({"after": str(after)} if after else {})
        return (await self._client.get(f"{INTERNAL}/users", ReadersAnswer, params=params)).items

    async def count_users(self) -> int:
        """Count active accounts.

        Raises:
            Unknown, Refused
        """
        return (await self._client.get(f"{INTERNAL}/users/count", CountAnswer)).count

    async def find_users(self, query: str) -> list[UUID]:
        """Find whose login, e-mail address or id a word is, in any letter case; who they are stays with auth.

        Raises:
            Unknown, Refused
        """
        params = {"query": query}
        return (await self._client.get(f"{INTERNAL}/users/find", FoundUsers, params=params)).user_ids

    async def close(self) -> None:
        await self._client.close()


def service_token(settings: ServiceSettings, transport: httpx.AsyncBaseTransport | None) -> ServiceToken:
    """Make the source of a service's own token."""
    http = HttpClient(base_url=settings.auth_url, transport=transport, follow_redirects=False)
    return ServiceToken(
        http, url=f"{PUBLIC}/token", client_id=settings.service, secret=settings.service_secret
    )


def open_access(settings: ServiceSettings, auth: AuthClient, clock: Clock) -> Access:
    """Make the verifier of access tokens for a service; run it inside `access.following()`."""
    return Access(
        issuer=settings.token_issuer, clock=clock, fetch_keys=auth.keys, fetch_revocations=auth.revocations
    )
