"""Idempotence keys: per shop, for 24 hours (PROVIDERS 1.13)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from theatre.kit.db import Session
from theatre.sandbox.errors import InvalidRequest
from theatre.sandbox.models import IdempotenceKey, Shop

LIFETIME = timedelta(hours=24)
HEADER = "Idempotence-Key"


@dataclass(frozen=True, slots=True)
class Call:
    """A merchant's writing call: whose, with which key, asking what (`fingerprint`), and when."""

    shop: Shop
    key: str
    fingerprint: str
    now: datetime


async def claim(session: Session, call: Call, object_id: str) -> str | None:
    """Take the key for the object about to be made; give the object that a twin made with it, if one did.

    Waits for a twin at work. The claim is undone with the transaction, so a refused request leaves no trace.

    Raises:
        InvalidRequest: the key was used for another request.
    """
    row = insert(IdempotenceKey).values(
        shop_id=call.shop.id,
        key=call.key,
        fingerprint=call.fingerprint,
        object_id=object_id,
        created_at=call.now,
    )
    claimed = await session.scalar(
        row.on_conflict_do_update(
            index_elements=[IdempotenceKey.shop_id, IdempotenceKey.key],
            set_={name: row.excluded[name] for name in ("fingerprint", "object_id", "created_at")},
            where=IdempotenceKey.created_at <= call.now - LIFETIME,
        ).returning(IdempotenceKey.object_id)
    )
    return None if claimed is not None else await _get_made(session, call)


async def _get_made(session: Session, call: Call) -> str:
    twin = (
        await session.execute(
            select(IdempotenceKey.fingerprint, IdempotenceKey.object_id).where(
                IdempotenceKey.shop_id == call.shop.id, IdempotenceKey.key == call.key
            )
        )
    ).one()
    if twin.fingerprint != call.fingerprint:
        raise InvalidRequest("Idempotence key duplicated: it was used for another request", parameter=HEADER)
    return str(twin.object_id)
