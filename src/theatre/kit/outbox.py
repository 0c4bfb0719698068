"""The outbox: a fact is written in the transaction that makes it true, and a relay sends it afterwards, at
least once.

Sent rows are kept for a day, so that what a broker lost can be sent again.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any
from typing import cast as typed
from uuid import UUID

import orjson
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CursorResult,
    Delete,
    Index,
    Row,
    Update,
    any_,
    cast,
    delete,
    func,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from theatre.kit.broker.port import Broker, Message, Unpublished
from theatre.kit.clock import Clock
from theatre.kit.db import TYPES, Engine, Session
from theatre.kit.events import Event
from theatre.kit.ids import new_id
from theatre.kit.logging import get_logger
from theatre.kit.metrics import MAX_COUNTED, OUTBOX_AGE, OUTBOX_DEAD, OUTBOX_UNSENT
from theatre.kit.tasks import finish, pause
from theatre.kit.telemetry import Kind, current_traceparent, is_exporting, span
from theatre.kit.wakeup import listen

KEEP_SENT = timedelta(hours=24)
# longer than a publish may take; a relay that was killed gives its rows back after it
LEASE = timedelta(seconds=15)
BATCH = 500
# at the longest pause of 5 minutes this is about four hours of a broker saying no
MAX_TRIES = 50
MAX_PAUSE_SECONDS = 300
IDLE_SECONDS = 1.0
BUSY_SECONDS = 0.02
BUSY_FOR_SECONDS = 0.5
REST_SECONDS = (0.5, 1.0, 2.0, 5.0)

log = get_logger(__name__)


class OutboxColumns:
    """Columns of a service's table: `class OutboxMessage(OutboxColumns, Base): __tablename__ =
    "outbox_message"`.

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
            Index("ix_outbox_message_dead_at", "dead_at", postgresql_where=text("dead_at IS NOT NULL")),
            Index("ix_outbox_message_sent_at", "sent_at", postgresql_where=text("sent_at IS NOT NULL")),
        )


Table = type[OutboxColumns]


def wakeup_statements(schema: str) -> Iterator[str]:
    """Give the SQL for a migration that lets every commit with a new row wake the relay.

    A notifying commit holds a lock of the whole database, so of transactions running side by side only one
    notifies;
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
        self.table = table
        self._engine = engine
        self._broker = broker
        self._clock = clock
        self._schema = str(inspect(table).local_table.schema)
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Send until cancelled; woken by commits, and by the second. A batch at work is finished."""
        async with asyncio.TaskGroup() as group:
            group.create_task(listen(self._engine, channel(self._schema), lambda _: self._woken.set()))
            group.create_task(self._send_all())

    async def _send_all(self) -> None:
        rest = 0
        busy_until = 0.0
        while True:
            try:
                sent = await finish(self.send_batch())
            except Unpublished as error:
                log.warning("outbox.broker_away", schema=self._schema, error=str(error))
                await asyncio.sleep(REST_SECONDS[rest])
                rest = min(rest + 1, len(REST_SECONDS) - 1)
                continue
            rest = 0
            now = asyncio.get_running_loop().time()
            if sent or self._woken.is_set():
                busy_until = now + BUSY_FOR_SECONDS
            self._woken.clear()
            if not sent:
                await pause(BUSY_SECONDS if now < busy_until else IDLE_SECONDS, until=self._woken)

    async def send_batch(self) -> int:
        """Claim, publish and mark one batch; no transaction is open while it is on its way. Gives the
        number sent.

        Raises:
            Unpublished: the broker could not be reached; its rows are due again at once.
        """
        rows = await self._claim()
        if not rows:
            return 0
        failure = Unpublished(())
        with ExitStack() as spans:
            try:
                await self._broker.publish([_message_of(row, spans) for row in rows])
            except Unpublished as error:
                failure = error
        await self._mark({row.id: row.tries for row in rows}, failure)
        if failure.unsent - failure.refused.keys():
            raise failure
        return len(rows) - len(failure.refused)

    async def measure(self, service: str) -> None:
        """Measure how long the oldest unsent row has been waiting, and how many wait or were given up. For alerts."""
        table, now = self.table, self._clock.now()
        waiting = select(table.occurred_at).where(table.sent_at.is_(None), table.dead_at.is_(None))
        waiting = waiting.order_by(table.next_try_at).limit(MAX_COUNTED)
        first = waiting.subquery()
        dead = select(table.id).where(table.dead_at.is_not(None)).limit(MAX_COUNTED).subquery()
        async with self._engine.connect() as connection:
            found = await connection.execute(
                select(func.min(first.c.occurred_at), func.count()).select_from(first)
            )
            oldest, unsent = found.one()
            buried = await connection.scalar(select(func.count()).select_from(dead))
        OUTBOX_AGE.labels(service).set((now - oldest).total_seconds() if oldest else 0)
        OUTBOX_UNSENT.labels(service).set(unsent)
        OUTBOX_DEAD.labels(service).set(buried or 0)

    async def _claim(self) -> Sequence[Row[Any]]:
        table, now = self.table, self._clock.now()
        due = select(table.id).where(
            table.sent_at.is_(None), table.dead_at.is_(None), table.next_try_at <= now
        )
        due = due.order_by(table.next_try_at).limit(BATCH).with_for_update(skip_locked=True)
        picked = due.cte("picked")
        claim = update(table).where(table.id == picked.c.id).values(next_try_at=now + LEASE)
        columns = (
            table.id,
            table.type,
            table.version,
            table.occurred_at,
            table.trace,
            table.data,
            table.tries,
        )
        async with self._engine.begin() as connection:
            claimed = (await connection.execute(claim.returning(*columns))).all()
        # told as they happened, as far as one batch goes: an update gives its rows in any order
        return sorted(claimed, key=lambda row: row.id)

    async def _mark(self, tries: dict[UUID, int], failure: Unpublished) -> None:
        table, now = self.table, self._clock.now()
        sent = list(tries.keys() - failure.unsent)
        unreached = list(failure.unsent - failure.refused.keys())
        async with self._engine.begin() as connection:
            if sent:
                await connection.execute(update(table).where(_one_of(table, sent)).values(sent_at=now))
            if unreached:
                await connection.execute(
                    update(table).where(_one_of(table, unreached)).values(next_try_at=now)
                )
            for id, reason in failure.refused.items():
                log.warning("outbox.refused", id=str(id), tries=tries[id] + 1, reason=reason)
                await connection.execute(_refuse(table, id, reason, tries=tries[id] + 1, now=now))


def _one_of(table: Table, ids: list[UUID]) -> ColumnElement[bool]:
    return table.id == any_(cast(ids, ARRAY(TYPES[UUID])))


def _refuse(table: Table, id: UUID, reason: str, *, tries: int, now: datetime) -> Update:
    pause_seconds = min(MAX_PAUSE_SECONDS, 2**tries)
    return (
        update(table)
        .where(table.id == id)
        .values(
            tries=tries,
            last_error=reason,
            next_try_at=now + timedelta(seconds=pause_seconds),
            dead_at=now if tries >= MAX_TRIES else None,
        )
    )


def _message_of(row: Row[Any], spans: ExitStack) -> Message:
    """Write a row as a message; where spans are exported, its sending becomes a part of the trace it comes from."""
    trace = row.trace
    if is_exporting():
        known = {"messaging.operation.type": "send", "messaging.message.id": str(row.id)}
        spans.enter_context(span(f"send {row.type}", row.trace, kind=Kind.PRODUCER, attributes=known))
        trace = current_traceparent()
    envelope = {
        "id": str(row.id),
        "type": row.type,
        "version": row.version,
        "occurred_at": row.occurred_at,
        "trace": trace,
        "data": row.data,
    }
    return Message(row.id, row.type, orjson.dumps(envelope), trace)


async def delete_sent(session: Session, table: Table, *, now: datetime) -> int:
    """Delete what was sent more than a day ago; give the number. A job of every service with an outbox."""
    return await _count(session, delete(table).where(table.sent_at < now - KEEP_SENT))


async def replay_since(session: Session, table: Table, *, since: datetime, now: datetime) -> int:
    """Send again what was sent since a moment (after a broker lost its data); inboxes drop the repeats."""
    again = update(table).where(table.sent_at >= since).values(sent_at=None, next_try_at=now)
    return await _count(session, again)


async def replay_dead(
    session: Session, table: Table, *, now: datetime, ids: Sequence[UUID] | None = None
) -> int:
    """Give the named dead rows, or all, a new set of tries; give their number."""
    again = update(table).where(table.dead_at.is_not(None)).values(dead_at=None, tries=0, next_try_at=now)
    return await _count(session, again if ids is None else again.where(_one_of(table, list(ids))))


async def _count(session: Session, statement: Update | Delete) -> int:
    result = await session.execute(statement.execution_options(synchronize_session=False))
    return typed(CursorResult[Any], result).rowcount
