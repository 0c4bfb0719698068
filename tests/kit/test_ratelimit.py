"""Rate limits on a real Redis."""

from uuid import uuid4

import pytest

from theatre.kit import ratelimit
from theatre.kit.errors import TooMany
from theatre.kit.ratelimit import RedisRateLimit

RULE = "1000/minute"


async def hits_until_refused(limit: RedisRateLimit, user: str) -> int:
    for number in range(1, 1_200):
        try:
            await limit.hit(RULE, "money", user)
        except TooMany:
            return number
    return 0


async def test_a_newcomer_is_counted_however_many_were_here_before(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ratelimit, "MAX_IDENTITIES", 10)
    limit = RedisRateLimit(redis_url, prefix=str(uuid4()))
    for _ in range(20):
        await limit.hit(RULE, "money", str(uuid4()))
    assert 1_000 < await hits_until_refused(limit, "newcomer") <= 1_010
    await limit.close()


async def test_what_is_kept_of_those_refused_has_a_bound(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ratelimit, "MAX_IDENTITIES", 10)
    limit = RedisRateLimit(redis_url, prefix=str(uuid4()))
    for user in range(30):
        await limit.hit("1/minute", str(user))
        with pytest.raises(TooMany):
            await limit.hit("1/minute", str(user))
    assert len(limit._untold) <= 10
    await limit.close()


async def test_looking_counts_nothing_and_refuses_who_has_used_all(redis_url: str) -> None:
    limit = RedisRateLimit(redis_url, prefix=str(uuid4()))
    for _ in range(5):
        await limit.check("2/hour", "guess", "anna")
    for _ in range(2):
        await limit.check("2/hour", "guess", "anna")
        await limit.hit("2/hour", "guess", "anna")
    with pytest.raises(TooMany) as refused:
        await limit.check("2/hour", "guess", "anna")
    assert int(refused.value.headers["Retry-After"]) > 0
    await limit.check("2/hour", "guess", "boris")
    await limit.close()


async def test_without_redis_a_process_looks_at_its_own_count() -> None:
    limit = RedisRateLimit("redis://127.0.0.1:1/0", prefix=str(uuid4()))
    await limit.hit("1/hour", "guess", "anna")
    with pytest.raises(TooMany):
        await limit.check("1/hour", "guess", "anna")
    await limit.close()
