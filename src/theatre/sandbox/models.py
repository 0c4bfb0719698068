"""Tables of the sandbox. Of a card only the first six and last four digits are ever stored."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from theatre.kit import db
from theatre.kit.db import Big
from theatre.sandbox.sending import SendingColumns

# a receipt and what it belongs to may be written in one go, in any order
AT_COMMIT: Any = {"deferrable": True, "initially": "DEFERRED"}
Document = Annotated[dict[str, Any], mapped_column(JSONB(none_as_null=True))]


class PaymentStatus(StrEnum):
    """Where a payment stands; the last two are final."""

    PENDING = "pending"
    WAITING_FOR_CAPTURE = "waiting_for_capture"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class RefundStatus(StrEnum):
    """Where a refund stands; the last two are final."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class DisputeStatus(StrEnum):
    """Where a dispute stands; the last two are final."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class FaultKind(StrEnum):
    """What can be made to go wrong: with an answer of the API, or (`notification_…`) with a notification."""

    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    TOO_MANY_REQUESTS = "too_many_requests"
    PROCESSING = "processing"
    DELAY = "delay"
    CUT_BEFORE = "cut_before"
    CUT_AFTER = "cut_after"
    NOTIFICATION_LOST = "notification_lost"
    NOTIFICATION_DUPLICATED = "notification_duplicated"
    NOTIFICATION_LATE = "notification_late"


# FROM → TO. Statuses may be skipped, their order never changes (PROVIDERS 1.5).
PAYMENT_TRANSITIONS = {
    PaymentStatus.PENDING: {
        PaymentStatus.WAITING_FOR_CAPTURE,
        PaymentStatus.SUCCEEDED,
        PaymentStatus.CANCELED,
    },
    PaymentStatus.WAITING_FOR_CAPTURE: {PaymentStatus.SUCCEEDED, PaymentStatus.CANCELED},
    PaymentStatus.SUCCEEDED: set(),
    PaymentStatus.CANCELED: set(),
}


class Base(DeclarativeBase):
    """Catalogue of this service's tables."""

    metadata = db.metadata("sandbox")
    type_annotation_map = db.TYPES


class Face(StrEnum):
    """Which payment system the sandbox is to a shop."""

    YOOKASSA = "yookassa"
    STRIPE = "stripe"


def face_of(shop_id: str) -> Face:
    """Tell it by the form of the shop's id: numbers there, `acct_…` here."""
    return Face.STRIPE if shop_id.startswith("acct_") else Face.YOOKASSA


class Shop(Base):
    """A merchant. Nothing is sent to it without a notification address; `webhook_secret` signs what is sent."""

    __tablename__ = "shop"

    id: Mapped[str] = mapped_column(primary_key=True)
    gateway_id: Mapped[str]
    secret_digest: Mapped[str]
    oauth_digest: Mapped[str | None]
    notification_url: Mapped[str | None]
    webhook_secret: Mapped[str | None]
    is_cancel_refused: Mapped[bool] = mapped_column(server_default=text("false"))


class Payment(Base):
    """A payment. `due_at` is when its term, its hold or a delayed decision (`is_processing`) is over.

    `last_refusal` is why a try came to nothing where the payer may try again.
    """

    __tablename__ = "payment"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    gateway_id: Mapped[str]
    status: Mapped[PaymentStatus] = mapped_column(Text)
    amount_minor: Mapped[Big]
    refunded_minor: Mapped[Big] = mapped_column(default=0)
    refunding_minor: Mapped[Big] = mapped_column(default=0)
    currency: Mapped[str]
    description: Mapped[str | None]
    details: Mapped[Document] = mapped_column("metadata")
    merchant_customer_id: Mapped[str | None]
    captures_at_once: Mapped[bool]
    saves_method: Mapped[bool | None]
    confirmation: Mapped[Document | None]
    method: Mapped[Document | None]
    is_method_saved: Mapped[bool] = mapped_column(default=False)
    scenario: Mapped[str | None]
    is_challenged: Mapped[bool] = mapped_column(default=False)
    is_processing: Mapped[bool] = mapped_column(default=False)
    authorization: Mapped[Document | None]
    cancellation: Mapped[Document | None]
    last_refusal: Mapped[Document | None]
    receipt: Mapped[Document | None]
    idempotence_key: Mapped[str]
    capture_key: Mapped[str | None]
    created_at: Mapped[datetime]
    captured_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("refunded_minor >= 0 AND refunding_minor >= 0", name="refunds_not_negative"),
        CheckConstraint("refunded_minor + refunding_minor <= amount_minor", name="refunds_within_amount"),
        CheckConstraint("(status = 'succeeded') = (captured_at IS NOT NULL)", name="captured_when_succeeded"),
        CheckConstraint("(status = 'canceled') = (cancellation IS NOT NULL)", name="reason_when_canceled"),
        CheckConstraint(
            "status IN ('pending', 'waiting_for_capture', 'succeeded', 'canceled')", name="status_known"
        ),
        Index("ix_payment_newest", "shop_id", text("created_at DESC"), text("id DESC")),
        Index("ix_payment_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )


class PaymentMethod(Base):
    """A method saved by a first payment, whose id it shares; charges by it need no payer."""

    __tablename__ = "payment_method"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    method: Mapped[Document]
    scenario: Mapped[str]
    is_revoked: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]


class Refund(Base):
    """Money given back. A pending one ends at `due_at`: refused if `cancellation` is already there."""

    __tablename__ = "refund"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    payment_id: Mapped[UUID] = mapped_column(ForeignKey(Payment.id))
    status: Mapped[RefundStatus] = mapped_column(Text)
    amount_minor: Mapped[Big]
    currency: Mapped[str]
    description: Mapped[str | None]
    details: Mapped[Document] = mapped_column("metadata")
    cancellation: Mapped[Document | None]
    receipt: Mapped[Document | None]
    rrn: Mapped[str]
    idempotence_key: Mapped[str]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("status IN ('pending', 'succeeded', 'canceled')", name="status_known"),
        CheckConstraint("status <> 'canceled' OR cancellation IS NOT NULL", name="reason_when_canceled"),
        CheckConstraint("(status = 'pending') = (due_at IS NOT NULL)", name="due_when_pending"),
        Index("ix_refund_newest", "shop_id", text("created_at DESC"), text("id DESC")),
        Index("ix_refund_payment_id", "payment_id"),
        Index("ix_refund_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )


class Dispute(Base):
    """What a payer's bank wants back of a payment, at Stripe's face only. An inquiry takes nothing unless it is lost.

    `withdrawn_minor` was taken from the shop, which gets it back with a dispute that it wins.
    """

    __tablename__ = "dispute"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    payment_id: Mapped[UUID] = mapped_column(ForeignKey(Payment.id))
    status: Mapped[DisputeStatus] = mapped_column(Text)
    is_inquiry: Mapped[bool]
    amount_minor: Mapped[Big]
    withdrawn_minor: Mapped[Big | None]
    currency: Mapped[str]
    reason: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("amount_minor > 0 AND withdrawn_minor >= 0", name="amounts_positive"),
        CheckConstraint("status IN ('open', 'won', 'lost')", name="status_known"),
        Index("ix_dispute_payment_id", "payment_id"),
    )


class Receipt(Base):
    """A receipt as tax law wants it; registration is imitated."""

    __tablename__ = "receipt"

    id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    type: Mapped[str]
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey(Payment.id, **AT_COMMIT))
    refund_id: Mapped[UUID | None] = mapped_column(ForeignKey(Refund.id, **AT_COMMIT))
    content: Mapped[Document]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("type IN ('payment', 'refund')", name="type_known"),
        Index("ix_receipt_newest", "shop_id", text("created_at DESC"), text("id DESC")),
        Index("ix_receipt_payment_id", "payment_id"),
        Index("ix_receipt_refund_id", "refund_id"),
    )


class IdempotenceKey(Base):
    """A key that a shop used within the last 24 hours, and the object that came of it or the very `answer`."""

    __tablename__ = "idempotence_key"

    shop_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    object_id: Mapped[str]
    answer: Mapped[str | None]
    created_at: Mapped[datetime]


class Notification(SendingColumns, Base):
    """A notification with the object as it was then.

    `course` says what is to happen on its first try: nothing special, or lost, duplicated, late.
    """

    __tablename__ = "notification"

    shop_id: Mapped[str]
    payment_id: Mapped[UUID]
    event: Mapped[str]
    course: Mapped[str | None]
    is_lost: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        Index("ix_notification_due", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
        Index("ix_notification_payment_id", "payment_id"),
    )


class Webhook(Base):
    """An address that an OAuth application registered for one kind of event."""

    __tablename__ = "webhook"

    id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    event: Mapped[str]
    url: Mapped[str]
    created_at: Mapped[datetime]


class Fault(Base):
    """A switched-on fault: for the next `remaining` calls (or events) that its pattern matches."""

    __tablename__ = "fault"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[FaultKind] = mapped_column(Text)
    method: Mapped[str]
    path: Mapped[str]
    remaining: Mapped[int]
    delay_ms: Mapped[int]

    __table_args__ = (CheckConstraint("remaining >= 0", name="remaining_not_negative"),)


class ClockOffset(Base):
    """How far the sandbox's clock is ahead of the world's; one row."""

    __tablename__ = "clock_offset"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offset_ms: Mapped[Big]

    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint("offset_ms >= 0", name="only_forward"),
    )
