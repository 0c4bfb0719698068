"""Users' provider tokens in Redis."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from theatre.kit.cache import CacheAway, RedisCache
from theatre.payment.tokens import Tokens

OLD, NEW = "o" * 32, "n" * 32
TOKEN = "410012345678901.canary-token"


@pytest.fixture
async def cache(redis_url: str) -> AsyncIterator[RedisCache]:
    cache = RedisCache(redis_url, prefix="payment")
    yield cache
    await cache.close()


async def test_a_token_lies_in_redis_encrypted_and_comes_back(cache: RedisCache, redis_url: str) -> None:
    """S-P7: encrypted at rest, not in Redis in clear."""
    user_id = uuid4()
    tokens = Tokens(cache, [NEW])
    await tokens.put("yoomoney", user_id, TOKEN, ttl_seconds=60)
    async with Redis.from_url(redis_url) as redis:
        stored = [await redis.get(key) for key in await redis.keys("payment:token:*")]
        ttl = await redis.ttl(f"payment:token:yoomoney:{user_id}")
    assert stored
    assert b"canary" not in b"".join(value for value in stored if isinstance(value, bytes))
    assert 0 < ttl <= 60
    assert await tokens.find("yoomoney", user_id) == TOKEN


async def test_a_token_survives_the_rotation_of_its_secret(cache: RedisCache) -> None:
    """F-C12: both secrets are accepted for a while, the old one refused after."""
    user_id = uuid4()
    await Tokens(cache, [OLD]).put("yoomoney", user_id, TOKEN, ttl_seconds=60)
    assert await Tokens(cache, [NEW, OLD]).find("yoomoney", user_id) == TOKEN
    assert await Tokens(cache, [NEW]).find("yoomoney", user_id) is None


async def test_a_token_belongs_to_one_user_and_one_provider(cache: RedisCache) -> None:
    user_id = uuid4()
    tokens = Tokens(cache, [NEW])
    await tokens.put("yoomoney", user_id, TOKEN, ttl_seconds=60)
    assert await tokens.find("yoomoney", uuid4()) is None
    assert await tokens.find("stripe", user_id) is None
    await tokens.drop("yoomoney", user_id)
    assert await tokens.find("yoomoney", user_id) is None


async def test_without_redis_the_caller_is_told() -> None:
    cache = RedisCache("redis://127.0.0.1:1/0", prefix="payment")
    with pytest.raises(CacheAway):
        await Tokens(cache, [NEW]).find("yoomoney", uuid4())
    await cache.close()
