"""Stripe's idempotency keys: the first answer is kept for 24 hours and given again as it was (PROVIDERS 4.4).

Requests that were refused leave no trace; one that comes while its twin is at work is told so at once.
"""

from collections.abc import Awaitable, Callable

import orjson
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from theatre.kit.db import Session
from theatre.sandbox.errors import InvalidRequest
from theatre.sandbox.keys import LIFETIME, Call
from theatre.sandbox.models import IdempotenceKey
from theatre.sandbox.objects import Object


class KeyReused(InvalidRequest):
    """The key was used for another request."""

    def __init__(self) -> None:
        super().__init__("Keys for idempotent requests can only be used with the same parameters")
        self.extra["stripe_type"] = "idempotency_error"


class KeyInUse(InvalidRequest):
    """Another request with this key is at work."""

    status = 409

    def __init__(self) -> None:
        super().__init__("Another request with this idempotency key is at work")
        self.extra["stripe_code"] = "idempotency_key_in_use"


async def answer_once(
    session: Session, call: Call, make: Callable[[], Awaitable[Object]]
) -> tuple[bytes, bool]:
    """Give the answer of a writing call, and whether it is a repeated one.

    Raises:
        KeyReused, KeyInUse
    """
    if not call.key:
        return orjson.dumps(await make()), False
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(_number(call)))):
        raise KeyInUse
    kept = await session.get(IdempotenceKey, (call.shop.id, call.key), populate_existing=True)
    if kept is not None and kept.created_at > call.now - LIFETIME:
        if kept.fingerprint != call.fingerprint:
            raise KeyReused
        return str(kept.answer).encode(), True
    made = await make()
    answer = orjson.dumps(made)
    row = {
        "fingerprint": call.fingerprint,
        "object_id": made["id"],
        "answer": answer.decode(),
        "created_at": call.now,
    }
    keeping = insert(IdempotenceKey).values(shop_id=call.shop.id, key=call.key, **row)
    index = [IdempotenceKey.shop_id, IdempotenceKey.key]
    await session.execute(keeping.on_conflict_do_update(index_elements=index, set_=row))
    return answer, False


def _number(call: Call) -> object:
    return func.hashtextextended(f"{call.shop.id} {call.key}", 0)
