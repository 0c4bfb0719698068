"""A shared cache on Redis for state that may be lost: every reader can do without it.

Each command has half a second; what fails raises `CacheAway`, and the caller goes to the source of truth.
"""

from collections.abc import Awaitable
from typing import Any, Protocol

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from theatre.kit.errors import Transient
from theatre.kit.telemetry import call

COMMAND_TIMEOUT_SECONDS = 0.5
# what a span says of a command: keys hold ids, values hold anything
REDIS = {"db.system.name": "redis"}


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
        value = await self._ask("GET", self.redis.get(f"{self.prefix}:{key}"))
        return value.encode() if isinstance(value, str) else value

    async def take(self, key: str) -> bytes | None:
        """See `Cache`."""
        value = await self._ask("GETDEL", self.redis.getdel(f"{self.prefix}:{key}"))
        return value.encode() if isinstance(value, str) else value

    async def put(self, key: str, value: bytes, *, ttl_seconds: int) -> None:
        await self._ask("SET", self.redis.set(f"{self.prefix}:{key}", value, ex=ttl_seconds))

    async def drop(self, key: str) -> None:
        await self._ask("DEL", self.redis.delete(f"{self.prefix}:{key}"))

    async def ping(self) -> None:
        """Ask for a sign of life.

        Raises:
            CacheAway: none came.
        """
        await self._ask("PING", self.redis.ping())

    async def _ask(self, command: str, answer: Awaitable[Any]) -> Any:
        with call(command, REDIS):
            try:
                return await answer
            except (RedisError, OSError, TimeoutError) as error:
                raise CacheAway from error

    async def close(self) -> None:
        await self.redis.aclose()
