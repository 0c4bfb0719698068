"""Billing's tables, whose constraints hold the rules, and its states with what each may become."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from theatre.kit import db
from theatre.kit.db import Big
from theatre.kit.idempotency import IdempotencyColumns
from theatre.kit.inbox import InboxColumns
from theatre.kit.outbox import OutboxColumns


class ProductKind(StrEnum):
    """What a product gives: all of the catalogue for a time, one film for ever, one film for a while, a present."""

    PLAN = "plan"
    FILM = "film"
    RENTAL = "rental"
    GIFT = "gift"


class PaymentStatus(StrEnum):
    """States of CONTRACT 5."""

    UNPAID = "unpaid"
    PENDING = "pending"
    PAID = "paid"
    REFUNDED = "refunded"
    CANCELED = "canceled"
    EXPIRED = "expired"


PAYMENT_TRANSITIONS: Mapping[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.UNPAID: frozenset(
        {PaymentStatus.PENDING, PaymentStatus.CANCELED, PaymentStatus.EXPIRED, PaymentStatus.PAID}
    ),
    PaymentStatus.PENDING: frozenset(
        {PaymentStatus.PAID, PaymentStatus.UNPAID, PaymentStatus.CANCELED, PaymentStatus.EXPIRED}
    ),
    PaymentStatus.PAID: frozenset({PaymentStatus.REFUNDED}),
    PaymentStatus.REFUNDED: frozenset(),
    PaymentStatus.CANCELED: frozenset(),
    PaymentStatus.EXPIRED: frozenset(),
}


class RefundStatus(StrEnum):
    """`requested` waits for a second person; `pending` is with the provider."""

    REQUESTED = "requested"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"


REFUND_TRANSITIONS: Mapping[RefundStatus, frozenset[RefundStatus]] = {
    RefundStatus.REQUESTED: frozenset({RefundStatus.PENDING, RefundStatus.REJECTED}),
    RefundStatus.PENDING: frozenset({RefundStatus.SUCCEEDED, RefundStatus.FAILED}),
    RefundStatus.SUCCEEDED: frozenset(),
    # a provider may find out afterwards that the money did go back: money wins
    RefundStatus.FAILED: frozenset({RefundStatus.SUCCEEDED}),
    RefundStatus.REJECTED: frozenset(),
}
RESERVING = frozenset({RefundStatus.REQUESTED, RefundStatus.PENDING, RefundStatus.SUCCEEDED})
"""Refunds in these states count against what may still be given back."""


class RefundSource(StrEnum):
    """Who wanted it: the buyer, staff, or the rule that gives back money that came too late."""

    USER = "user"
    STAFF = "staff"
    LATE = "late"


class SubscriptionStatus(StrEnum):
    """States of a standing agreement."""

    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    PAUSED = "paused"
    CANCELED = "canceled"
    EXPIRED = "expired"


OPEN_SUBSCRIPTION = (
    SubscriptionStatus.TRIALING,
    SubscriptionStatus.ACTIVE,
    SubscriptionStatus.PAST_DUE,
    SubscriptionStatus.PAUSED,
)


def one_of(column: str, states: type[StrEnum]) -> CheckConstraint:
    """Make the constraint that a text column holds one of an enum's words."""
    listed = ", ".join(f"'{state}'" for state in states)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


class Base(DeclarativeBase):
    metadata = db.metadata("billing")
    type_annotation_map = db.TYPES


class Product(Base):
    """What can be bought. Names and descriptions by language."""

    __tablename__ = "product"
    __table_args__ = (one_of("kind", ProductKind),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    descriptions: Mapped[dict[str, str]] = mapped_column(JSONB)
    film_id: Mapped[UUID | None] = mapped_column(index=True)
    is_active: Mapped[bool]
    created_at: Mapped[datetime]

    prices: Mapped[list["Price"]] = relationship(
        back_populates="product", order_by="Price.amount_minor, Price.id", lazy="raise"
    )


class Price(Base):
    """An immutable amount for a product; only `is_active` may change, which the database enforces."""

    __tablename__ = "price"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_iso"),
        CheckConstraint("interval_unit IN ('day', 'month', 'year')", name="interval_unit_known"),
        CheckConstraint("(interval_unit IS NULL) = (interval_count IS NULL)", name="interval_whole"),
        CheckConstraint("interval_count BETWEEN 1 AND 366", name="interval_count_sane"),
        CheckConstraint("trial_days BETWEEN 0 AND 366", name="trial_days_sane"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    product_id: Mapped[UUID] = mapped_column(ForeignKey(Product.id), index=True)
    amount_minor: Mapped[Big]
    currency: Mapped[str]
    interval_unit: Mapped[str | None]
    interval_count: Mapped[int | None]
    trial_days: Mapped[int]
    is_active: Mapped[bool]
    created_at: Mapped[datetime]

    product: Mapped[Product] = relationship(back_populates="prices", lazy="raise")


class Payment(Base):
    """What a user owes for one purchase, at prices we set.

    `open_attempt_id` is the one attempt that may still bring money; its link is kept so that it can be given again.
    """

    __tablename__ = "payment"
    __table_args__ = (
        one_of("status", PaymentStatus),
        CheckConstraint("total_minor >= 0 AND discount_minor >= 0", name="amounts_not_negative"),
        CheckConstraint("refunded_minor BETWEEN 0 AND total_minor", name="refunded_within_total"),
        CheckConstraint("(status = 'pending') = (open_attempt_id IS NOT NULL)", name="pending_has_attempt"),
        CheckConstraint("(status IN ('paid', 'refunded')) = (paid_at IS NOT NULL)", name="paid_has_moment"),
        Index("ix_payment_user_id", "user_id", text("id DESC")),
        Index("ix_payment_status", "status", text("id DESC")),
        Index(
            "ix_payment_expires_at", "expires_at", postgresql_where=text("status IN ('unpaid', 'pending')")
        ),
        Index("uq_payment_open_attempt_id", "open_attempt_id", unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    status: Mapped[str]
    currency: Mapped[str]
    total_minor: Mapped[Big]
    discount_minor: Mapped[Big]
    refunded_minor: Mapped[Big]
    promo_code: Mapped[str | None]
    title: Mapped[str]
    provider: Mapped[str | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    canceled_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    failure_code: Mapped[str | None]
    failure_message: Mapped[str | None]
    open_attempt_id: Mapped[UUID | None]
    paid_attempt_id: Mapped[UUID | None]
    return_url: Mapped[str | None]
    save_method: Mapped[bool]
    confirmation_url: Mapped[str | None]
    short_url: Mapped[str | None]
    link_expires_at: Mapped[datetime | None]
    next_ask_at: Mapped[datetime | None] = mapped_column(index=True)

    items: Mapped[list["PaymentItem"]] = relationship(order_by="PaymentItem.position", lazy="raise")


class PaymentItem(Base):
    """One line of a payment: name, kind and price as they were when it was made."""

    __tablename__ = "payment_item"
    __table_args__ = (
        CheckConstraint("quantity BETWEEN 1 AND 100", name="quantity_sane"),
        CheckConstraint("unit_minor > 0 AND total_minor = unit_minor * quantity", name="total_is_product"),
        UniqueConstraint("payment_id", "position"),
        one_of("kind", ProductKind),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey(Payment.id))
    position: Mapped[int]
    product_id: Mapped[UUID] = mapped_column(ForeignKey(Product.id))
    price_id: Mapped[UUID] = mapped_column(ForeignKey(Price.id))
    name: Mapped[str]
    kind: Mapped[str]
    quantity: Mapped[int]
    unit_minor: Mapped[Big]
    total_minor: Mapped[Big]


class PaymentTransition(Base):
    """One change of a payment's state, and why. Append-only."""

    __tablename__ = "payment_transition"
    __table_args__ = (Index("ix_payment_transition_payment_id", "payment_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey(Payment.id))
    from_status: Mapped[str]
    to_status: Mapped[str]
    reason: Mapped[str]
    attempt_id: Mapped[UUID | None]
    occurred_at: Mapped[datetime]


class Refund(Base):
    """Money given back, whole or part. Those of source `late` give back money that bought nothing."""

    __tablename__ = "refund"
    __table_args__ = (
        one_of("status", RefundStatus),
        one_of("source", RefundSource),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("ix_refund_payment_id", "payment_id", "id"),
        Index("ix_refund_next_ask_at", "next_ask_at", postgresql_where=text("status = 'pending'")),
        Index("uq_refund_late", "attempt_id", unique=True, postgresql_where=text("source = 'late'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey(Payment.id))
    attempt_id: Mapped[UUID]
    provider: Mapped[str]
    status: Mapped[str]
    source: Mapped[str]
    amount_minor: Mapped[Big]
    currency: Mapped[str]
    reason: Mapped[str]
    requested_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    failure_code: Mapped[str | None]
    failure_message: Mapped[str | None]
    next_ask_at: Mapped[datetime | None]


class Subscription(Base):
    """A standing agreement on a plan. `paid_until` moves with each paid period; days are counted from `anchor_at`."""

    __tablename__ = "subscription"
    __table_args__ = (
        one_of("status", SubscriptionStatus),
        CheckConstraint("paid_from < paid_until", name="period_forward"),
        Index("ix_subscription_user_id", "user_id", text("id DESC")),
        Index(
            "uq_subscription_open",
            "user_id",
            "product_id",
            unique=True,
            postgresql_where=text("status IN ('trialing', 'active', 'past_due', 'paused')"),
        ),
        Index("ix_subscription_paid_until", "paid_until", postgresql_where=text("status = 'active'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    product_id: Mapped[UUID] = mapped_column(ForeignKey(Product.id))
    price_id: Mapped[UUID] = mapped_column(ForeignKey(Price.id))
    status: Mapped[str]
    zone: Mapped[str]
    anchor_at: Mapped[datetime]
    anchor_months: Mapped[int]
    paid_from: Mapped[datetime]
    paid_until: Mapped[datetime]
    cancel_at_period_end: Mapped[bool]
    created_at: Mapped[datetime]

    product: Mapped[Product] = relationship(lazy="raise")
    price: Mapped[Price] = relationship(lazy="raise")


class SubscriptionPeriod(Base):
    """One paid stretch of a subscription, bought by one line of a payment."""

    __tablename__ = "subscription_period"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="forward"),
        Index("ix_subscription_period_subscription_id", "subscription_id", "starts_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subscription_id: Mapped[UUID] = mapped_column(ForeignKey(Subscription.id))
    payment_item_id: Mapped[UUID] = mapped_column(ForeignKey(PaymentItem.id), unique=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey(Payment.id), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Entitlement(Base):
    """The right to watch, from–until, with its source; one for each line of a payment."""

    __tablename__ = "entitlement"
    __table_args__ = (
        one_of("kind", ProductKind),
        Index("ix_entitlement_user_id", "user_id", text("id DESC")),
        Index("ix_entitlement_film", "user_id", "film_id", postgresql_where=text("revoked_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    kind: Mapped[str]
    product_id: Mapped[UUID] = mapped_column(ForeignKey(Product.id))
    film_id: Mapped[UUID | None]
    payment_id: Mapped[UUID] = mapped_column(ForeignKey(Payment.id), index=True)
    payment_item_id: Mapped[UUID] = mapped_column(ForeignKey(PaymentItem.id), unique=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class LedgerEntry(Base):
    """One balanced fact about money. Append-only; a mistake is reversed by another entry, never edited."""

    __tablename__ = "ledger_entry"
    __table_args__ = (Index("ix_ledger_entry_payment_id", "payment_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    operation_key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey(Payment.id))
    refund_id: Mapped[UUID | None] = mapped_column(ForeignKey(Refund.id))
    occurred_at: Mapped[datetime]

    postings: Mapped[list["LedgerPosting"]] = relationship(order_by="LedgerPosting.position", lazy="raise")


class LedgerPosting(Base):
    """One signed line of an entry: debit above zero, credit below. Lines of an entry sum to zero per currency."""

    __tablename__ = "ledger_posting"
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="amount_not_zero"),
        Index("ix_ledger_posting_account", "account", "currency", "entry_id"),
    )

    entry_id: Mapped[UUID] = mapped_column(ForeignKey(LedgerEntry.id), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str]
    amount_minor: Mapped[Big]
    currency: Mapped[str]


class IdempotencyKey(IdempotencyColumns, Base):
    __tablename__ = "idempotency_key"


class OutboxMessage(OutboxColumns, Base):
    __tablename__ = "outbox_message"


class InboxMessage(InboxColumns, Base):
    __tablename__ = "inbox_message"
