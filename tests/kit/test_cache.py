"""The shared cache."""

import asyncio

import pytest

from theatre.kit.cache import CacheAway, RedisCache


async def test_of_many_who_take_a_value_one_gets_it(redis_url: str) -> None:
    cache = RedisCache(redis_url, prefix="test")
    await cache.put("state", b"1", ttl_seconds=60)
    taken = await asyncio.gather(*(cache.take("state") for _ in range(10)))
    assert sorted(taken, key=bool) == [None] * 9 + [b"1"]
    assert await cache.get("state") is None
    await cache.close()


async def test_away_is_told_apart_from_absent() -> None:
    cache = RedisCache("redis://127.0.0.1:1/0", prefix="test")
    with pytest.raises(CacheAway):
        await cache.take("state")
    await cache.close()
