"""The outbox: a fact is written in the transaction that makes it true, and a relay sends it afterwards, at least once.

Sent rows are kept for a day, so that what a broker lost can be sent again.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Index, bindparam, case, delete, func, select, text, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from theatre.kit.broker.port import Broker, Message, Unpublished
from theatre.kit.clock import Clock
from theatre.kit.db import Engine, Session, Sessions
from theatre.kit.events import Event
from theatre.kit.ids import new_id
from theatre.kit.logging import get_logger
from theatre.kit.tasks import finish
from theatre.kit.telemetry import current_traceparent
from theatre.kit.wakeup import listen

KEEP_SENT = timedelta(hours=24)
# longer than a publish may take; a relay that was killed gives its rows back after it
LEASE = timedelta(seconds=15)
BATCH = 500
# at the longest pause of 5 minutes this is about four hours of a broker saying no
MAX_TRIES = 50
IDLE_SECONDS = 1.0
BUSY_SECONDS = 0.02
BUSY_FOR_SECONDS = 0.5
REST_SECONDS = (0.5, 1.0, 2.0, 5.0)

log = get_logger(__name__)


class OutboxColumns:
    """Columns of a service's table: `class OutboxMessage(OutboxColumns, Base): __tablename__ = "outbox_message"`.

    A row is due when `next_try_at` has passed; a relay at work pushes it ahead, which is its claim.
    """

    id: Mapped[UUID] = mapped_column(primary_key=True)
    type: Mapped[str]
    version: Mapped[int]
    occurred_at: Mapped[datetime]
    aggregate_id: Mapped[UUID]
    trace: Mapped[str | None]
    data: Mapped[dict[str, Any]]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    next_try_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None]

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Index, ...]:
        unsent = text("sent_at IS NULL AND dead_at IS NULL")
        return (
            Index("ix_outbox_message_unsent", "next_try_at", postgresql_where=unsent),
            Index("ix_outbox_message_sent_at", "sent_at", postgresql_where=text("sent_at IS NOT NULL")),
        )


Table = type[OutboxColumns]


def wakeup_statements(schema: str) -> Iterator[str]:
    """Give the SQL for a migration that lets every commit with a new row wake the relay.

    A notifying commit holds a lock of the whole database, so of transactions running side by side only one notifies;
    the relay looks again for a while after each wakeup and finds the others.
    """
    yield f"""
        CREATE FUNCTION {schema}.wake_relay() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF pg_try_advisory_xact_lock(hashtext('{channel(schema)}')) THEN
                PERFORM pg_notify('{channel(schema)}', '');
            END IF;
            RETURN NULL;
        END $$"""
    yield f"""
        CREATE TRIGGER wake_relay AFTER INSERT ON {schema}.outbox_message
        FOR EACH STATEMENT EXECUTE FUNCTION {schema}.wake_relay()"""


def channel(schema: str) -> str:
    """Name the channel on which a schema's relay is woken."""
    return f"outbox_{schema}"


def emit(session: Session, table: Table, event: Event, *, aggregate_id: UUID, now: datetime) -> UUID:
    """Add a fact to the caller's transaction; it leaves only if that commits. Gives the message id."""
    row = table()
    row.id = new_id()
    row.type, row.version = event.key, event.version
    row.data = event.model_dump(mode="json")
    row.aggregate_id = aggregate_id
    row.trace = current_traceparent()
    row.occurred_at = row.next_try_at = now
    session.add(row)
    return row.id


class Relay:
    """Sends the rows of one outbox. Any number of relays may work on one table."""

    def __init__(self, engine: Engine, table: Table, broker: Broker, *, clock: Clock) -> None:
        self.engine = engine
        self.table = table
        self.broker = broker
        self.clock = clock

    async def run(self) -> None:
        """Send until cancelled; woken by commits, and by the second. A batch at work is finished."""

    async def send_batch(self) -> int:
        """Claim, publish and mark one batch; no transaction is open meanwhile. Gives the number claimed.

        Raises:
            Unpublished: the broker could not be reached; its rows are due again at once.
        """
        return 0


async def delete_sent(sessions: Sessions, table: Table, *, now: datetime) -> int:
    """Delete what was sent more than a day ago; give the number. A job of every service with an outbox."""
    return 0


async def replay_since(session: Session, table: Table, *, since: datetime, now: datetime) -> int:
    """Send again what was sent since a moment (after a broker lost its data); inboxes drop the repeats."""
    return 0


async def replay_dead(session: Session, table: Table, *, now: datetime) -> int:
    """Give dead rows a new set of tries."""
    return 0


async def oldest_unsent_age(session: Session, table: Table, *, now: datetime) -> timedelta:
    """Tell how long the oldest unsent row has been waiting; zero if there is none. For readiness and alerts."""
    return timedelta()
