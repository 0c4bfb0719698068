"""What staff look at and answer for: cases that wait for a person, and who did what."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from theatre.billing.models.payments import Payment, Refund
from theatre.billing.models.schema import Base, one_of
from theatre.billing.models.states import CaseKind, CaseStatus
from theatre.kit.db import Big


class Case(Base):
    """Something that a person must look at. `cause` is unique: the same trouble opens one case, however often met."""

    __tablename__ = "staff_case"
    __table_args__ = (
        one_of("kind", CaseKind),
        one_of("status", CaseStatus),
        CheckConstraint(
            "(status = 'resolved') = (resolved_at IS NOT NULL AND resolved_by IS NOT NULL AND note IS NOT NULL)",
            name="resolved_is_whole",
        ),
        Index("ix_staff_case_status", "status", text("id DESC")),
        Index("ix_staff_case_kind", "kind", "id"),
        Index("ix_staff_case_payment_id", "payment_id", postgresql_where=text("payment_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    cause: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str]
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey(Payment.id))
    refund_id: Mapped[UUID | None] = mapped_column(ForeignKey(Refund.id))
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    opened_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[UUID | None]
    note: Mapped[str | None]


class AuditRecord(Base):
    """One thing that a member of staff did or looked at. Append-only; each carries the hash of the one before."""

    __tablename__ = "audit_record"
    __table_args__ = (
        Index("ix_audit_record_actor_id", "actor_id", text("number DESC")),
        Index("ix_audit_record_subject", "subject_kind", "subject_id", text("number DESC")),
    )

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
