"""Users' authorisations at wallets, in Redis and encrypted: whoever reads Redis learns nothing.

A lost token costs the user one more authorisation, so losing Redis loses no money.
"""

import base64
import hashlib
from collections.abc import Sequence
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from theatre.kit.cache import Cache
from theatre.kit.logging import get_logger

log = get_logger(__name__)


class Tokens:
    """Provider tokens by user. The newest secret encrypts, older ones still read.

    Raises, in every method:
        CacheAway: Redis does not answer.
    """

    def __init__(self, cache: Cache, secrets: Sequence[str]) -> None:
        self._cache = cache
        self._cipher = MultiFernet([Fernet(_key_of(secret)) for secret in secrets])

    async def put(self, provider: str, user_id: UUID, token: str, *, ttl_seconds: int) -> None:
        """Keep a user's token."""
        sealed = self._cipher.encrypt(token.encode())
        await self._cache.put(_place(provider, user_id), sealed, ttl_seconds=ttl_seconds)

    async def find(self, provider: str, user_id: UUID) -> str | None:
        """Give a user's token; None if there is none or its secret is gone."""
        sealed = await self._cache.get(_place(provider, user_id))
        if sealed is None:
            return None
        try:
            return self._cipher.decrypt(sealed).decode()
        except InvalidToken:
            log.warning("a provider token cannot be read with any secret we have", provider=provider)
            return None

    async def drop(self, provider: str, user_id: UUID) -> None:
        """Forget a user's token."""
        await self._cache.drop(_place(provider, user_id))


def _place(provider: str, user_id: UUID) -> str:
    return f"token:{provider}:{user_id}"


def _key_of(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest())
