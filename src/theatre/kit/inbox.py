"""The inbox: what a consumer has already settled, so that a repeated delivery has no second effect."""

from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from theatre.kit.db import Session


class InboxColumns:
    """Columns of a service's table: `class InboxMessage(InboxColumns, Base): __tablename__ = "inbox_message"`."""

    consumer: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    tries: Mapped[int] = mapped_column(server_default="0")
    first_seen_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


Table = type[InboxColumns]
