"""Reconciliation: a run per provider and day, a row per operation, the lines of providers' registers."""

import sqlalchemy as sa
from alembic import op

revision = "billing_0005"
down_revision = "billing_0004"

MOMENT = sa.TIMESTAMP(timezone=True)
REASONS = (
    "'all_agree', 'register_not_imported', 'other_day', 'fee_differs', 'noted', 'unknown_to_ledger', "
    "'unknown_to_provider', 'missing_in_api', 'missing_in_register', 'doubled_in_register', 'amount_differs', "
    "'currency_differs'"
)


def upgrade() -> None:
    create_run()
    create_row()
    create_register_line()


def create_run() -> None:
    op.create_table(
        "reconciliation_run",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("register_imported_at", MOMENT),
        sa.Column("claim", sa.Uuid),
        sa.Column("claimed_until", MOMENT),
        sa.Column("next_try_at", MOMENT),
        sa.Column("last_error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliation_run"),
        sa.UniqueConstraint("provider", "day", name="uq_reconciliation_run_provider_day"),
        sa.CheckConstraint("status IN ('open', 'closed')", name="ck_reconciliation_run_status_known"),
        sa.CheckConstraint(
            "status = 'open' OR finished_at IS NOT NULL", name="ck_reconciliation_run_closed_is_finished"
        ),
        sa.CheckConstraint(
            "(claim IS NULL) = (claimed_until IS NULL)", name="ck_reconciliation_run_claim_is_whole"
        ),
        schema="billing",
    )
    op.create_index(
        "ix_reconciliation_run_day",
        "reconciliation_run",
        [sa.literal_column("day DESC"), sa.literal_column("id DESC")],
        schema="billing",
    )
    op.create_index(
        "ix_reconciliation_run_open",
        "reconciliation_run",
        ["day", "id"],
        schema="billing",
        postgresql_where=sa.text("status = 'open'"),
    )


def create_row() -> None:
    sources = [
        column
        for source in ("ledger", "api", "register")
        for column in (
            sa.Column(f"{source}_minor", sa.BigInteger),
            sa.Column(f"{source}_currency", sa.Text),
            sa.Column(f"{source}_fee_minor", sa.BigInteger),
            sa.Column(f"{source}_on", sa.Date),
        )
    ]
    op.create_table(
        "reconciliation_row",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("run_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("operation_key", sa.Text),
        sa.Column("payment_id", sa.Uuid),
        *sources,
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("cause", sa.Text),
        sa.Column("judged_at", MOMENT, nullable=False),
        sa.Column("seen_by", sa.Uuid, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliation_row"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["billing.reconciliation_run.id"], name="fk_reconciliation_row_run_id"
        ),
        sa.UniqueConstraint(
            "run_id", "kind", "reference", name="uq_reconciliation_row_run_id_kind_reference"
        ),
        sa.CheckConstraint("kind IN ('capture', 'refund')", name="ck_reconciliation_row_kind_known"),
        sa.CheckConstraint(
            "outcome IN ('matched', 'explained', 'case')", name="ck_reconciliation_row_outcome_known"
        ),
        sa.CheckConstraint(f"reason IN ({REASONS})", name="ck_reconciliation_row_reason_known"),
        sa.CheckConstraint(
            "num_nonnulls(ledger_minor, api_minor, register_minor) > 0",
            name="ck_reconciliation_row_somebody_knows",
        ),
        sa.CheckConstraint(
            "outcome <> 'case' OR cause IS NOT NULL", name="ck_reconciliation_row_case_has_cause"
        ),
        schema="billing",
    )
    index_row("outcome", "run_id", "outcome", "id")
    index_row("run_id", "run_id", "id")
    index_row("operation_key", "run_id", "operation_key")
    op.create_index(
        "ix_reconciliation_row_cause",
        "reconciliation_row",
        ["cause"],
        schema="billing",
        postgresql_where=sa.text("cause IS NOT NULL"),
    )


def index_row(name: str, *columns: str) -> None:
    op.create_index(f"ix_reconciliation_row_{name}", "reconciliation_row", list(columns), schema="billing")


def create_register_line() -> None:
    op.create_table(
        "register_line",
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("payment_reference", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("fee_minor", sa.BigInteger),
        sa.Column("happened_at", MOMENT),
        sa.Column("copies", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("provider", "day", "kind", "reference", name="pk_register_line"),
        sa.CheckConstraint("kind IN ('capture', 'refund')", name="ck_register_line_kind_known"),
        sa.CheckConstraint("amount_minor > 0", name="ck_register_line_amount_positive"),
        sa.CheckConstraint("copies > 0", name="ck_register_line_copies_positive"),
        schema="billing",
    )
    op.create_index(
        "ix_register_line_reference",
        "register_line",
        ["provider", "kind", "reference"],
        schema="billing",
    )


def downgrade() -> None:
    raise NotImplementedError("money is never dropped by a script")
