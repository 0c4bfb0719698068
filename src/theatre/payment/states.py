"""The current state of attempts in Redis, for pages that ask every second; the tables stay the truth."""

from uuid import UUID

from theatre.contracts.payment import AttemptStatus
from theatre.kit.cache import Cache, CacheAway
from theatre.kit.logging import get_logger

# an open state may be overtaken by one that could not be written: it must not be believed for long
OPEN_TTL_SECONDS = 5
FINAL_TTL_SECONDS = 24 * 3600
FINAL = frozenset({AttemptStatus.SUCCEEDED, AttemptStatus.FAILED})

log = get_logger(__name__)


class States:
    """States by attempt. With Redis away nothing is known and nothing breaks."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def put(self, attempt_id: UUID, status: str) -> None:
        """Remember a state that is committed."""
        ttl = FINAL_TTL_SECONDS if status in FINAL else OPEN_TTL_SECONDS
        try:
            await self._cache.put(_key(attempt_id), status.encode(), ttl_seconds=ttl)
        except CacheAway as error:
            log.warning("state not cached", cause=repr(error.__cause__))

    async def find(self, attempt_id: UUID) -> AttemptStatus | None:
        """Give the remembered state, if any."""
        try:
            found = await self._cache.get(_key(attempt_id))
        except CacheAway as error:
            log.warning("state not read", cause=repr(error.__cause__))
            return None
        return AttemptStatus(found.decode()) if found else None


def _key(attempt_id: UUID) -> str:
    return f"attempt:{attempt_id}"
