"""Rate limits on Redis, shared by all processes; with Redis away each process counts for itself, never not at all."""

import math
import time
from typing import Protocol

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from theatre.kit.cache import COMMAND_TIMEOUT_SECONDS, REDIS
from theatre.kit.errors import TooMany
from theatre.kit.logging import get_logger
from theatre.kit.telemetry import call

log = get_logger(__name__)

TOLD_PART = 100
MAX_IDENTITIES = 100_000


class RateLimit(Protocol):
    """Counts what a caller does."""

    async def hit(self, rule: str, *identity: str) -> None: ...

    async def check(self, rule: str, *identity: str) -> None: ...


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
        self._untold: dict[tuple[RateLimitItem, tuple[str, ...]], int] = {}

    async def hit(self, rule: str, *identity: str) -> None:
        """Count one more. Of a wide limit a process tells Redis a hundredth at a time, and may let that much more in.

        Raises:
            TooMany: over the limit; says when to come back.
        """
        item = self._item(rule)
        step = max(item.amount // TOLD_PART, 1)
        untold = self._untold.pop((item, identity), 0) + 1
        if untold >= step:
            await self._tell(item, identity, untold)
        else:
            self._keep_untold(item, identity, untold)

    async def check(self, rule: str, *identity: str) -> None:
        """See that one more would be within the limit, without counting it.

        Raises:
            TooMany: it would not; says when to come back.
        """
        item = self._item(rule)
        limiter = self._shared
        try:
            with call("EVALSHA", REDIS):
                allowed = await limiter.test(item, *identity)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("rate limits are counted in this process alone", error=repr(error))
            limiter = self._local
            allowed = await limiter.test(item, *identity)
        if not allowed:
            raise await _too_many(limiter, item, identity)

    def _item(self, rule: str) -> RateLimitItem:
        return self._rules.get(rule) or self._rules.setdefault(rule, parse(rule))

    async def _tell(self, item: RateLimitItem, identity: tuple[str, ...], number: int) -> None:
        limiter = self._shared
        try:
            with call("EVALSHA", REDIS):
                allowed = await limiter.hit(item, *identity, cost=number)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("rate limits are counted in this process alone", error=repr(error))
            limiter = self._local
            allowed = await limiter.hit(item, *identity, cost=number)
        if not allowed:
            self._keep_untold(item, identity, number - 1)
            raise await _too_many(limiter, item, identity)

    def _keep_untold(self, item: RateLimitItem, identity: tuple[str, ...], number: int) -> None:
        # those who left are never told of: forgetting all at times gives each of the others a hundredth more
        if len(self._untold) >= MAX_IDENTITIES:
            self._untold.clear()
        if number:
            self._untold[item, identity] = number

    async def close(self) -> None:
        await self._pool.aclose()


async def _too_many(
    limiter: FixedWindowRateLimiter, item: RateLimitItem, identity: tuple[str, ...]
) -> TooMany:
    reset_at, _ = await limiter.get_window_stats(item, *identity)
    return TooMany(max(1, math.ceil(reset_at - time.time())))
