"""Idempotence keys: per shop, for 24 hours (PROVIDERS 1.13)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

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
    claimed = await session.scalar(CLAIMING, parameters(call, object_id))
    return None if claimed is not None else await get_made(session, call)


def _claiming() -> ReturningInsert[str]:
    names = ("shop_id", "key", "fingerprint", "object_id", "created_at")
    row = insert(IdempotenceKey).values({name: bindparam(f"claim_{name}") for name in names})
    return row.on_conflict_do_update(
        index_elements=[IdempotenceKey.shop_id, IdempotenceKey.key],
        set_={name: row.excluded[name] for name in names[2:]},
        where=IdempotenceKey.created_at <= bindparam("claim_over_at", type_=IdempotenceKey.created_at.type),
    ).returning(IdempotenceKey.object_id)


# Gives one row if the key was free or older than a day, none if a twin has it. Hot, so it is put together once.
CLAIMING = _claiming()


def parameters(call: Call, object_id: str) -> dict[str, Any]:
    """Give the values for `CLAIMING`."""
    return {
        "claim_shop_id": call.shop.id,
        "claim_key": call.key,
        "claim_fingerprint": call.fingerprint,
        "claim_object_id": object_id,
        "claim_created_at": call.now,
        "claim_over_at": call.now - LIFETIME,
    }


async def get_made(session: Session, call: Call) -> str:
    """Give the object that a twin made with this key.

    Raises:
        InvalidRequest: the key was used for another request.
    """
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
