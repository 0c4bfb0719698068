"""Payment's tables, whose constraints hold the rules, and its states with what each may become."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from theatre.contracts.payment import AttemptStatus, RefundStatus
from theatre.contracts.payment_disputes import (
    DisputeStatus,
)
from theatre.kit import db
from theatre.kit.db import Big
from theatre.kit.outbox import OutboxColumns

# Money that arrives after all is believed, whatever we believed before; nothing ever undoes a success.
ATTEMPT_TRANSITIONS: Mapping[str, frozenset[AttemptStatus]] = {
    AttemptStatus.CREATED: frozenset({AttemptStatus.PENDING, AttemptStatus.SUCCEEDED, AttemptStatus.FAILED}),
    AttemptStatus.PENDING: frozenset({AttemptStatus.SUCCEEDED, AttemptStatus.FAILED}),
    AttemptStatus.FAILED: frozenset({AttemptStatus.SUCCEEDED}),
    AttemptStatus.SUCCEEDED: frozenset(),
}
REFUND_TRANSITIONS: Mapping[str, frozenset[RefundStatus]] = {
    RefundStatus.PENDING: frozenset({RefundStatus.SUCCEEDED, RefundStatus.FAILED}),
    RefundStatus.FAILED: frozenset({RefundStatus.SUCCEEDED}),
    RefundStatus.SUCCEEDED: frozenset(),
}


class EventStatus(StrEnum):
    """State of a provider's callback. `waiting`: not yet confirmed, or about something we do not know."""

    WAITING = "waiting"
    APPLIED = "applied"
    REJECTED = "rejected"


def one_of(states: type[StrEnum]) -> CheckConstraint:
    """Make the constraint that `status` holds one of an enum's words."""
    listed = ", ".join(f"'{state}'" for state in states)
    return CheckConstraint(f"status IN ({listed})", name="status_known")


def due_index(table: str) -> Index:
    """Make the index by which rows that are due for a question are found."""
    return Index(
        f"ix_{table}_next_check_at", "next_check_at", postgresql_where=text("next_check_at IS NOT NULL")
    )


class Base(DeclarativeBase):
    metadata = db.metadata("payment")
    type_annotation_map = db.TYPES


class Checked:
    """Columns of what is asked about at growing intervals until it is known; `next_check_at` is then null."""

    id: Mapped[UUID] = mapped_column(primary_key=True)
    checks: Mapped[int] = mapped_column(server_default=text("0"))
    next_check_at: Mapped[datetime | None]


class Traced:
    """A column for the trace in which something was asked for: its outcome comes in another and is told in that."""

    trace: Mapped[str | None]


class Attempt(Checked, Traced, Base):
    """One try to collect a payment with one provider; the id is billing's, and our key at the provider.

    A payment has at most one that is open. With `is_routed` we chose the provider, and may choose another. `method` is
    what the payer let the provider keep, as it showed it. With a `method_reference` it charges such a method and has no
    link; once `withdrawn_at` it is not begun any more.
    """

    __tablename__ = "attempt"
    __table_args__ = (
        one_of(AttemptStatus),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_iso"),
        CheckConstraint(
            "status <> 'succeeded' OR (captured_minor IS NOT NULL AND captured_currency IS NOT NULL"
            " AND captured_at IS NOT NULL AND provider_reference IS NOT NULL)",
            name="succeeded_is_whole",
        ),
        CheckConstraint("(status = 'failed') = (failure_code IS NOT NULL)", name="failed_has_reason"),
        CheckConstraint("(fee_minor IS NULL) = (fee_currency IS NULL)", name="fee_is_whole"),
        CheckConstraint("withdrawn_at IS NULL OR method_reference IS NOT NULL", name="withdrawn_is_charge"),
        UniqueConstraint("provider", "provider_reference"),
        due_index("attempt"),
        Index("ix_attempt_created_at", "created_at"),
        Index(
            "uq_attempt_open_payment_id",
            "payment_id",
            unique=True,
            postgresql_where=text("status IN ('created', 'pending')"),
        ),
    )

    payment_id: Mapped[UUID] = mapped_column(index=True)
    user_id: Mapped[UUID]
    status: Mapped[str]
    provider: Mapped[str]
    is_routed: Mapped[bool] = mapped_column(server_default=text("false"))
    provider_reference: Mapped[str | None]
    amount_minor: Mapped[Big]
    currency: Mapped[str]
    description: Mapped[str]
    return_url: Mapped[str]
    save_method: Mapped[bool]
    confirmation_url: Mapped[str | None]
    short_url: Mapped[str | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    captured_minor: Mapped[Big | None]
    captured_currency: Mapped[str | None]
    captured_at: Mapped[datetime | None]
    fee_minor: Mapped[Big | None]
    fee_currency: Mapped[str | None]
    failure_code: Mapped[str | None]
    failure_message: Mapped[str | None]
    method: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    method_reference: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]


class Refund(Checked, Traced, Base):
    """Money of an attempt on its way back; the id is billing's, and our key at the provider.

    Those `made_by_provider` were made in its cabinet: we only heard of them, and the id is our own.
    """

    __tablename__ = "refund"
    __table_args__ = (
        one_of(RefundStatus),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("(status = 'failed') = (failure_code IS NOT NULL)", name="failed_has_reason"),
        UniqueConstraint("provider", "provider_reference"),
        due_index("refund"),
    )

    attempt_id: Mapped[UUID] = mapped_column(ForeignKey(Attempt.id), index=True)
    payment_id: Mapped[UUID] = mapped_column(index=True)
    status: Mapped[str]
    provider: Mapped[str]
    provider_reference: Mapped[str | None]
    amount_minor: Mapped[Big]
    currency: Mapped[str]
    reason: Mapped[str]
    made_by_provider: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    failure_code: Mapped[str | None]
    failure_message: Mapped[str | None]


class Dispute(Base):
    """What a payer's bank disputes of an attempt's money, as its provider had it last.

    Each change is told with the next `revision`; `moves` counts the times that money moved for it.
    """

    __tablename__ = "dispute"
    __table_args__ = (
        one_of(DisputeStatus),
        CheckConstraint("amount_minor >= 0 AND withdrawn_minor >= 0", name="amounts_not_negative"),
        CheckConstraint("(fee_minor IS NULL) = (fee_currency IS NULL)", name="fee_is_whole"),
        UniqueConstraint("provider", "provider_reference"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt_id: Mapped[UUID] = mapped_column(ForeignKey(Attempt.id), index=True)
    payment_id: Mapped[UUID] = mapped_column(index=True)
    provider: Mapped[str]
    provider_reference: Mapped[str]
    status: Mapped[str]
    revision: Mapped[int]
    moves: Mapped[int]
    amount_minor: Mapped[Big]
    currency: Mapped[str]
    withdrawn_minor: Mapped[Big]
    fee_minor: Mapped[Big | None]
    fee_currency: Mapped[str | None]
    reason: Mapped[str]
    answer_due_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class WalletTransfer(Checked, Base):
    """A transfer between wallets for an attempt or a refund, whose id it shares; at most one is ever sent for it.

    A transfer by a payer is asked about at `next_check_at`, before which nobody else works at it; that of a refund is
    asked about with its refund. From `sent_at` on money may have moved.
    """

    __tablename__ = "wallet_transfer"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("sent_at IS NULL OR request_id IS NOT NULL", name="sent_by_its_id"),
        due_index("wallet_transfer"),
    )

    request_id: Mapped[str | None]
    amount_minor: Mapped[Big]
    currency: Mapped[str]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class ProviderEvent(Checked, Base):
    """One callback as it came, and what became of it. With `case_opened_at` it waits for a person."""

    __tablename__ = "provider_event"
    __table_args__ = (
        one_of(EventStatus),
        UniqueConstraint("provider", "event", "object_id"),
        Index("ix_provider_event_object_id", "object_id", "provider"),
        due_index("provider_event"),
        Index(
            "ix_provider_event_case", "case_opened_at", postgresql_where=text("case_opened_at IS NOT NULL")
        ),
    )

    provider: Mapped[str]
    event: Mapped[str]
    object_id: Mapped[str]
    raw: Mapped[bytes]
    status: Mapped[str]
    reason: Mapped[str | None]
    received_at: Mapped[datetime]
    judged_at: Mapped[datetime | None]
    case_opened_at: Mapped[datetime | None]


class OutboxMessage(OutboxColumns, Base):
    __tablename__ = "outbox_message"
