"""The two tokens of a session, and those of our own services.

A refresh token is `session, generation, HMAC of both`: nothing of it is stored, and the pair that was given
for it can be made again. The token of a link by mail is likewise `notice, HMAC of it and of what the link is for`.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from theatre.auth.keys import Keyring
from theatre.auth.settings import AuthSettings
from theatre.contracts.auth import NoticeKind
from theatre.kit.access import AUDIENCE_SERVICES, AUDIENCE_USERS
from theatre.kit.ids import new_id

ID_BYTES = 16
GENERATION_BYTES = 4
REFRESH = b"refresh"


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a login and a refresh give."""

    access_token: str
    refresh_token: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class Holder:
    """What an access token says of its user."""

    user_id: UUID
    is_superuser: bool
    roles: list[str]
    permissions: list[str]


@dataclass(frozen=True, slots=True)
class Issue:
    """What tells one pair of a session from the next."""

    session_id: UUID
    generation: int
    access_jti: UUID
    issued_at: datetime


class RefreshClaim(NamedTuple):
    """What a refresh token says."""

    session_id: UUID
    generation: int


class Mint:
    """Makes tokens."""

    def __init__(self, settings: AuthSettings, keyring: Keyring) -> None:
        self._issuer = settings.token_issuer
        self._ttl_seconds = settings.access_ttl_seconds
        self._keyring = keyring

    def make_pair(self, issue: Issue, holder: Holder) -> TokenPair:
        """Make the pair of one issue; asked again, it makes the same."""
        access = self._sign(
            issue.issued_at,
            issue.access_jti,
            sub=str(holder.user_id),
            sid=str(issue.session_id),
            aud=AUDIENCE_USERS,
            roles=holder.roles,
            permissions=holder.permissions,
            is_superuser=holder.is_superuser,
        )
        return TokenPair(access, self._refresh_token(issue.session_id, issue.generation), self._ttl_seconds)

    def make_service_token(self, service: str, *, now: datetime) -> tuple[str, int]:
        """Make the token of one of our own services; gives it and its life in seconds."""
        return self._sign(now, new_id(), sub=service, aud=AUDIENCE_SERVICES), self._ttl_seconds

    def read_refresh_token(self, token: str) -> RefreshClaim | None:
        """Read a refresh token that we made; anything else gives None."""
        body = self._open(token, ID_BYTES + GENERATION_BYTES, REFRESH)
        if body is None:
            return None
        return RefreshClaim(UUID(bytes=body[:ID_BYTES]), int.from_bytes(body[ID_BYTES:]))

    def make_link_token(self, notice_id: UUID, kind: NoticeKind) -> str:
        """Make the token of a notice's link, which holds for this kind alone; asked again, it makes the same."""
        return self._close(notice_id.bytes, f"link {kind}".encode())

    def read_link_token(self, token: str, kind: NoticeKind) -> UUID | None:
        """Read the token of a link of this kind that we made; anything else gives None."""
        body = self._open(token, ID_BYTES, f"link {kind}".encode())
        return None if body is None else UUID(bytes=body)

    def _sign(self, issued_at: datetime, jti: UUID, **claims: object) -> str:
        iat = int(issued_at.timestamp())
        times = {"iat": iat, "exp": iat + self._ttl_seconds}
        return self._keyring.sign({**claims, **times, "jti": str(jti), "iss": self._issuer})

    def _refresh_token(self, session_id: UUID, generation: int) -> str:
        body = session_id.bytes + generation.to_bytes(GENERATION_BYTES)
        return self._close(body, REFRESH)

    def _close(self, body: bytes, purpose: bytes) -> str:
        return base64.urlsafe_b64encode(body + self._seal(body, purpose)).decode().rstrip("=")

    def _open(self, token: str, size: int, purpose: bytes) -> bytes | None:
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        body, seal = raw[:size], raw[size:]
        return body if hmac.compare_digest(seal, self._seal(body, purpose)) else None

    def _seal(self, body: bytes, purpose: bytes) -> bytes:
        return hmac.digest(self._keyring.refresh_secret, purpose + body, hashlib.sha256)
