"""The inbox: what a consumer has settled already, so that a repeat has no effect, and how often it tried."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, Index, delete, inspect, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from theatre.kit.db import Session

MAX_ERROR_CHARACTERS = 2_000

IS_HANDLED = """
SELECT handled_at IS NOT NULL FROM {inbox} WHERE consumer = :consumer AND message_id = :id
"""
MARK = """
INSERT INTO {inbox} AS inbox (consumer, message_id, tries, first_seen_at, handled_at)
VALUES (:consumer, :id, 1, :now, :now)
ON CONFLICT (consumer, message_id) DO UPDATE
SET handled_at = :now, dead_at = NULL, tries = inbox.tries + :uncounted WHERE inbox.handled_at IS NULL
RETURNING 1
"""
COUNT_TRY = """
INSERT INTO {inbox} AS inbox (consumer, message_id, tries, first_seen_at) VALUES (:consumer, :id, 2, :now)
ON CONFLICT (consumer, message_id) DO UPDATE
SET tries = CASE WHEN inbox.dead_at IS NULL THEN inbox.tries + 1 ELSE 2 END, dead_at = NULL
WHERE inbox.handled_at IS NULL
RETURNING tries
"""
RECORD_FAILURE = """
INSERT INTO {inbox} AS inbox (consumer, message_id, tries, first_seen_at, last_error)
VALUES (:consumer, :id, 1, :now, :error)
ON CONFLICT (consumer, message_id) DO UPDATE
SET tries = CASE WHEN inbox.dead_at IS NULL THEN inbox.tries + :uncounted ELSE 1 END, dead_at = NULL,
    last_error = :error
RETURNING tries
"""
RECORD_WAIT = """
INSERT INTO {inbox} AS inbox (consumer, message_id, tries, first_seen_at, last_error)
VALUES (:consumer, :id, 0, :now, :error)
ON CONFLICT (consumer, message_id) DO UPDATE SET tries = inbox.tries + :uncounted - 1, last_error = :error
RETURNING first_seen_at
"""
BURY = """
INSERT INTO {inbox} AS inbox (consumer, message_id, tries, first_seen_at, dead_at, last_error)
VALUES (:consumer, :id, 1, :now, :now, :error)
ON CONFLICT (consumer, message_id) DO UPDATE SET dead_at = :now, last_error = :error
RETURNING tries
"""


class InboxColumns:
    """Columns of a service's table: `class InboxMessage(InboxColumns, Base): __tablename__ = "inbox_message"`.

    A row is made when a message is handled, or at the first sign of trouble with it.
    """

    consumer: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    tries: Mapped[int]
    first_seen_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None]

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Index, ...]:
        return (Index("ix_inbox_message_first_seen_at", "first_seen_at"),)


Table = type[InboxColumns]


class Inbox:
    """The inbox of one consumer. Its verbs run in the caller's transaction.

    They are plain SQL: every message passes here, and the ORM would double what a message costs.
    """

    def __init__(self, table: Table, consumer: str) -> None:
        self._name = str(inspect(table).local_table)
        self._consumer = consumer

    async def is_handled(self, session: Session, message_id: UUID) -> bool:
        """Tell whether the message has had its effect."""
        return bool(await self._run(session, IS_HANDLED, id=message_id))

    async def mark(self, session: Session, message_id: UUID, *, now: datetime, counted: bool) -> bool:
        """Mark as handled; False if it was. A twin delivery at work at the same time waits for us here.

        `counted`: this try is in the row already.
        """
        marked = await self._run(session, MARK, id=message_id, now=now, uncounted=int(not counted))
        return marked is not None

    async def count_try(self, session: Session, message_id: UUID, *, now: datetime) -> int | None:
        """Count a try before it is made, for it may end the process; None if the message was handled.

        Called for redelivered messages, so the try that was cut short counts too. Replayed from the dead, a
        message starts anew.
        """
        tries: int | None = await self._run(session, COUNT_TRY, id=message_id, now=now)
        return tries

    async def record_failure(
        self, session: Session, message_id: UUID, error: str, *, now: datetime, counted: bool
    ) -> int:
        """Record a try that failed; give the number of tries so far."""
        values = {"error": _short(error), "uncounted": int(not counted)}
        tries: int = await self._run(session, RECORD_FAILURE, id=message_id, now=now, **values)
        return tries

    async def record_wait(
        self, session: Session, message_id: UUID, error: str, *, now: datetime, counted: bool
    ) -> datetime:
        """Record a try that does not count, because something was away; give when we first saw the message."""
        values = {"error": _short(error), "uncounted": int(not counted)}
        first_seen_at: datetime = await self._run(session, RECORD_WAIT, id=message_id, now=now, **values)
        return first_seen_at

    async def bury(self, session: Session, message_id: UUID, reason: str, *, now: datetime) -> None:
        """Record that the message was put aside."""
        await self._run(session, BURY, id=message_id, now=now, error=_short(reason))

    async def _run(self, session: Session, statement: str, **values: object) -> Any:
        """Give the first column of the first row, or None."""
        named = text(statement.format(inbox=self._name))
        return await session.scalar(named, {"consumer": self._consumer, **values})


def _short(error: str) -> str:
    return error[:MAX_ERROR_CHARACTERS].replace("\0", "")


async def delete_handled(session: Session, table: Table, *, before: datetime) -> int:
    """Forget messages handled before a moment; give the number.

    Keep them longer than any outbox can replay (a day), or a replay would have a second effect.
    """
    # what was handled before then was seen before then, and by that there is an index
    statement = delete(table).where(table.first_seen_at < before, table.handled_at < before)
    result = cast(CursorResult[Any], await session.execute(statement))
    return result.rowcount
