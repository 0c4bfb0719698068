"""Ways to pay that users let payment systems keep."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from theatre.billing.models.schema import Base


class PaymentMethod(Base):
    """A way to pay that a payment system keeps for a user; of a card only what may be shown is here.

    `attempt_id` is the payment by which it was kept, as its user wished; the one with `is_default` pays for renewals. A
    removed one is never charged again, one that is unusable only if its user wishes.
    """

    __tablename__ = "payment_method"
    __table_args__ = (
        UniqueConstraint("provider", "reference"),
        CheckConstraint("last4 ~ '^[0-9]{4}$'", name="last4_is_short"),
        CheckConstraint("removed_at IS NULL OR NOT is_default", name="removed_is_no_default"),
        CheckConstraint("(unusable_at IS NULL) = (unusable_code IS NULL)", name="unusable_has_reason"),
        Index(
            "ix_payment_method_user_id",
            "user_id",
            text("id DESC"),
            postgresql_where=text("removed_at IS NULL"),
        ),
        Index("uq_payment_method_default", "user_id", unique=True, postgresql_where=text("is_default")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    provider: Mapped[str]
    reference: Mapped[str]
    kind: Mapped[str]
    brand: Mapped[str | None]
    last4: Mapped[str | None]
    expiry_month: Mapped[int | None]
    expiry_year: Mapped[int | None]
    is_default: Mapped[bool]
    attempt_id: Mapped[UUID]
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    unusable_at: Mapped[datetime | None]
    unusable_code: Mapped[str | None]
