"""What ledger, provider's API and provider's register say of a day, side by side."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from theatre.billing.models.schema import Base, one_of
from theatre.contracts.payment import OperationKind
from theatre.kit.db import Big


class RunStatus(StrEnum):
    """`open`: not yet run to its end, or something is unexplained; it is run again. `closed`: nothing is."""

    OPEN = "open"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a row ends. A `case` waits for a person, whose note makes it explained."""

    MATCHED = "matched"
    EXPLAINED = "explained"
    CASE = "case"


class Reason(StrEnum):
    """Why a row ends as it does: first what matches, then what explains, then what a person must look at."""

    ALL_AGREE = "all_agree"
    REGISTER_NOT_IMPORTED = "register_not_imported"

    OTHER_DAY = "other_day"
    FEE_DIFFERS = "fee_differs"
    NOTED = "noted"

    UNKNOWN_TO_LEDGER = "unknown_to_ledger"
    UNKNOWN_TO_PROVIDER = "unknown_to_provider"
    MISSING_IN_API = "missing_in_api"
    MISSING_IN_REGISTER = "missing_in_register"
    DOUBLED_IN_REGISTER = "doubled_in_register"
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"


class ReconciliationRun(Base):
    """The comparison of one provider's day. `claim` is the worker at it, until `claimed_until`.

    `finished_at` is the end of the last run that went through; `next_try_at` when the job runs it again.
    """

    __tablename__ = "reconciliation_run"
    __table_args__ = (
        one_of("status", RunStatus),
        UniqueConstraint("provider", "day"),
        CheckConstraint("status = 'open' OR finished_at IS NOT NULL", name="closed_is_finished"),
        CheckConstraint("(claim IS NULL) = (claimed_until IS NULL)", name="claim_is_whole"),
        Index("ix_reconciliation_run_day", text("day DESC"), text("id DESC")),
        Index("ix_reconciliation_run_open", "day", "id", postgresql_where=text("status = 'open'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str]
    day: Mapped[date]
    status: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    register_imported_at: Mapped[datetime | None]
    claim: Mapped[UUID | None]
    claimed_until: Mapped[datetime | None]
    next_try_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class ReconciliationRow(Base):
    """One operation of a run with what each source says of it; a source that does not know it is null.

    `reference` is the provider's, or ours where the provider has none; `operation_key` is the ledger's. `seen_by` is
    the claim under which it was judged last, `cause` that of the case it has.
    """

    __tablename__ = "reconciliation_row"
    __table_args__ = (
        one_of("kind", OperationKind),
        one_of("outcome", Outcome),
        one_of("reason", Reason),
        UniqueConstraint("run_id", "kind", "reference"),
        CheckConstraint("num_nonnulls(ledger_minor, api_minor, register_minor) > 0", name="somebody_knows"),
        CheckConstraint("outcome <> 'case' OR cause IS NOT NULL", name="case_has_cause"),
        Index("ix_reconciliation_row_outcome", "run_id", "outcome", "id"),
        Index("ix_reconciliation_row_run_id", "run_id", "id"),
        Index("ix_reconciliation_row_operation_key", "run_id", "operation_key"),
        Index("ix_reconciliation_row_cause", "cause", postgresql_where=text("cause IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey(ReconciliationRun.id))
    kind: Mapped[str]
    reference: Mapped[str]
    operation_key: Mapped[str | None]
    payment_id: Mapped[UUID | None]
    ledger_minor: Mapped[Big | None]
    ledger_currency: Mapped[str | None]
    ledger_fee_minor: Mapped[Big | None]
    ledger_on: Mapped[date | None]
    api_minor: Mapped[Big | None]
    api_currency: Mapped[str | None]
    api_fee_minor: Mapped[Big | None]
    api_on: Mapped[date | None]
    register_minor: Mapped[Big | None]
    register_currency: Mapped[str | None]
    register_fee_minor: Mapped[Big | None]
    register_on: Mapped[date | None]
    outcome: Mapped[str]
    reason: Mapped[str]
    cause: Mapped[str | None]
    judged_at: Mapped[datetime]
    seen_by: Mapped[UUID]


class RegisterLine(Base):
    """One operation of a provider's register of a day; `copies` says how often its file holds it."""

    __tablename__ = "register_line"
    __table_args__ = (
        one_of("kind", OperationKind),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("copies > 0", name="copies_positive"),
        Index("ix_register_line_reference", "provider", "kind", "reference"),
    )

    provider: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(primary_key=True)
    payment_reference: Mapped[str]
    amount_minor: Mapped[Big]
    currency: Mapped[str]
    fee_minor: Mapped[Big | None]
    happened_at: Mapped[datetime | None]
    copies: Mapped[int]
