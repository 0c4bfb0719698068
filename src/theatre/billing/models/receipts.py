"""Fiscal receipts: what is registered with the tax service about money taken and given back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from theatre.billing.models.payments import Payment, Refund
from theatre.billing.models.schema import Base, one_of
from theatre.billing.models.states import ReceiptKind, ReceiptStatus
from theatre.kit.db import Big


class Receipt(Base):
    """One fiscal receipt: of a payment's money (`income`), or of a refund's (`return`).

    `submission_id` is the idempotency key of handing it in; a definite no needs a new one. What is handed in under one
    key stays the same word for word: tax codes and the buyer's address are fixed when it first goes out. The address
    is kept no longer than that takes: the proof that the law wants is the fiscal document itself, which contains it
    and is kept by the operator of fiscal data.
    """

    __tablename__ = "receipt"
    __table_args__ = (
        one_of("kind", ReceiptKind),
        one_of("status", ReceiptStatus),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("(kind = 'return') = (refund_id IS NOT NULL)", name="return_has_refund"),
        CheckConstraint(
            "(status = 'succeeded') = (registered_at IS NOT NULL)",
            name="succeeded_has_moment",
        ),
        CheckConstraint("(status = 'failed') = (failure_code IS NOT NULL)", name="failed_has_reason"),
        CheckConstraint("status IN ('pending', 'sent') OR email IS NULL", name="email_kept_while_sending"),
        Index("uq_receipt_income", "payment_id", unique=True, postgresql_where=text("kind = 'income'")),
        Index("uq_receipt_return", "refund_id", unique=True, postgresql_where=text("refund_id IS NOT NULL")),
        Index("ix_receipt_payment_id", "payment_id", "id"),
        Index("ix_receipt_status", "status", "id", postgresql_where=text("status <> 'succeeded'")),
        Index("ix_receipt_created_at", "created_at"),
        Index("ix_receipt_next_try_at", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    status: Mapped[str]
    payment_id: Mapped[UUID] = mapped_column(ForeignKey(Payment.id))
    refund_id: Mapped[UUID | None] = mapped_column(ForeignKey(Refund.id))
    attempt_id: Mapped[UUID]
    amount_minor: Mapped[Big]
    currency: Mapped[str]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    submission_id: Mapped[UUID] = mapped_column(unique=True)
    sent_at: Mapped[datetime | None]
    vat_code: Mapped[int | None]
    tax_system_code: Mapped[int | None]
    email: Mapped[str | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    next_try_at: Mapped[datetime | None]
    provider_reference: Mapped[str | None]
    failure_code: Mapped[str | None]
    failure_message: Mapped[str | None]
    fiscal_document_number: Mapped[str | None]
    fiscal_storage_number: Mapped[str | None]
    fiscal_attribute: Mapped[str | None]
    registered_at: Mapped[datetime | None]
