"""A service of one room: facts, an outbox, an inbox and a table in which effects can be counted."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from theatre.kit import db, outbox
from theatre.kit.broker import Broker
from theatre.kit.clock import Clock
from theatre.kit.events import Event
from theatre.kit.inbox import InboxColumns
from theatre.kit.outbox import OutboxColumns

SCHEMA = "stage"


class Base(DeclarativeBase):
    metadata = db.metadata(SCHEMA)
    type_annotation_map = db.TYPES


class OutboxMessage(OutboxColumns, Base):
    __tablename__ = "outbox_message"


class InboxMessage(InboxColumns, Base):
    __tablename__ = "inbox_message"


class Effect(Base):
    """One row for each time that something happened."""

    __tablename__ = "effect"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    happened_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Played(Event):
    """A fact of the stage."""

    key: ClassVar[str] = "stage.scene.played"
    name: str


class Cheered(Event):
    """Another fact of the stage."""

    key: ClassVar[str] = "stage.scene.cheered"
    name: str


@dataclass(frozen=True)
class Resources:
    """What the stage's worker needs."""

    engine: db.Engine
    sessions: db.Sessions
    clock: Clock
    broker: Broker


def open_engine(url: str) -> db.Engine:
    """Open the stage's pool; it acts as whoever logs in."""
    return db.open_engine(url, role=str(make_url(url).username), pool_size=8)


async def build(engine: db.Engine) -> None:
    """Make the tables."""
    async with engine.begin() as connection:
        await connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        await connection.run_sync(Base.metadata.create_all)
        for statement in outbox.wakeup_statements(SCHEMA):
            await connection.execute(text(statement))


async def clear(engine: db.Engine) -> None:
    """Empty the tables."""
    async with engine.begin() as connection:
        names = ", ".join(f"{SCHEMA}.{name}" for name in ("outbox_message", "inbox_message", "effect"))
        await connection.execute(text(f"TRUNCATE {names}"))


async def count_effects(sessions: db.Sessions, name: str) -> int:
    """Count how often something happened."""
    async with sessions() as session:
        count = select(func.count()).select_from(Effect).where(Effect.name == name)
        return await session.scalar(count) or 0


async def inbox_row(sessions: db.Sessions, message_id: UUID) -> InboxMessage | None:
    """Read the inbox's row of a message."""
    async with sessions() as session:
        return await session.scalar(select(InboxMessage).where(InboxMessage.message_id == message_id))
