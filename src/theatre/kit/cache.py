"""A shared cache on Redis for state that may be lost: every reader can do without it.

Each command has half a second; what fails raises `CacheAway`, and the caller goes to the source of truth.
"""

from typing import Protocol

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from theatre.kit.errors import Transient

COMMAND_TIMEOUT_SECONDS = 0.5


class CacheAway(Transient):
    """The cache did not answer in time; nothing that matters is lost."""

    code = "kit.cache_away"


class Cache(Protocol):
    """Bytes by key, each with a life time."""

    async def get(self, key: str) -> bytes | None: ...

    async def take(self, key: str) -> bytes | None:
        """Give a value and forget it: of several who take, one gets it."""

    async def put(self, key: str, value: bytes, *, ttl_seconds: int) -> None: ...

    async def drop(self, key: str) -> None: ...


class RedisCache:
    """The cache port on Redis; keys begin with the service's name."""

    def __init__(self, url: str, *, prefix: str) -> None:
        self.prefix = prefix
        self.redis = Redis.from_url(
            url,
            socket_timeout=COMMAND_TIMEOUT_SECONDS,
            socket_connect_timeout=COMMAND_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )

    async def get(self, key: str) -> bytes | None:
        try:
            value = await self.redis.get(f"{self.prefix}:{key}")
        except (RedisError, OSError, TimeoutError) as error:
            raise CacheAway from error
        return value.encode() if isinstance(value, str) else value

    async def take(self, key: str) -> bytes | None:
        """See `Cache`."""
        try:
            value = await self.redis.getdel(f"{self.prefix}:{key}")
        except (RedisError, OSError, TimeoutError) as error:
            raise CacheAway from error
        return value.encode() if isinstance(value, str) else value

    async def put(self, key: str, value: bytes, *, ttl_seconds: int) -> None:
        try:
            await self.redis.set(f"{self.prefix}:{key}", value, ex=ttl_seconds)
        except (RedisError, OSError, TimeoutError) as error:
            raise CacheAway from error

    async def drop(self, key: str) -> None:
        try:
            await self.redis.delete(f"{self.prefix}:{key}")
        except (RedisError, OSError, TimeoutError) as error:
            raise CacheAway from error

    async def ping(self) -> None:
        """Ask for a sign of life.

        Raises:
            CacheAway: none came.
        """
        try:
            await self.redis.ping()
        except (RedisError, OSError, TimeoutError) as error:
            raise CacheAway from error

    async def close(self) -> None:
        await self.redis.aclose()
