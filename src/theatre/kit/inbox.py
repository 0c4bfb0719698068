"""The inbox: what a consumer has settled already, so that a repeat has no second effect, and how often it
tried.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, Index, case, delete, literal_column, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.dml import Insert
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from theatre.kit.db import Session

MAX_ERROR_CHARACTERS = 2_000


class InboxColumns:
    """Columns of a service's table: `class InboxMessage(InboxColumns, Base): __tablename__ =
    "inbox_message"`.

    A row is made when a message is handled, or at the first sign of trouble with it.
    """

    consumer: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    first_seen_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None]

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Index, ...]:
        return (Index("ix_inbox_message_first_seen_at", "first_seen_at"),)


Table = type[InboxColumns]


@dataclass(frozen=True)
class Inbox:
    """The inbox of one consumer. Its verbs run in the caller's transaction."""

    table: Table
    consumer: str

    async def is_handled(self, session: Session, message_id: UUID) -> bool:
        """Tell whether the message has had its effect."""
        handled_at = await session.scalar(
            select(self.table.handled_at).where(
                self.table.consumer == self.consumer, self.table.message_id == message_id
            )
        )
        return handled_at is not None

    async def mark(self, session: Session, message_id: UUID, *, now: datetime, counted: bool) -> bool:
        """Mark as handled; False if it was. A twin delivery at work at the same time waits for us here.

        `counted`: this try is in the row already.
        """
        statement = self._row(message_id, now, tries=1, handled_at=now).on_conflict_do_update(
            index_elements=["consumer", "message_id"],
            set_={"handled_at": now, "dead_at": None, "tries": self.table.tries + (0 if counted else 1)},
            where=self.table.handled_at.is_(None),
        )
        return await session.scalar(statement.returning(literal_column("1"))) is not None

    async def count_try(self, session: Session, message_id: UUID, *, now: datetime) -> int | None:
        """Count a try before it is made, for it may end the process; None if the message was handled.

        Called for redelivered messages, so the try that was cut short counts too. Replayed from the dead,
        it starts anew.
        """
        tries = case((self.table.dead_at.is_not(None), 2), else_=self.table.tries + 1)
        statement = self._row(message_id, now, tries=2).on_conflict_do_update(
            index_elements=["consumer", "message_id"],
            set_={"tries": tries, "dead_at": None},
            where=self.table.handled_at.is_(None),
        )
        return await session.scalar(statement.returning(self.table.tries))

    async def record_failure(
        self, session: Session, message_id: UUID, error: str, *, now: datetime, counted: bool
    ) -> int:
        """Record a try that failed; give the number of tries so far."""
        counted_tries = self.table.tries + (0 if counted else 1)
        tries = case((self.table.dead_at.is_not(None), 1), else_=counted_tries)
        statement = self._noted(message_id, error, now, tries=1, changes={"tries": tries, "dead_at": None})
        return cast(int, await session.scalar(statement.returning(self.table.tries)))

    async def record_wait(
        self, session: Session, message_id: UUID, error: str, *, now: datetime, counted: bool
    ) -> datetime:
        """Record a try that does not count, because something else was away; give when we first saw the
        message.
        """
        changes = {"tries": self.table.tries - (1 if counted else 0)}
        statement = self._noted(message_id, error, now, tries=0, changes=changes)
        return cast(datetime, await session.scalar(statement.returning(self.table.first_seen_at)))

    async def bury(self, session: Session, message_id: UUID, reason: str, *, now: datetime) -> None:
        """Record that the message was put aside."""
        await session.execute(self._noted(message_id, reason, now, tries=1, changes={"dead_at": now}))

    def _noted(
        self, message_id: UUID, error: str, now: datetime, *, tries: int, changes: dict[str, Any]
    ) -> Insert:
        last_error = error[:MAX_ERROR_CHARACTERS].replace("\0", "")
        row = self._row(message_id, now, tries=tries, last_error=last_error, dead_at=changes.get("dead_at"))
        return row.on_conflict_do_update(
            index_elements=["consumer", "message_id"], set_={**changes, "last_error": last_error}
        )

    def _row(self, message_id: UUID, now: datetime, **values: Any) -> Insert:
        return insert(self.table).values(
            consumer=self.consumer, message_id=message_id, first_seen_at=now, **values
        )


async def delete_handled(session: Session, table: Table, *, before: datetime) -> int:
    """Forget messages handled and first seen before a moment; give the number.

    Keep them longer than any outbox can replay (a day), or a replay would have a second effect.
    """
    statement = delete(table).where(table.first_seen_at < before, table.handled_at.is_not(None))
    result = cast(CursorResult[Any], await session.execute(statement))
    return result.rowcount
