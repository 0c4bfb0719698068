"""What paid lines have bought: subscriptions with their periods, and rights to watch."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from theatre.billing.models.catalogue import Price, Product
from theatre.billing.models.payments import Payment, PaymentItem
from theatre.billing.models.schema import Base, one_of
from theatre.billing.models.states import ProductKind, SubscriptionStatus


class Subscription(Base):
    """A standing agreement on a plan. `paid_until` moves with each paid period; days are counted from `anchor_at`.

    With `is_renewing` its user agreed that it is charged without asking. Whoever looks after renewals looks at it at
    `renewal_due_at`, and at `remind_at` its user is told what will come. From the first try to renew it until
    `grace_until` it may be watched unpaid.
    """

    __tablename__ = "subscription"
    __table_args__ = (
        one_of("status", SubscriptionStatus),
        CheckConstraint("paid_from < paid_until", name="period_forward"),
        Index("ix_subscription_user_id", "user_id", text("id DESC")),
        Index("ix_subscription_status", "status", "id"),
        Index(
            "uq_subscription_open",
            "user_id",
            "product_id",
            unique=True,
            postgresql_where=text("status IN ('trialing', 'active', 'past_due', 'paused')"),
        ),
        Index(
            "ix_subscription_end",
            text("coalesce(grace_until, paid_until)"),
            postgresql_where=text("status IN ('trialing', 'active', 'past_due', 'paused')"),
        ),
        Index(
            "ix_subscription_renewal_due_at",
            "renewal_due_at",
            postgresql_where=text("renewal_due_at IS NOT NULL"),
        ),
        Index("ix_subscription_remind_at", "remind_at", postgresql_where=text("remind_at IS NOT NULL")),
        Index("ix_subscription_product_id", "product_id", "id"),
        Index("ix_subscription_paid_until", "paid_until", "id", postgresql_where=text("status = 'active'")),
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
    is_renewing: Mapped[bool] = mapped_column(server_default=text("false"))
    renewal_due_at: Mapped[datetime | None]
    remind_at: Mapped[datetime | None]
    grace_until: Mapped[datetime | None]
    created_at: Mapped[datetime]

    product: Mapped[Product] = relationship(lazy="raise")
    price: Mapped[Price] = relationship(lazy="raise")


class SubscriptionPeriod(Base):
    """One paid stretch of a subscription, bought by one line of a payment.

    With `is_disputed` it was taken back by a dispute only, and comes back if that is won; rights to watch likewise.
    """

    __tablename__ = "subscription_period"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="forward"),
        CheckConstraint("revoked_at IS NOT NULL OR NOT is_disputed", name="disputed_is_revoked"),
        Index("ix_subscription_period_subscription_id", "subscription_id", "starts_at"),
        Index("ix_subscription_period_ends_at", "ends_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subscription_id: Mapped[UUID] = mapped_column(ForeignKey(Subscription.id))
    payment_item_id: Mapped[UUID] = mapped_column(ForeignKey(PaymentItem.id), unique=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey(Payment.id), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    is_disputed: Mapped[bool] = mapped_column(server_default=text("false"))


class Entitlement(Base):
    """The right to watch, from–until, with its source; one for each line of a payment.

    `used_at` is the first play: what has been used is given back by staff only. With `grace_until` it lasts so long
    while the plan's renewal is being tried.
    """

    __tablename__ = "entitlement"
    __table_args__ = (
        one_of("kind", ProductKind),
        CheckConstraint("revoked_at IS NOT NULL OR NOT is_disputed", name="disputed_is_revoked"),
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
    grace_until: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    is_disputed: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]
