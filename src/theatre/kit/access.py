"""Who calls and what they may do: tokens are verified here, with auth's public keys, without a call per request.

A revoked session is refused within `REVOCATION_POLL_SECONDS` plus the time of one call, what a withdrawn key signed
within `KEYS_REFETCH_SECONDS`; with auth away the last known lists go on being used. Tokens live 15 minutes at most.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import jwt
from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from theatre.kit.clock import Clock
from theatre.kit.errors import Forbidden, Problem, Transient, Unauthenticated
from theatre.kit.http import Refused
from theatre.kit.logging import get_logger

log = get_logger(__name__)

ALGORITHM = "EdDSA"
AUDIENCE_USERS = "theatre"
AUDIENCE_SERVICES = "theatre-internal"
REVOCATION_POLL_SECONDS = 2.0
KEYS_MIN_REFETCH_SECONDS = 5.0
KEYS_REFETCH_SECONDS = 300.0
MAX_CACHED_TOKENS = 10_000
MAX_TOKEN_CHARACTERS = 4_096
LEEWAY_SECONDS = 30
MAX_TOKEN_SECONDS = 20 * 60
REQUIRED_CLAIMS = ["sub", "jti", "iat", "exp", "iss", "aud"]

Keys: TypeAlias = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: a user in a session, or (`service` set) one of our own services."""

    user_id: UUID | None
    session_id: UUID | None
    permissions: frozenset[str]
    is_superuser: bool
    expires_at: float
    service: str | None = None

    def may(self, permission: str) -> bool:
        """Tell whether this caller has a permission; a superuser has all."""
        return self.is_superuser or permission in self.permissions


@dataclass(frozen=True, slots=True)
class Revocations:
    """Sessions revoked since a moment, and the moment to ask from next time."""

    session_ids: frozenset[UUID]
    until: datetime


class Access:
    """Verifies access tokens; keeps the keys, the verified tokens and the revoked sessions."""

    def __init__(
        self,
        *,
        issuer: str,
        clock: Clock,
        fetch_keys: Callable[[], Awaitable[Keys]],
        fetch_revocations: Callable[[datetime | None], Awaitable[Revocations]],
    ) -> None:
        self._issuer = issuer
        self._clock = clock
        self._fetch_keys = fetch_keys
        self._fetch_revocations = fetch_revocations
        self._keys: dict[str, Any] = {}
        self._keys_fetched_at = -KEYS_MIN_REFETCH_SECONDS
        self._keys_lock = asyncio.Lock()
        self._verified: OrderedDict[str, Principal] = OrderedDict()
        self._revoked: dict[UUID, float] = {}

    async def verify(self, token: str) -> Principal:
        """Tell who a token stands for.

        Raises:
            Unauthenticated: it does not hold: form, signature, time, issuer, audience, or its session was ended.
            Transient: auth's keys are not known yet and auth does not answer.
        """
        principal = self._verified.get(token)
        if principal is None:
            principal = await self._verify_afresh(token)
            self._verified[token] = principal
            if len(self._verified) > MAX_CACHED_TOKENS:
                self._verified.popitem(last=False)
        if principal.expires_at <= self._clock.now().timestamp():
            self._verified.pop(token, None)
            raise Unauthenticated("The token has expired.")
        if principal.session_id in self._revoked:
            raise Unauthenticated("The session has ended.")
        return principal

    async def _verify_afresh(self, token: str) -> Principal:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise Unauthenticated("The token does not hold.")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != ALGORITHM or header.get("typ", "JWT") != "JWT" or "crit" in header:
                raise Unauthenticated("The token does not hold.")
            claims = jwt.decode(
                token,
                await self._key(str(header.get("kid", ""))),
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=[AUDIENCE_USERS, AUDIENCE_SERVICES],
                options={
                    "require": REQUIRED_CLAIMS,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            return self._in_time(claims)
        except (jwt.InvalidTokenError, ValueError, TypeError, KeyError) as error:
            raise Unauthenticated("The token does not hold.") from error

    def _in_time(self, claims: dict[str, Any]) -> Principal:
        # by our clock port, which the library knows nothing of
        latest = self._clock.now().timestamp() + LEEWAY_SECONDS
        if not isinstance(claims["iat"], int) or max(claims["iat"], claims.get("nbf", 0)) > latest:
            raise Unauthenticated("The token does not hold yet.")
        return principal_of(claims)

    async def _key(self, kid: str) -> Any:
        if kid not in self._keys:
            await self._refetch_keys()
        if kid not in self._keys:
            raise Unauthenticated("The token does not hold.")
        return self._keys[kid]

    async def _refetch_keys(self) -> None:
        async with self._keys_lock:
            if time.monotonic() - self._keys_fetched_at < KEYS_MIN_REFETCH_SECONDS:
                return
            try:
                keys = await self._fetch_keys()
                fresh = {str(key["kid"]): jwt.PyJWK(key, algorithm=ALGORITHM).key for key in keys}
            except (Refused, KeyError, jwt.PyJWTError) as error:
                # a quarrel between services is no fault of who asks
                raise Transient from error
            if any(fresh.get(kid) != key for kid, key in self._keys.items()):
                # what a withdrawn key signed is verified anew, and does not hold
                self._verified.clear()
            self._keys = fresh
            self._keys_fetched_at = time.monotonic()

    async def _renew_keys(self) -> None:
        if not self._keys or time.monotonic() - self._keys_fetched_at < KEYS_REFETCH_SECONDS:
            return
        await self._refetch_keys()

    @asynccontextmanager
    async def following(self) -> AsyncIterator["Access"]:
        """Keep the list of revoked sessions and the keys fresh while the block runs."""
        task = asyncio.create_task(self._follow(), name="revocations")
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _follow(self) -> None:
        since: datetime | None = None
        while True:
            try:
                revocations = await self._fetch_revocations(since)
                since = revocations.until
                self._note(revocations.session_ids)
                await self._renew_keys()
            # a refusal too (auth half started, our secret not yet known to it): giving up would let the ended in
            except Problem as error:
                log.warning("revocations or keys not refreshed", error=repr(error))
            await asyncio.sleep(REVOCATION_POLL_SECONDS)

    def _note(self, session_ids: frozenset[UUID]) -> None:
        now = time.monotonic()
        self._revoked.update(dict.fromkeys(session_ids, now))
        # tokens of a session that ended so long ago have expired
        for session_id in [known for known, at in self._revoked.items() if now - at > MAX_TOKEN_SECONDS]:
            del self._revoked[session_id]


def principal_of(claims: dict[str, Any]) -> Principal:
    """Read the claims of a verified token.

    Raises:
        KeyError, ValueError, TypeError: a claim is missing or malformed.
    """
    if claims["aud"] == AUDIENCE_SERVICES:
        return Principal(None, None, frozenset(), False, float(claims["exp"]), service=str(claims["sub"]))
    return Principal(
        user_id=UUID(claims["sub"]),
        session_id=UUID(claims["sid"]),
        permissions=frozenset(claims["permissions"]),
        is_superuser=claims["is_superuser"] is True,
        expires_at=float(claims["exp"]),
    )


class TokenDoor(SecurityBase):
    """A route dependency that tells who sent a request; one level deep, since every request pays for each."""

    scheme_name = "access token"

    def __init__(self) -> None:
        self.model = HTTPBearer(description="Access token of auth")

    async def __call__(self, request: Request) -> Principal:
        """Verify the request's token.

        Raises:
            Unauthenticated: no token, several, or one that does not hold.
            Forbidden: known, but this door is not for them.
        """
        given = request.headers.getlist("authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated
        access: Access = request.app.state.resources.access
        principal = await access.verify(token.strip())
        self.check(principal)
        return principal

    def check(self, principal: Principal) -> None:
        """Let in or raise Forbidden."""


class UserDoor(TokenDoor):
    """Lets users in, not services; with a permission, only those who have it."""

    def __init__(self, permission: str | None = None) -> None:
        super().__init__()
        self.permission = permission

    def check(self, principal: Principal) -> None:
        if principal.user_id is None:
            raise Forbidden("This door is for users.")
        if self.permission is not None and not principal.may(self.permission):
            raise Forbidden(f"This needs the permission {self.permission}.")


class ServiceDoor(TokenDoor):
    """Lets our own services in, not users."""

    def check(self, principal: Principal) -> None:
        if principal.service is None:
            raise Forbidden("This door is for services.")


def having(permission: str) -> UserDoor:
    """Make the dependency that lets in users with a permission."""
    return UserDoor(permission)


User: TypeAlias = Annotated[Principal, Depends(UserDoor())]
CallingService: TypeAlias = Annotated[Principal, Depends(ServiceDoor())]
