"""The table of short links. A row is written once; only its clicks are counted afterwards."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from theatre.kit import db


class Base(DeclarativeBase):
    metadata = db.metadata("short_link")
    type_annotation_map = db.TYPES


class Link(Base):
    """Where a code leads, until when, and for whom it was made."""

    __tablename__ = "link"
    __table_args__ = (
        CheckConstraint("clicks >= 0", name="clicks_not_negative"),
        CheckConstraint("expires_at > created_at", name="expires_after_creation"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    purpose: Mapped[str]
    user_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    clicks: Mapped[db.Big] = mapped_column(server_default="0")
