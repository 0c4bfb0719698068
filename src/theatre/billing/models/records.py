"""What staff look at and answer for: cases that wait for a person, and who did what."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from theatre.billing.models.payments import Payment, Refund
from theatre.billing.models.schema import Base, one_of
from theatre.billing.models.states import CaseKind, CaseStatus
from theatre.kit.audit import AuditColumns


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


class AuditRecord(AuditColumns, Base):
    __tablename__ = "audit_record"


Index("ix_audit_record_action", AuditRecord.action, AuditRecord.number.desc())
Index("ix_audit_record_occurred_at", AuditRecord.occurred_at, AuditRecord.number)
