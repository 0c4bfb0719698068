"""The double-entry ledger, its balances, and when deferred revenue is earned."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from theatre.billing.models.payments import Payment, PaymentItem, Refund
from theatre.billing.models.schema import Base
from theatre.kit.db import Big


class LedgerEntry(Base):
    """One balanced fact about money. Append-only; a mistake is reversed by another entry, never edited.

    `provider_reference`, of captured money: the provider's own id of it.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        Index("ix_ledger_entry_payment_id", "payment_id", "id"),
        Index("ix_ledger_entry_occurred_at", "occurred_at", "id"),
        Index(
            "ix_ledger_entry_provider_reference",
            "provider_reference",
            postgresql_where=text("provider_reference IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    operation_key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey(Payment.id))
    refund_id: Mapped[UUID | None] = mapped_column(ForeignKey(Refund.id))
    provider_reference: Mapped[str | None]
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


class AccountBalance(Base):
    """What an account holds: a projection that the database keeps with every posting, in shards.

    A balance is the sum of its shards; each connection adds to a shard of its own, so that purchases side by side do
    not wait for each other.
    """

    __tablename__ = "account_balance"

    account: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    shard: Mapped[int] = mapped_column(primary_key=True)
    balance_minor: Mapped[Big]


class LedgerDay(Base):
    """What entries of one kind posted on one account on one day of a zone: a projection of days that are over.

    Reports read it instead of the postings. `line_count` is the number of lines that it sums.
    """

    __tablename__ = "ledger_day"

    zone: Mapped[str] = mapped_column(primary_key=True)
    day_on: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    sum_minor: Mapped[Big]
    line_count: Mapped[Big]


class LedgerClosing(Base):
    """Up to which day, not included, the days of a zone are in `ledger_day`."""

    __tablename__ = "ledger_closing"

    zone: Mapped[str] = mapped_column(primary_key=True)
    closed_until: Mapped[date]


class RevenueSchedule(Base):
    """How the deferred revenue of one paid line of a plan is earned, evenly over its period, day by day.

    `amount_minor` is what is to be earned in all, `recognized_minor` what has been.
    """

    __tablename__ = "revenue_schedule"
    __table_args__ = (
        CheckConstraint("recognized_minor BETWEEN 0 AND amount_minor", name="recognized_within_amount"),
        CheckConstraint("starts_at < ends_at", name="forward"),
        Index("ix_revenue_schedule_next_at", "next_at", postgresql_where=text("next_at IS NOT NULL")),
    )

    payment_item_id: Mapped[UUID] = mapped_column(ForeignKey(PaymentItem.id), primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey(Payment.id), index=True)
    currency: Mapped[str]
    amount_minor: Mapped[Big]
    recognized_minor: Mapped[Big]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    next_at: Mapped[datetime | None]
