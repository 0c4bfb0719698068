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
from theatre.kit.listing import Listing

GENESIS = bytes(32)
"""What the first record names as the hash before it."""


COLUMNS = (
    AuditRecord.number,
    AuditRecord.occurred_at,
    AuditRecord.actor_id,
    AuditRecord.action,
    AuditRecord.subject_kind,
    AuditRecord.subject_id,
    AuditRecord.reason,
    AuditRecord.before,
    AuditRecord.after,
    AuditRecord.request_id,
    AuditRecord.hash,
)
CHUNK_ROWS = 1_000


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


def find(
    *, actor_id: UUID | None = None, subject_kind: str | None = None, subject_id: str | None = None
) -> Listing[AuditRecord]:
    """List records, newest first."""
    rows = select(AuditRecord)
    for column, value in (
        (AuditRecord.actor_id, actor_id),
        (AuditRecord.subject_kind, subject_kind),
        (AuditRecord.subject_id, subject_id),
    ):
        if value is not None:
            rows = rows.where(column == value)
    return Listing(rows, keys=(AuditRecord.number,), columns=COLUMNS)


@dataclass(frozen=True, slots=True)
class Chain:
    """How the chain of records was found: how many hold, and the number of the first that does not, if one does not.

    Records cut off at the end leave no trace in the chain itself: compare `length` with an earlier one.
    """

    length: int
    broken_number: int | None


async def verify(session: Session) -> Chain:
    """Recompute every hash from the first record on, up to the first that is missing or was changed.

    It reads through a cursor: however long the chain, no more than a chunk of it is in memory.
    """
    statement = select(AuditRecord).order_by(AuditRecord.number).execution_options(yield_per=CHUNK_ROWS)
    length, previous_hash = 0, GENESIS
    async for record in await session.stream_scalars(statement):
        number = length + 1
        expected = hash_of(number, previous_hash, content_of(record))
        if (record.number, record.previous_hash, record.hash) != (number, previous_hash, expected):
            return Chain(length, broken_number=number)
        length, previous_hash = number, record.hash
    return Chain(length, broken_number=None)
