"""What can be bought, and for how much."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from theatre.billing.models.schema import Base, one_of
from theatre.billing.models.states import ProductKind, PromoKind
from theatre.kit.db import Big


class Product(Base):
    """What can be bought. Names and descriptions by language.

    `decided_by`: the member of staff who made it; the price list leaves that one alone.
    """

    __tablename__ = "product"
    __table_args__ = (one_of("kind", ProductKind),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    descriptions: Mapped[dict[str, str]] = mapped_column(JSONB)
    film_id: Mapped[UUID | None] = mapped_column(index=True)
    is_active: Mapped[bool]
    decided_by: Mapped[UUID | None]
    created_at: Mapped[datetime]

    prices: Mapped[list["Price"]] = relationship(
        back_populates="product", order_by="Price.amount_minor, Price.id", lazy="raise"
    )


class Price(Base):
    """An immutable amount for a product; only `is_active` may change, which the database enforces.

    `decided_by`: the member of staff who made it or switched it off last; the price list leaves that one alone.
    """

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
    decided_by: Mapped[UUID | None]
    created_at: Mapped[datetime]

    product: Mapped[Product] = relationship(back_populates="prices", lazy="raise")


class PromoCode(Base):
    """A word that makes a purchase cheaper. `used_count` counts the purchases that hold a use of it now.

    Without `product_ids` it is good for everything; without `ends_at` or a cap it has none.
    """

    __tablename__ = "promo_code"
    __table_args__ = (
        one_of("kind", PromoKind),
        CheckConstraint("code = upper(code)", name="code_upper"),
        CheckConstraint(
            "kind <> 'percent' OR (percent BETWEEN 1 AND 100 AND amount_minor IS NULL AND currency IS NULL)",
            name="percent_whole",
        ),
        CheckConstraint(
            "kind <> 'amount' OR (percent IS NULL AND amount_minor > 0 AND currency ~ '^[A-Z]{3}$')",
            name="amount_whole",
        ),
        CheckConstraint("total_cap > 0 AND per_user_cap > 0", name="caps_positive"),
        CheckConstraint("used_count >= 0 AND used_count <= total_cap", name="used_within_cap"),
        CheckConstraint("starts_at < ends_at", name="term_forward"),
        Index("ix_promo_code_is_active", "is_active", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    percent: Mapped[int | None]
    amount_minor: Mapped[Big | None]
    currency: Mapped[str | None]
    product_ids: Mapped[list[UUID]] = mapped_column(ARRAY(PgUuid(as_uuid=True)), server_default=text("'{}'"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    total_cap: Mapped[int | None]
    per_user_cap: Mapped[int | None]
    used_count: Mapped[int] = mapped_column(server_default=text("0"))
    is_active: Mapped[bool]
    created_at: Mapped[datetime]


class PromoUser(Base):
    """How many uses of a promo code one user holds now."""

    __tablename__ = "promo_user"
    __table_args__ = (CheckConstraint("used_count >= 0", name="used_not_negative"),)

    promo_code_id: Mapped[UUID] = mapped_column(ForeignKey(PromoCode.id), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    used_count: Mapped[int]
