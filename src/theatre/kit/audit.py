"""The audit: what staff did and looked at, append-only, each record bound to the one before by its hash."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import Index, LargeBinary, func, inspect, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from theatre.kit.db import Big, Session
from theatre.kit.listing import Listing

GENESIS = bytes(32)
"""What the first record names as the hash before it."""
CHUNK_ROWS = 1_000
COLUMNS = (
    *("number", "occurred_at", "actor_id", "action", "subject_kind", "subject_id"),
    *("reason", "before", "after", "request_id", "hash"),
)
CONTENT = (
    *("actor_id", "action", "subject_kind", "subject_id", "request_id"),
    *("reason", "before", "after", "occurred_at"),
)


class AuditColumns:
    """Columns of a service's table: `class AuditRecord(AuditColumns, Base): __tablename__ = "audit_record"`.

    One thing that a member of staff did or looked at. Append-only; each carries the hash of the one before.
    """

    number: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    occurred_at: Mapped[datetime]
    actor_id: Mapped[UUID]
    action: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[str | None]
    reason: Mapped[str | None]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    request_id: Mapped[str]
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Index, ...]:
        return (
            Index("ix_audit_record_actor_id", "actor_id", text("number DESC")),
            Index("ix_audit_record_subject", "subject_kind", "subject_id", text("number DESC")),
        )


R = TypeVar("R", bound=AuditColumns)


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


@dataclass(frozen=True, slots=True)
class Chain:
    """How the chain of records was found: how many hold, and the number of the first that does not, if one does not.

    Records cut off at the end leave no trace in the chain itself: compare `length` with an earlier one.
    """

    length: int
    broken_number: int | None


class Audit(Generic[R]):
    """The audit of one service, kept in its table."""

    def __init__(self, table: type[R]) -> None:
        self.table = table
        self._lock = f"{inspect(table).local_table.schema}.audit"

    async def record(self, session: Session, act: Act, *, now: datetime) -> None:
        """Write down an act in the transaction that carries it out. Acts are written one at a time: a lock orders
        them."""
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(self._lock))))
        statement = select(self.table.number, self.table.hash).order_by(self.table.number.desc()).limit(1)
        last = (await session.execute(statement)).one_or_none()
        number, previous_hash = (last.number + 1, last.hash) if last else (1, GENESIS)
        content = orjson.loads(orjson.dumps({**asdict(act), "occurred_at": now}, default=str))
        fields = {**content, "actor_id": act.actor_id, "occurred_at": now, "number": number}
        row = self.table()
        for name, value in fields.items():
            setattr(row, name, value)
        row.previous_hash, row.hash = previous_hash, hash_of(number, previous_hash, content)
        session.add(row)
        await session.flush()

    def find(
        self,
        *,
        actor_id: UUID | None = None,
        subject_kind: str | None = None,
        subject_id: str | None = None,
        action: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Listing[R]:
        """List records, newest first; moments are of the act, `since` included and `until` not."""
        rows = select(self.table)
        for column, value in (
            (self.table.actor_id, actor_id),
            (self.table.subject_kind, subject_kind),
            (self.table.subject_id, subject_id),
            (self.table.action, action),
        ):
            if value is not None:
                rows = rows.where(column == value)
        if since is not None:
            rows = rows.where(self.table.occurred_at >= since)
        if until is not None:
            rows = rows.where(self.table.occurred_at < until)
        columns = tuple(getattr(self.table, name) for name in COLUMNS)
        return Listing(rows, keys=(self.table.number,), columns=columns)

    async def verify(self, session: Session) -> Chain:
        """Recompute every hash from the first record on, up to the first that is missing or was changed.

        It reads through a cursor: however long the chain, no more than a chunk of it is in memory.
        """
        statement = select(self.table).order_by(self.table.number).execution_options(yield_per=CHUNK_ROWS)
        length, previous_hash = 0, GENESIS
        async for record in await session.stream_scalars(statement):
            number = length + 1
            expected = hash_of(number, previous_hash, content_of(record))
            if (record.number, record.previous_hash, record.hash) != (number, previous_hash, expected):
                return Chain(length, broken_number=number)
            length, previous_hash = number, record.hash
        return Chain(length, broken_number=None)


def hash_of(number: int, previous_hash: bytes, content: Mapping[str, Any]) -> bytes:
    """Bind a record to the one before: SHA-256 over its number, that hash, its content as sorted JSON."""
    written = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(number.to_bytes(8) + previous_hash + written).digest()


def content_of(record: AuditColumns) -> dict[str, Any]:
    """Give what the hash of a stored record covers."""
    content = {name: getattr(record, name) for name in CONTENT}
    read: dict[str, Any] = orjson.loads(orjson.dumps(content, default=str))
    return read
