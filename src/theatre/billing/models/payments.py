"""What users owe and have paid, and what was given back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from theatre.billing.models.catalogue import Price, Product, PromoCode
from theatre.billing.models.methods import PaymentMethod
from theatre.billing.models.schema import Base, one_of
from theatre.billing.models.states import PaymentStatus, ProductKind, RefundSource, RefundStatus
from theatre.kit.db import Big


class Payment(Base):
    """What a user owes for one purchase, at prices we set.

    `open_attempt_id` is the one attempt that may still bring money; its link is kept so that it can be given again.
    With a `payment_method_id` the last attempt is, or was, a charge of that method and has no link.
    A renewal is the one payment for what follows `renews_from`, the end of a paid period of its subscription.
    """

    __tablename__ = "payment"
    __table_args__ = (
        one_of("status", PaymentStatus),
        CheckConstraint("total_minor >= 0 AND discount_minor >= 0", name="amounts_not_negative"),
        CheckConstraint("refunded_minor BETWEEN 0 AND total_minor", name="refunded_within_total"),
        CheckConstraint("(status = 'pending') = (open_attempt_id IS NOT NULL)", name="pending_has_attempt"),
        CheckConstraint("(status IN ('paid', 'refunded')) = (paid_at IS NOT NULL)", name="paid_has_moment"),
        Index("ix_payment_user_id", "user_id", text("id DESC")),
        Index("ix_payment_status", "status", "created_at", "id"),
        # amount and currency are compared within the index: a filter by them alone reads no payment in vain
        Index("ix_payment_created_at", "created_at", "id", "total_minor", "currency"),
        Index("ix_payment_amount", "currency", "total_minor"),
        Index("ix_payment_refunded", "created_at", "id", postgresql_where=text("refunded_minor > 0")),
        Index(
            "ix_payment_promo_code",
            "promo_code",
            "created_at",
            "id",
            postgresql_where=text("promo_code IS NOT NULL"),
        ),
        Index(
            "ix_payment_receipt_number",
            text('"right"(id::text, 12)'),
            postgresql_where=text("paid_at IS NOT NULL"),
        ),
        Index(
            "ix_payment_provider",
            "provider",
            "created_at",
            "id",
            postgresql_where=text("provider IS NOT NULL"),
        ),
        Index(
            "ix_payment_expires_at", "expires_at", postgresql_where=text("status IN ('unpaid', 'pending')")
        ),
        Index("uq_payment_open_attempt_id", "open_attempt_id", unique=True),
        CheckConstraint("(subscription_id IS NULL) = (renews_from IS NULL)", name="renewal_is_whole"),
        Index(
            "uq_payment_renewal",
            "subscription_id",
            "renews_from",
            unique=True,
            postgresql_where=text("subscription_id IS NOT NULL"),
        ),
        Index(
            "ix_payment_payment_method_id",
            "payment_method_id",
            postgresql_where=text("status = 'pending' AND payment_method_id IS NOT NULL"),
        ),
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
    payment_method_id: Mapped[UUID | None] = mapped_column(ForeignKey(PaymentMethod.id))
    subscription_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.subscription.id"))
    renews_from: Mapped[datetime | None]
    confirmation_url: Mapped[str | None]
    short_url: Mapped[str | None]
    link_expires_at: Mapped[datetime | None]
    next_ask_at: Mapped[datetime | None] = mapped_column(index=True)

    items: Mapped[list["PaymentItem"]] = relationship(order_by="PaymentItem.position", lazy="raise")


class PaymentItem(Base):
    """One line of a payment: name, kind and price as they were when it was made.

    `total_minor` is before the line's share of the payment's discount.
    """

    __tablename__ = "payment_item"
    __table_args__ = (
        CheckConstraint("quantity BETWEEN 1 AND 100", name="quantity_sane"),
        CheckConstraint("unit_minor > 0 AND total_minor = unit_minor * quantity", name="total_is_product"),
        CheckConstraint("discount_minor BETWEEN 0 AND total_minor", name="discount_within_total"),
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
    discount_minor: Mapped[Big] = mapped_column(server_default=text("0"))


class PaymentTransition(Base):
    """One change of a payment's state, and why. Append-only."""

    __tablename__ = "payment_transition"
    __table_args__ = (
        Index("ix_payment_transition_payment_id", "payment_id", "id"),
        Index(
            "ix_payment_transition_attempt_id", "attempt_id", postgresql_where=text("attempt_id IS NOT NULL")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey(Payment.id))
    from_status: Mapped[str]
    to_status: Mapped[str]
    reason: Mapped[str]
    attempt_id: Mapped[UUID | None]
    occurred_at: Mapped[datetime]


class PromoRedemption(Base):
    """One use of a promo code by one payment, given back (`returned_at`) if that ends without money."""

    __tablename__ = "promo_redemption"
    __table_args__ = (Index("ix_promo_redemption_promo_code_id", "promo_code_id", "payment_id"),)

    payment_id: Mapped[UUID] = mapped_column(ForeignKey(Payment.id), primary_key=True)
    promo_code_id: Mapped[UUID] = mapped_column(ForeignKey(PromoCode.id))
    user_id: Mapped[UUID]
    taken_at: Mapped[datetime]
    returned_at: Mapped[datetime | None]


class Refund(Base):
    """Money given back, whole or part. Those of source `late` give back money that bought nothing.

    `takes_rights`: also a part given back ends what the payment bought. `decided_by` is the second person.
    """

    __tablename__ = "refund"
    __table_args__ = (
        one_of("status", RefundStatus),
        one_of("source", RefundSource),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("ix_refund_payment_id", "payment_id", "id"),
        Index("ix_refund_status", "status", "id"),
        Index("ix_refund_next_ask_at", "next_ask_at", postgresql_where=text("status = 'pending'")),
        Index(
            "uq_refund_late",
            "attempt_id",
            unique=True,
            postgresql_where=text("source = 'late' AND status <> 'failed'"),
        ),
        CheckConstraint("decided_by IS NULL OR decided_by <> requested_by", name="decided_by_another"),
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
    takes_rights: Mapped[bool] = mapped_column(server_default=text("false"))
    requested_by: Mapped[UUID | None]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    failure_code: Mapped[str | None]
    failure_message: Mapped[str | None]
    next_ask_at: Mapped[datetime | None]


class RefundItem(Base):
    """What a refund takes back of one line of its payment; `amount_minor` of all of them sum to the refund.

    The line's revenue shrinks by amount and discount together; `deferred_minor` of it was not earned yet.
    """

    __tablename__ = "refund_item"
    __table_args__ = (
        CheckConstraint("deferred_minor BETWEEN 0 AND amount_minor + discount_minor", name="deferred_within"),
    )

    refund_id: Mapped[UUID] = mapped_column(ForeignKey(Refund.id), primary_key=True)
    payment_item_id: Mapped[UUID] = mapped_column(ForeignKey(PaymentItem.id), primary_key=True)
    amount_minor: Mapped[Big]
    discount_minor: Mapped[Big]
    deferred_minor: Mapped[Big]
