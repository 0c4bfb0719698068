"""What payers' banks want back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from theatre.billing.models.payments import Payment
from theatre.billing.models.schema import Base, one_of
from theatre.contracts.payment_disputes import (
    DisputeStatus,
)
from theatre.kit.db import Big


class Dispute(Base):
    """A claim of a payer's bank on captured money, as payment-service told it last; the id is payment-service's.

    `withdrawn_minor` is what the provider has taken for it and not put back, `fee_minor` what it keeps for its
    trouble. Of what is told only a higher `revision` than the stored one is news.
    """

    __tablename__ = "dispute"
    __table_args__ = (
        one_of("status", DisputeStatus),
        CheckConstraint("amount_minor >= 0 AND withdrawn_minor >= 0", name="amounts_not_negative"),
        CheckConstraint("(fee_minor IS NULL) = (fee_currency IS NULL)", name="fee_is_whole"),
        CheckConstraint("(status IN ('won', 'lost')) = (closed_at IS NOT NULL)", name="closed_has_moment"),
        UniqueConstraint("provider_reference", "provider"),
        Index("ix_dispute_payment_id", "payment_id", "id"),
        Index("ix_dispute_attempt_id", "attempt_id"),
        Index("ix_dispute_status", "status", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey(Payment.id))
    attempt_id: Mapped[UUID]
    provider: Mapped[str]
    provider_reference: Mapped[str]
    status: Mapped[str]
    revision: Mapped[int]
    amount_minor: Mapped[Big]
    currency: Mapped[str]
    withdrawn_minor: Mapped[Big]
    fee_minor: Mapped[Big | None]
    fee_currency: Mapped[str | None]
    reason: Mapped[str]
    answer_due_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
