"""Rate limits on Redis, shared by all processes; with Redis away each process counts for itself, never not at all."""

import math
import time
from typing import Protocol

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter

from theatre.kit.errors import TooMany
from theatre.kit.logging import get_logger

log = get_logger(__name__)


class RateLimit(Protocol):
    """Counts what a caller does."""

    async def hit(self, rule: str, *identity: str) -> None: ...


class RedisRateLimit:
    """Counts in fixed windows. A rule is written "30/minute"; an identity is whoever is counted, and for what."""

    def __init__(self, url: str, *, prefix: str) -> None:
        storage = RedisStorage(f"async+{url}", implementation="redispy", key_prefix=prefix, socket_timeout=0.5)
        self._away: tuple[type[BaseException], ...] = (*_as_tuple(storage.base_exceptions), OSError, TimeoutError)
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
        except self._away as error:
            log.warning("rate limits are counted in this process alone", error=repr(error))
            limiter = self._local
            allowed = await limiter.hit(item, *identity)
        if not allowed:
            reset_at, _ = await limiter.get_window_stats(item, *identity)
            raise TooMany(max(1, math.ceil(reset_at - time.time())))




def _as_tuple(
    exceptions: type[Exception] | tuple[type[Exception], ...],
) -> tuple[type[Exception], ...]:
    return exceptions if isinstance(exceptions, tuple) else (exceptions,)
