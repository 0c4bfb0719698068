"""The audit: what staff did and looked at, append-only, each record bound to the one before by its hash."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import func, select

from theatre.billing.models import AuditRecord
from theatre.kit.db import Session

GENESIS = bytes(32)
"""What the first record names as the hash before it."""


@dataclass(frozen=True, slots=True)
class Act:
    """What a member of staff did: `action` is a word like `refund.create`; `before`, `after`: what it changed."""

    actor_id: UUID
    action: str
    subject_kind: str
    subject_id: str | None
    request_id: str
    reason: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


async def record(session: Session, act: Act, *, now: datetime) -> None:
    """Write down an act in the transaction that carries it out. Acts are written one at a time: a lock orders them."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("billing.audit"))))
    statement = select(AuditRecord.number, AuditRecord.hash).order_by(AuditRecord.number.desc()).limit(1)
    last = (await session.execute(statement)).one_or_none()
    number, previous_hash = (last.number + 1, last.hash) if last else (1, GENESIS)
    content = orjson.loads(orjson.dumps({**asdict(act), "occurred_at": now}, default=str))
    fields = {**content, "actor_id": act.actor_id, "occurred_at": now}
    session.add(
        AuditRecord(
            number=number,
            previous_hash=previous_hash,
            hash=hash_of(number, previous_hash, content),
            **fields,
        )
    )
    await session.flush()


def hash_of(number: int, previous_hash: bytes, content: Mapping[str, Any]) -> bytes:
    """Bind a record to the one before: SHA-256 over its number, that hash, its content as sorted JSON."""
    written = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(number.to_bytes(8) + previous_hash + written).digest()


def content_of(record: AuditRecord) -> dict[str, Any]:
    """Give what the hash of a stored record covers."""
    names = ("actor_id", "action", "subject_kind", "subject_id", "request_id", "reason", "before", "after")
    content = {name: getattr(record, name) for name in (*names, "occurred_at")}
    read: dict[str, Any] = orjson.loads(orjson.dumps(content, default=str))
    return read
