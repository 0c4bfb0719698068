"""Rate limits on Redis, shared by all processes; with Redis away each process counts for itself, never not at all."""

import math
import time
from typing import Protocol

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from theatre.kit.cache import COMMAND_TIMEOUT_SECONDS
from theatre.kit.errors import TooMany
from theatre.kit.logging import get_logger

log = get_logger(__name__)


class RateLimit(Protocol):
    """Counts what a caller does."""

    async def hit(self, rule: str, *identity: str) -> None: ...


class RedisRateLimit:
    """Counts in fixed windows. A rule is written "30/minute"; an identity is whoever is counted, and for what."""

    def __init__(self, url: str, *, prefix: str) -> None:
        self._pool = ConnectionPool.from_url(
            url, socket_timeout=COMMAND_TIMEOUT_SECONDS, socket_connect_timeout=COMMAND_TIMEOUT_SECONDS
        )
        storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=prefix,
            connection_pool=self._pool,  # type: ignore[arg-type]
        )
        self._shared = FixedWindowRateLimiter(storage)
        self._local = FixedWindowRateLimiter(MemoryStorage())
        self._rules: dict[str, RateLimitItem] = {}

    async def hit(self, rule: str, *identity: str) -> None:
        """Count one more.

        Raises:
            TooMany: over the limit; says when to come back.
        """
        item = self._rules.get(rule) or self._rules.setdefault(rule, parse(rule))
        limiter = self._shared
        try:
            allowed = await limiter.hit(item, *identity)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("rate limits are counted in this process alone", error=repr(error))
            limiter = self._local
            allowed = await limiter.hit(item, *identity)
        if not allowed:
            reset_at, _ = await limiter.get_window_stats(item, *identity)
            raise TooMany(max(1, math.ceil(reset_at - time.time())))

    async def close(self) -> None:
        await self._pool.aclose()
